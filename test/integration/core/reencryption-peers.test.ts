/** Two clinics: what follows elsewhere once a patient had old records encrypted anew, where somebody remains and where nobody does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { commitDigest } from '../../../src-main/core/services/records.ts';
import { foundTwoClinics, shareAll } from './two-clinics.ts';
import { demographicsOf, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };

describe('old records encrypted anew, at another clinic', () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Staff;
  let others: Staff;
  let patient = '';
  let card = '';

  const anchored = (w: TestWorkstation) =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
  const mine = async () => {
    const url = a.core.workstation.network.current()?.endpoint ?? '';
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x4'] });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };
  const commits = (w: TestWorkstation) => w.core.workstation.store.workstation.operations({ kinds: ['Commit'], patient });
  /** Files in which the contents of commits lie, by the commits' blocks. */
  const filesOf = async (w: TestWorkstation, operations: ReturnType<typeof commits>) => {
    const { crypto, ipfs } = w.core.workstation;
    const files: string[] = [];
    for (const { operation } of operations) {
      const { pack, entries } = crypto.decodeCommit(await ipfs.get(crypto.cidOfDigest(commitDigest(operation.payload))));
      files.push(...(pack === null ? [] : [pack]), ...entries.flatMap(({ location }) => location.file?.cid ?? []));
    }
    return files;
  };
  const gone = (w: TestWorkstation, files: readonly string[]) =>
    w.until(
      'old contents dropped',
      async () => {
        await mine();
        w.core.workstation.dropping.wake();
        await w.core.workstation.dropping.settled();
        return files.filter((cid) => w.core.workstation.ipfs.has(cid));
      },
      (left) => left.length === 0,
    );
  const atDesk = async () => {
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card, pin });
  };

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
    ({ people, others } = await foundTwoClinics(a, b));
    await anchored(b);
    await logIn(a, people.registrar);
    const registered = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
    patient = registered.patient.patient;
    card = registered.card;
    await shareAll(a, { card }, [people.doctor, others.doctor]);
    await anchored(a);
    await logIn(a, people.doctor);
    await a.until(
      'saved',
      () => a.ask('chart.saveEncounter', { ...encounter, patient }).catch(() => null),
      (s) => s !== null,
    );
    await anchored(a);
    await logIn(b, others.doctor);
    await b.until(
      'the record at the other clinic',
      () => b.ask('chart.verify', { patient }).catch(() => null),
      (r) => (r?.verified ?? 0) > 1 && r?.failures.length === 0,
    );
  }, 240_000);
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  it('is fetched, compared and then takes the old one’s place where somebody may still read', async () => {
    const before = await filesOf(b, commits(b));
    expect(before.every((cid) => b.core.workstation.ipfs.has(cid))).toBe(true);
    await atDesk();
    await a.ask('desk.revoke', { grantee: granteeOfAccount(people.doctor), categories: [] });
    expect(await a.ask('earlier.reencrypt', { categories: [] })).toMatchObject({ unreadable: 0, later: 0, stopped: false });
    await anchored(a);
    await gone(
      a,
      before.filter((cid) => a.core.workstation.ipfs.has(cid)),
    );
    await b.until(
      'followed and indexed',
      () => b.snapshot(),
      (s) => s.sync.indexing === 0 && commits(b).length === commits(a).length,
    );
    await gone(b, before);
    expect(await b.ask('chart.verify', { patient, offline: true })).toMatchObject({ failures: [], notShared: 0 });
  });

  it('goes too where nobody may read it any more, once the new blocks are there', async () => {
    const before = (await filesOf(b, commits(b))).filter((cid) => b.core.workstation.ipfs.has(cid));
    expect(before.length).toBeGreaterThan(0);
    await b.ask('session.lock', {});
    await atDesk();
    await a.ask('desk.revoke', { grantee: granteeOfAccount(others.doctor), categories: [] });
    const result = await a.ask('earlier.reencrypt', { categories: [] });
    expect(result).toMatchObject({ unreadable: 0, later: 0, stopped: false });
    expect(result.done).toBeGreaterThan(0);
    await anchored(a);
    await b.until(
      'followed',
      async () => commits(b).length === commits(a).length,
      (same) => same,
    );
    await gone(b, before);
    // The ciphertext is kept for the network; whoever was revoked has no key to it.
    const moved = commits(b).filter(({ operation }) => operation.actor === patient);
    const now = (await filesOf(b, moved.slice(-result.done))).filter((cid) => b.core.workstation.ipfs.has(cid));
    expect(now.length).toBeGreaterThan(0);
    await logIn(b, others.doctor);
    const report = await b.ask('chart.verify', { patient });
    expect(report).toMatchObject({ verified: 0, failures: [] });
  });
});
