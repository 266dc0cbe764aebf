/**
 * Advice on a passphrase while it is typed. A rough estimate of how many guesses it stands, on the careful side: what matters is that
 * short, repeated and guessable ones are named as such. The limit itself (10 characters) is the core's.
 */
export const minimumPassphraseLength = 10;

export interface PassphraseAdvice {
  /** 0 too short, 1 weak, 2 fair, 3 strong. */
  readonly level: 0 | 1 | 2 | 3;
  readonly text: string;
}

const sequences = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop'];
const common = [
  'password',
  'passwort',
  'passphrase',
  'welcome',
  'letmein',
  'secret',
  'admin',
  'doctor',
  'clinic',
  'hospital',
  'health',
  'iloveyou',
];

/** Characters that really have to be guessed: repeats, runs along the alphabet or keyboard, and well-known words count for little. */
function effectiveLength(text: string, known: readonly string[]): number {
  let rest = text.toLowerCase();
  let length = 0;
  for (const word of [...known, ...common]) {
    const plain = word.trim().toLowerCase();
    if (plain.length < 3 || !rest.includes(plain)) continue;
    rest = rest.split(plain).join(' ');
    length += 1;
  }
  let previous = '';
  for (const character of rest) {
    const runs = sequences.some((sequence) => sequence.includes(previous + character) || sequence.includes(character + previous));
    length += character === previous || (previous !== '' && runs) ? 0.25 : 1;
    previous = character;
  }
  return length;
}

const wordsOf = (passphrase: string): string[] =>
  passphrase
    .trim()
    .split(/[\s\-_.]+/)
    .filter((word) => word.length >= 3);

/** Bits that have to be guessed, on the careful side. */
function bitsOf(passphrase: string, known: readonly string[]): number {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(passphrase)).length;
  const names = known.flatMap((name) => name.split(/\s+/));
  return effectiveLength(passphrase, names) * (2.2 + 0.6 * kinds);
}

/** Guesses that a passphrase stands, roughly: whoever guesses words from a list of 2,048 needs no more than that for each. */
export function guessesOf(passphrase: string): number {
  const words = wordsOf(passphrase);
  const spelled = words.join('').length;
  const bits = bitsOf(passphrase, []);
  const ordinary = /^[a-z\s\-_.]+$/i.test(passphrase) && spelled > 0;
  return 2 ** (ordinary && words.length > 1 ? Math.min(bits, 11 * words.length) : bits);
}

/**
 * @param known what somebody who wants in would try first: the person's and the clinic's name.
 */
export function advisePassphrase(passphrase: string, known: readonly string[] = []): PassphraseAdvice {
  if (passphrase.length < minimumPassphraseLength) {
    const missing = minimumPassphraseLength - passphrase.length;
    return {
      level: 0,
      text: `At least ${minimumPassphraseLength} characters: ${missing} more. Four unrelated words are easy to remember and hard to guess.`,
    };
  }
  const words = wordsOf(passphrase);
  const strength = bitsOf(passphrase, known);
  if (strength < 32) return { level: 1, text: 'Easy to guess. Add another word that has nothing to do with the rest.' };
  if (strength < 52 && new Set(words).size < 4) return { level: 2, text: 'Fair. One more word makes it strong.' };
  return { level: 3, text: 'Strong. Make sure that you can remember it: nobody can look it up for you.' };
}
