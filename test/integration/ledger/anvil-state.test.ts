import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { anvilState } from '../../../src-main/core/adapters/ledger/anvil-state.ts';
import { temporaryFolder } from './site.ts';

let folder: ReturnType<typeof temporaryFolder>;
const file = (name: string) => join(folder.dir, name);

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

it('keeps a whole state as the last good one, and no half of one', async () => {
  const state = anvilState(folder.dir);
  await state.keepWhole();
  writeFileSync(state.file, '{"blocks":[1]}');
  await state.keepWhole();
  writeFileSync(state.file, '{"blocks":[1,2');
  await state.keepWhole();
  expect(readFileSync(file('ledger.previous.json'), 'utf8')).toBe('{"blocks":[1]}');
  expect(existsSync(file('ledger.copy.json'))).toBe(false);
});

it('falls back once, then begins anew', async () => {
  const state = anvilState(folder.dir);
  writeFileSync(state.file, 'good');
  await state.keepCandidate();
  await state.confirmCandidate();
  writeFileSync(state.file, 'bad');
  await state.keepCandidate();
  expect(await state.fallBack()).toBe(true);
  expect(readFileSync(state.file, 'utf8')).toBe('good');
  expect(readFileSync(file('ledger.damaged.json'), 'utf8')).toBe('bad');
  expect(await state.fallBack()).toBe(false);
  expect(existsSync(state.file)).toBe(false);
});

it('writes a long chain less often', async () => {
  const state = anvilState(folder.dir);
  expect(await state.interval()).toBe(5);
  writeFileSync(state.file, Buffer.alloc(20 * 1024 * 1024));
  expect(await state.interval()).toBe(30);
});
