/** Identifiers grouped for reading aloud and comparing. Only spaces are added; copying must use the value itself. */

function groups(digits: string, sizes: readonly number[]): string {
  const parts: string[] = [];
  let at = 0;
  for (let index = 0; at < digits.length; index++) {
    const size = sizes[Math.min(index, sizes.length - 1)] ?? 4;
    parts.push(digits.slice(at, at + size));
    at += size;
  }
  return parts.join(' ');
}

/** `943 476 5919` for ten digits, `1234 5678 9012` for others; anything with another character stays as it is. `Not recorded` for ''. */
export function formatIdentifier(value: string): string {
  const text = value.trim();
  if (text === '') return 'Not recorded';
  if (!/^\d+$/.test(text)) return text;
  return text.length === 10 ? groups(text, [3, 3, 4]) : groups(text, [4]);
}

/** `0x12ab…9f3c`: an Ethereum account where the whole one is a click away. Other text stays as it is. */
export function formatAccount(account: string): string {
  return /^0x[0-9a-fA-F]{40}$/.test(account) ? `${account.slice(0, 6)}…${account.slice(-4)}` : account;
}
