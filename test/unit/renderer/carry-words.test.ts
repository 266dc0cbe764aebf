import { expect, it } from 'vitest';
import { outcomeOfWriting } from '../../../src-renderer/features/sync/carry-words.ts';

const written = { name: 'anamnesis-2026-03-01-0930.car', operations: 3, blocks: 8, missing: 0, staying: 0 };

it('says of a carried file what is in it, and nothing of what is not missing', () => {
  const { tone, title, sentences } = outcomeOfWriting(written);
  expect({ tone, title }).toEqual({ tone: 'success', title: '3 entries written' });
  expect(sentences).toEqual([expect.stringContaining('anamnesis-2026-03-01-0930.car can go to any workstation')]);
});

it('says what stays here: content that lies elsewhere, and entries that only the ledger can judge', () => {
  const { tone, sentences } = outcomeOfWriting({ ...written, missing: 1, staying: 2 });
  expect(tone).toBe('warning');
  expect(sentences.slice(1)).toEqual([
    '1 part of a record is not at this workstation, and so not in the file.',
    '2 entries that wait are not in it: signed in the network from which the clinic moved, and sent to the ledger from here.',
  ]);
});
