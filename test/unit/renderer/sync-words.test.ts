import { describe, expect, it } from 'vitest';
import { connectionWords, countOf, formatSyncTime } from '../../../src-renderer/features/frame/sync-words.ts';
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
  indexing: 0,
  missingBlocks: 0,
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

  it('counts one and many', () => {
    expect(countOf(1, 'record', 'records')).toBe('1 record');
    expect(countOf(1200, 'record', 'records')).toBe('1,200 records');
  });
});
