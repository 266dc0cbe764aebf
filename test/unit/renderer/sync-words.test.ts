import { describe, expect, it } from 'vitest';
import {
  catchUpWords,
  checkingWords,
  clockAdvice,
  clockWords,
  connectionWords,
  countOf,
  formatSyncTime,
} from '../../../src-renderer/features/frame/sync-words.ts';
import type { SyncView } from '../../../src-shared/view-types.ts';

const now = new Date(2026, 10, 23, 15, 0).getTime();
const sync = (change: Partial<SyncView>): SyncView => ({
  state: 'online',
  lastSync: new Date(2026, 10, 23, 14, 2).getTime(),
  head: 1,
  followed: 1,
  waiting: 0,
  rejected: 0,
  forged: 0,
  peers: 0,
  ledger: 'single-site',
  error: null,
  catchUp: null,
  checking: { left: 0, secondsLeft: null },
  paused: false,
  clock: null,
  confirmations: 2,
  indexing: 0,
  missingBlocks: 0,
  copies: { onlyHere: 0, noHub: 0, notOutside: 0, nowhere: 0, since: null },
  ...change,
});

describe('the state of sending, in words', () => {
  it('has the time alone today, and the date before', () => {
    expect(formatSyncTime(sync({}).lastSync, now)).toBe('14:02');
    expect(formatSyncTime(new Date(2026, 10, 22, 14, 2).getTime(), now)).toBe('22-Nov-2026 14:02');
  });

  it('says online, local network and offline, each with the last time', () => {
    expect(connectionWords(sync({}), now).label).toBe('Online · synced 14:02');
    expect(connectionWords(sync({ state: 'lan' }), now).label).toBe('Local network only · last synced 14:02');
    expect(connectionWords(sync({ state: 'offline' }), now).label).toBe('Offline · last synced 14:02');
  });

  it('says it plainly before the first time', () => {
    expect(connectionWords(sync({ state: 'offline', lastSync: null }), now).label).toBe('Offline · not synced yet');
  });

  it('says how far a long catch-up is and how long it may take, and that it was paused', () => {
    const words = (secondsLeft: number | null) => catchUpWords(sync({ catchUp: { done: 4_500, total: 10_000, secondsLeft } }));
    expect([null, 5, 40, 170, 7200].map(words)).toEqual([
      'Catching up: 45 %',
      'Catching up: 45 %, a few seconds left',
      'Catching up: 45 %, about a minute left',
      'Catching up: 45 %, about 3 minutes left',
      'Catching up: 45 %, about 2 hours left',
    ]);
    expect(catchUpWords(sync({}))).toBeNull();
    const checking = (left: number, secondsLeft: number | null) => checkingWords(sync({ checking: { left, secondsLeft } }));
    expect(checking(199, 1)).toBeNull();
    expect(checking(61_200, null)).toBe('Checking 61,200 signatures of others');
    expect(checking(61_200, 45)).toBe('Checking 61,200 signatures of others, about a minute left');
    expect(catchUpWords(sync({ paused: true }))).toBe('Catching up is paused');
  });

  it('says where the clock is wrong, and nothing where it is not', () => {
    expect(clockWords({ ahead: -10_800, by: 'ledger', wrong: true })).toBe('This computer’s clock is about 3 hours behind the network’s');
    expect(clockWords({ ahead: 300, by: 'workstations', wrong: true })).toBe(
      'This computer’s clock is about 5 minutes ahead of the other workstations’',
    );
    expect(clockWords({ ahead: 20, by: 'ledger', wrong: false })).toBeNull();
    expect(clockWords(null)).toBeNull();
  });

  it('tells nobody to set a clock that may be the right one', () => {
    expect(clockAdvice({ ahead: 300, by: 'ledger', wrong: true })).toMatch(/Set the clock of this computer/);
    const advice = clockAdvice({ ahead: 300, by: 'workstations', wrong: true });
    expect(advice).toMatch(/^Either this clock is wrong or theirs/);
    expect(advice).not.toMatch(/Set the clock of this computer/);
  });

  it('counts one and many', () => {
    expect(countOf(1, 'record', 'records')).toBe('1 record');
    expect(countOf(1200, 'record', 'records')).toBe('1,200 records');
  });
});
