/** A command's result for a person's eyes: one fact a line, nested ones indented. Scripts use --json. */
export function textOf(value: unknown): string {
  return `${lines(value, 0).join('\n')}\n`;
}

function lines(value: unknown, depth: number): string[] {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value)) return value.length === 0 ? [`${indent}none`] : value.flatMap((item) => [...lines(item, depth)]);
  if (typeof value !== 'object' || value === null) return [`${indent}${String(value)}`];
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === 'object' && inner !== null
      ? [`${indent}${name}:`, ...lines(inner, depth + 1)]
      : [`${indent}${name}: ${String(inner)}`],
  );
}
