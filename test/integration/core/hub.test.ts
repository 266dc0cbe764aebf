/** The hub, in a process of its own: comes in by an invitation, holds what the clinic made, survives SIGTERM and SIGKILL, hands on, and relays. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HubProcess } from './hub-process.ts';
import { addComputer, demographicsOf, foundClinic, ledgerOf, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

describe('the hub of a clinic', () => {
  let desk: TestWorkstation;
  const hub = new HubProcess();
  let people: Awaited<ReturnType<typeof foundClinic>>;
  const rows = (patient: string) => desk.core.workstation.store.workstation.operations({ patient });
  const register = async (family: string) => {
    const { patient } = await desk.ask('patients.register', { demographics: demographicsOf(family), pin });
    return patient.patient;
  };
  /** Resolves when the hub says that it holds these operations and their blocks. */
  const held = (patient: string) =>
    desk.until(
      'held by the hub',
      () => Promise.resolve(rows(patient)),
      (list) => list.length > 2 && list.every(({ published }) => published),
    );

  beforeAll(async () => {
    desk = await startWorkstation();
    people = await foundClinic(desk, 'Clinic');
  });
  afterAll(async () => {
    await hub.end('SIGKILL');
    await desk.stop();
    rmSync(hub.dir, { recursive: true, force: true, maxRetries: 5 });
  });

  it('comes in by an invitation and is on the list', async () => {
    const { invitation } = await desk.ask('computers.invitation', {});
    const file = join(hub.dir, 'invitation');
    writeFileSync(file, invitation);
    const started = await hub.start('--invitation-file', file, '--name', 'Cellar');
    expect(started).toMatchObject({ event: 'started', addresses: [expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\//)] });
    await desk.until(
      'connected',
      () => desk.ask('computers.list', {}),
      (list) => list.some(({ name, connected }) => name === 'Cellar' && connected),
    );
  });

  it('holds what is registered at the desk, also after it was killed and started again', async () => {
    await logIn(desk, people.registrar);
    const ledger = ledgerOf(desk);
    ledger.away();
    onTestFinished(() => ledger.back());
    const first = await register('First');
    await held(first);
    await hub.end('SIGKILL');
    const second = await register('Second');
    ledger.back();
    await hub.start();
    await desk.until(
      'anchored',
      () => Promise.resolve([...rows(first), ...rows(second)]),
      (list) => list.every(({ block }) => block !== null),
    );
    ledger.away();
    await held(await register('Third'));
    ledger.back();

    expect((await desk.snapshot()).sync.rejected).toBe(0);
  });

  it('that was killed with the ledger away holds soon, after it started again, what was made meanwhile', async () => {
    await logIn(desk, people.registrar);
    const ledger = ledgerOf(desk);
    ledger.away();
    onTestFinished(() => ledger.back());
    await held(await register('Fourth'));
    await hub.end('SIGKILL');
    const meanwhile = await register('Fifth');
    await hub.start();
    const since = Date.now();
    await held(meanwhile);
    expect(Date.now() - since).toBeLessThan(30_000);
  });

  it('whose clock is a year ahead holds what is made while the ledger is away', async () => {
    await logIn(desk, people.registrar);
    await hub.end('SIGTERM');
    hub.clockAheadMs = 365 * 24 * 3600_000;
    onTestFinished(async () => {
      hub.clockAheadMs = 0;
      await hub.end('SIGTERM');
      await hub.start();
    });
    const ledger = ledgerOf(desk);
    ledger.away();
    onTestFinished(() => ledger.back());
    expect((await desk.snapshot()).sync.clock?.wrong ?? false).toBe(false);
    await hub.start();
    await held(await register('Sixth'));
    // The ledger is the desk's own, so that it says nothing of the desk's clock.
    const { sync } = await desk.until('clock', desk.snapshot, (s) => s.sync.clock?.wrong === true);
    expect(sync.clock).toEqual({ ahead: expect.any(Number), by: 'workstations', wrong: true });
    expect(Math.abs((sync.clock?.ahead ?? 0) + hub.clockAheadMs / 1000)).toBeLessThan(60);
    await hub.end('SIGTERM');
    await desk.until('nobody to compare with', desk.snapshot, (s) => s.sync.clock === null);
    await hub.start();
  });

  it('gives it to a computer that comes when the desk is off, and ends on SIGTERM', async () => {
    await logIn(desk, people.admin);
    const office = await startWorkstation();
    await addComputer(desk, office, 'Office');
    const [address] = hub.lines.find((said) => said['event'] === 'started')?.['addresses'] as string[];
    await office.core.workstation.ipfs.dial(address ?? '');
    await desk.core.stop();
    const profile = office.core.workstation.directory.member(office.core.workstation.clinic().id, people.doctor)?.profile ?? '';
    const cid = office.core.workstation.crypto.cidOfDigest(profile);
    await office.until(
      'a block from the hub',
      () =>
        office.core.workstation.ipfs.get(cid, { timeoutMs: 2000 }).then(
          () => true,
          () => false,
        ),
      (got) => got,
    );
    await office.stop();
    expect(await hub.end('SIGTERM')).toBe(0);
    await desk.restart();
  });
});
