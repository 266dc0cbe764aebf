/** Two letters that stand for a person in a tile: of the first and last part of the name, leading titles left out. */
const titles = /^(dr|prof|mr|mrs|ms|mx|miss|sr|sister|nurse)\.?$/i;

export function initialsOf(name: string): string {
  const parts = name.split(/\s+/).filter((part) => part !== '');
  while (parts.length > 1 && titles.test(parts[0] ?? '')) parts.shift();
  const first = [...(parts[0] ?? '')][0] ?? '';
  const last = parts.length > 1 ? ([...(parts.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toUpperCase();
}
