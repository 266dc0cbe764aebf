import { describe, expect, it } from 'vitest';
import { createClockWatch } from '../../../src-main/core/services/clock-watch.ts';

const now = 1_790_000_000_000;

describe('the clock of this computer', () => {
  it('is compared with nothing at first', () => {
    expect(createClockWatch(() => now).view()).toBeNull();
  });

  it('is measured against new blocks, unmoved by one bad stamp', () => {
    const watch = createClockWatch(() => now);
    for (const late of [1, 2, 1, 90_000, 2]) watch.noteBlock(now / 1000 - late);
    expect(watch.view()).toEqual({ ahead: 2, by: 'ledger', wrong: false });
  });

  it('is found a year behind and a year ahead', () => {
    const year = 365 * 86_400;
    for (const apart of [year, -year]) {
      const watch = createClockWatch(() => now + apart * 1000);
      for (let block = 0; block < 3; block++) watch.noteBlock(now / 1000);
      expect(watch.view()).toEqual({ ahead: apart, by: 'ledger', wrong: true });
    }
  });

  it('is measured against other workstations where there is no ledger, half the way of the question being theirs', () => {
    const watch = createClockWatch(() => now);
    watch.notePeer('a', now - 301_000, 2000);
    watch.notePeer('b', now - 301_000, 2000);
    watch.notePeer('c', now + 9_000_000, 2000);
    expect(watch.view()).toEqual({ ahead: 300, by: 'workstations', wrong: true });
    for (const peer of ['a', 'b', 'c']) watch.forgetPeer(peer);
    expect(watch.view()).toBeNull();
  });
});
