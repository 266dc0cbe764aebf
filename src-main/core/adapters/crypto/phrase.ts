/**
 * Recovery words (BIP-39, English): 24 are made, 12 to 24 are taken, checked with a hint where a mistake can be told, and turned to and
 * from entropy. Words are strings, which cannot be zeroed: they exist only while shown or typed.
 */
import { entropyToMnemonic, generateMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { AppError } from '../../../../src-shared/errors.ts';

const known = new Set(wordlist);
const wordCounts = [12, 15, 18, 21, 24];
/** 24 words of at most 8 letters, with room for generous spacing. */
const maxPhraseLength = 2_000;

/** 24 new words: 256 bits of entropy. */
export function createPhrase(): string {
  return generateMnemonic(wordlist, 256);
}

/** Entropy (16 to 32 bytes) of 12 to 24 words. Case, line breaks and spaces do not matter. Throws PHRASE_INVALID, with `details.word` where one word is at fault. */
export function entropyOfPhrase(phrase: string): Uint8Array {
  if (phrase.length > maxPhraseLength) throw phraseInvalid('This is too long to be a recovery phrase. Enter its words only.');
  const words = phrase
    .normalize('NFKD')
    .toLowerCase()
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== '');
  // Count first: with a word too few or too many, the position of the others says nothing.
  if (!wordCounts.includes(words.length)) {
    throw phraseInvalid(
      `A recovery phrase has 24 words, older ones 12, 15, 18 or 21; these are ${words.length}. Compare with the written copy.`,
      {
        words: words.length,
      },
    );
  }
  const unknown = words.findIndex((word) => !known.has(word));
  if (unknown !== -1) {
    throw phraseInvalid(`Word ${unknown + 1} is not a word of a recovery phrase. Compare it with the written copy.`, { word: unknown + 1 });
  }
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch {
    // Only the checksum is left to fail. The library's error is not passed on: it may hold the words.
    throw phraseInvalid(
      `All ${words.length} words exist, but together they are not a recovery phrase: one is another word, two changed places, or some are missing. Compare with the written copy.`,
    );
  }
}

/** The words of 16, 20, 24, 28 or 32 bytes of entropy. */
export function phraseOfEntropy(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}

function phraseInvalid(message: string, details: Readonly<Record<string, number>> = {}): AppError {
  return new AppError('PHRASE_INVALID', message, details);
}
