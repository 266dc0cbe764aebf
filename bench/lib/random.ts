/** Numbers that look random and are the same in every run: what is measured today can be compared with what was measured yesterday. */
export interface Random {
  /** 0 to n - 1. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  /** Like `pick`, but the list's beginning comes up more often, as common names do (about Zipf's law). */
  common<T>(list: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** 0x-prefixed lower-case hex of so many bytes. */
  hex(length: number): string;
  digits(length: number): string;
}

/** xoshiro128** (Blackman and Vigna, 2018), seeded by SplitMix32. */
export function createRandom(seed: number): Random {
  let mixed = seed >>> 0;
  const split = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [split(), split(), split(), split()];
  const next = (): number => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const unit = (): number => next() / 2 ** 32;
  const at = <T>(list: readonly T[], position: number): T => {
    const found = list[Math.min(list.length - 1, Math.floor(position))];
    if (found === undefined) throw new RangeError('There is nothing to pick from');
    return found;
  };
  const bytes = (length: number): Uint8Array => {
    const made = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = next();
      for (let j = 0; j < 4 && i + j < length; j++) made[i + j] = (word >>> (8 * j)) & 0xff;
    }
    return made;
  };
  return {
    below: (n) => Math.floor(unit() * n),
    pick: (list) => at(list, unit() * list.length),
    common: (list) => at(list, list.length ** unit() - 1),
    bytes,
    hex: (length) => `0x${Buffer.from(bytes(length)).toString('hex')}`,
    digits: (length) => Array.from({ length }, () => Math.floor(unit() * 10)).join(''),
  };
}
