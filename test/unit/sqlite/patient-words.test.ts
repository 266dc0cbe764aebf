import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, idBucket, patientTokens, queryWords, sortName, tokenField } from '../../../src-main/core/adapters/sqlite/patient-words.ts';

const tokensOf = (row: Partial<Parameters<typeof patientTokens>[0]>, field: keyof typeof tokenField): string[] =>
  patientTokens({ family: '', given: '', phone: '', identifiers: [], ...row })
    .filter((token) => token.field === tokenField[field])
    .map(({ token }) => token);
const identifier = (value: string) => ({ system: 'urn:example', label: 'MRN', value });

describe('fold', () => {
  it.each([
    ['Müller', 'muller'],
    ['MÜLLER', 'muller'],
    ['Nguyễn', 'nguyen'],
    ['Łukasz Ørsted', 'lukasz orsted'],
    ['Weiß', 'weiss'],
    ['İstanbul', 'istanbul'],
    ['Ἀθηνᾶ', 'αθηνα'],
    ['Семён', 'семен'],
    ['مُحَمَّد', 'محمد'],
  ])('makes %s what is typed on a plain keyboard', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  it('keeps vowel signs that spell', () => {
    expect(fold('हिन्दी')).not.toBe(fold('हन्द'));
  });

  it('makes a half-typed Hangul syllable the beginning of the whole one', () => {
    expect(fold('김').startsWith(fold('기'))).toBe(true);
  });

  it('finds precomposed and decomposed spelling the same', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fold(text.normalize('NFC')) === fold(text.normalize('NFD'))));
  });
});

describe('patientTokens', () => {
  it('keeps a name as a whole and in parts', () => {
    expect(tokensOf({ family: "O'Brien" }, 'family')).toEqual(expect.arrayContaining(['obrien', 'brien']));
    expect(tokensOf({ family: 'Smith-Jones' }, 'family')).toEqual(expect.arrayContaining(['smithjones', 'smith', 'jones']));
    expect(tokensOf({ given: 'Anna Maria' }, 'given')).toEqual(['anna', 'maria']);
  });

  it('adds the whole name where it is written without a space', () => {
    expect(tokensOf({ family: '王', given: '小明' }, 'family')).toContain('王小明');
  });

  it('finds a phone number from its beginning and by its last digits', () => {
    const tokens = tokensOf({ phone: '+49 (151) 234-5678' }, 'phone');
    expect(tokens).toEqual(expect.arrayContaining(['491512345678', '1512345678', '5678']));
    expect(tokens).not.toContain('678');
  });

  it('ignores separators in identifiers', () => {
    expect(tokensOf({ identifiers: [identifier('AB-123 45.6')] }, 'identifier')).toEqual(['ab123456']);
  });

  it('is bounded for a name of any length', () => {
    const tokens = patientTokens({
      family: 'x'.repeat(1_000_000),
      given: 'a b '.repeat(100_000),
      phone: '1'.repeat(1000),
      identifiers: [],
    });
    expect(tokens.length).toBeLessThan(80);
    expect(Math.max(...tokens.map(({ token }) => token.length))).toBeLessThanOrEqual(80);
  });
});

describe('queryWords', () => {
  it('takes a number as one word, however it is grouped', () => {
    expect(queryWords('123 45-67')).toEqual(['1234567']);
    expect(queryWords('+1 (555) 123')).toEqual(['1555123']);
  });

  it('separates words at spaces and commas only', () => {
    expect(queryWords("Smith,John O'Neill")).toEqual(['smith', 'john', 'oneill']);
  });

  it('makes words of letters, digits and their marks out of any text, and few of them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        const words = queryWords(text);
        expect(words.length).toBeLessThanOrEqual(8);
        for (const word of words) expect(word).toMatch(/^[\p{L}\p{N}\p{M}]+$/u);
      }),
    );
  });
});

describe('idBucket', () => {
  it('is in the order of names, and exact as a number', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => sortName({ family: text, given: '' }));
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [first, second] = Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0 ? [a, b] : [b, a];
        expect(idBucket(first)).toBeLessThanOrEqual(idBucket(second));
        expect(Number.isSafeInteger(idBucket(second) + 2 ** 21)).toBe(true);
      }),
    );
  });
});
