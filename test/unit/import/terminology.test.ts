import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTerminology, terminologyEntries } from '../../../src-main/core/services/terminology.ts';

const root = resolve(import.meta.dirname, '../../..');
const file = JSON.parse(readFileSync(join(root, 'resources/terminology/icd10-starter.json'), 'utf8')) as unknown;
const entries = terminologyEntries(file);
const terminology = createTerminology(file);
const codes = (text: string, limit = 8) => terminology.search(text, limit).map((one) => one.code);

describe('a diagnosis is found', () => {
  it('by its code, with or without the dot', () => {
    expect(codes('E11.9')[0]).toBe('E11.9');
    expect(codes('e119')[0]).toBe('E11.9');
    expect(codes('j45', 20)).toEqual(expect.arrayContaining(['J45.20', 'J45.909']));
    expect(codes('I10')).toEqual(['I10']);
  });

  it('by the beginnings of words, in any order', () => {
    expect(codes('diab typ 2')[0]).toBe('E11.9');
    expect(codes('2 type diab')[0]).toBe('E11.9');
    expect(codes('bronch acu')[0]).toBe('J20.9');
    expect(codes('asthma')[0]).toBe('J45.909');
  });

  it('by what people call it', () => {
    expect([codes('heart attack')[0], codes('flu')[0], codes('shingles')[0], codes('UTI')[0], codes('htn')[0], codes('covid')[0]]).toEqual([
      'I21.4',
      'J11.1',
      'B02.9',
      'N39.0',
      'I10',
      'U07.1',
    ]);
  });

  it('in British and American spelling, from the first letters on', () => {
    for (const text of ['anaemia', 'anemia', 'anaem', 'ana', 'anem']) expect(codes(text, 50)).toContain('D64.9');
    for (const text of ['diarrhoea', 'diarrhea', 'diarrho', 'diarrhe']) expect(codes(text, 20)).toContain('R19.7');
    for (const text of ['oedema', 'edema', 'Ménière', 'meniere']) expect(codes(text, 20)).not.toEqual([]);
  });

  it('or not, without a fault', () => {
    for (const text of ['', ' ', '.', '%', 'zzz', 'diabetes zzz', '\u0000', 'x'.repeat(10_000)]) expect(codes(text)).toEqual([]);
    expect(codes('a', 3)).toHaveLength(3);
    expect(codes('a', 0)).toEqual([]);
  });
});

describe('a terminology file', () => {
  it('that is none is refused', () => {
    const system = 'urn:s';
    const bad = [
      null,
      [],
      {},
      { system, entries: {} },
      { system, entries: [{}] },
      { system, entries: [{ code: 'A', display: '' }] },
      { system, entries: [{ code: 'A', display: 'B', synonyms: 'x' }] },
    ];
    for (const one of bad) expect(() => terminologyEntries(one)).toThrow('cannot be used');
    const twice = { code: 'A', display: 'B' };
    expect(() => terminologyEntries({ system, entries: [twice, twice] })).toThrow('entry 2 repeats a code');
  });
});

const official = join(root, '../shared/data/terminology/icd10cm_order_2014.txt.gz');
it.skipIf(!existsSync(official))('the starter list says what the official order file says', () => {
  const lines = gunzipSync(readFileSync(official)).toString('latin1').split('\n');
  const displays = new Map(lines.map((line) => [line.slice(6, 13).trim(), line.slice(77).replace(/\s+/g, ' ').trim()]));
  const wrong = entries.filter((entry) => entry.code !== 'U07.1' && displays.get(entry.code.replace('.', '')) !== entry.display);
  expect(wrong).toEqual([]);
  expect(entries.length).toBeGreaterThan(400);
});
