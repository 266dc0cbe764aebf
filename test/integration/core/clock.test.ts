import { afterAll, describe, expect, it, vi } from 'vitest';
import { foundClinic, startWorkstation } from './workstation.ts';

const year = 365 * 24 * 3600 * 1000;

describe('a clock that falls a year behind', async () => {
  const right = Date.now;
  let behind = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => right() - behind);
  const w = await startWorkstation();
  afterAll(async () => {
    await w.stop();
    vi.restoreAllMocks();
  });

  it('makes no operations that the ledger refuses as expired', async () => {
    const { admin } = await foundClinic(w, 'Clinic');
    behind = year;
    await w.ask('staff.changeRoles', { account: admin, roles: ['admin', 'registrar'] });
    const { sync } = await w.until('anchoring', w.snapshot, (s) => s.sync.waiting === 0 && s.sync.state === 'online');
    const { entries } = await w.ask('sync.outbox', { show: 'all', limit: 1 });
    expect({ rejected: sync.rejected, reason: entries[0]?.reason }).toEqual({ rejected: 0, reason: null });
    expect(w.core.workstation.store.workstation.operations({ kinds: ['ChangeMember'] })[0]?.operation.issuedAt).toBeLessThan(
      Math.floor((right() - year / 2) / 1000),
    );
  }, 60_000);
});
