/** Two clinics, one without the network: the patient ends one reader's access at each. Real workstations and a real ledger. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundTwoClinics, shareAll } from './two-clinics.ts';
import { demographicsOf, logIn, pin, staff, startWorkstation, type TestWorkstation } from './workstation.ts';

let a: TestWorkstation;
let b: TestWorkstation;
beforeAll(async () => {
  a = await startWorkstation();
  b = await startWorkstation();
});
afterAll(async () => {
  await b.stop();
  await a.stop();
});

const category = 'problems-and-encounters' as const;
const settled = (w: TestWorkstation) =>
  w.until(
    'nothing waits',
    () => w.snapshot(),
    (s) => s.sync.waiting === 0,
  );

it('ends both for good, and who stays at either clinic reads and writes on', async () => {
  const { people, others } = await foundTwoClinics(a, b);
  const { doctor: endedAtA } = await staff(a, 'Clinic A');
  const { doctor: endedAtB } = await staff(b, 'Clinic B');

  await logIn(a, people.registrar);
  const { patient: registered, card } = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
  const { patient } = registered;
  await shareAll(a, { card }, [people.doctor, endedAtA, others.doctor, endedAtB]);
  await settled(a);
  await logIn(b, others.doctor);
  await b.until(
    'the chart at B',
    () => b.ask('patients.search', { text: 'rao', limit: 5, offset: 0 }),
    (r) => r.total === 1,
  );
  await settled(b);

  /** As the person logged in. */
  const write = (w: TestWorkstation, note: string) =>
    w.until(
      `“${note}” saved`,
      () => {
        const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: note, diagnoses: [], note };
        return w.ask('chart.saveEncounter', { patient, ...visit }).catch(() => null);
      },
      (saved) => saved !== null,
    );
  const read = async (w: TestWorkstation) => {
    const page = await w.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 50 });
    return page.entries.length;
  };

  // B loses the network. There the patient ends one, and a doctor who stays writes.
  await logIn(b, others.admin);
  const { endpoint } = await b.ask('network.view', {});
  await b.ask('network.setEndpoint', { endpoint: 'http://127.0.0.1:9' });
  await logIn(b, others.registrar);
  await b.ask('desk.open', { card, pin });
  await b.ask('desk.revoke', { grantee: granteeOfAccount(endedAtB), categories: [] });
  await logIn(b, others.doctor);
  const apart = await write(b, 'Written at B');
  // At A another, and a doctor who stays writes there as well.
  await a.ask('desk.revoke', { grantee: granteeOfAccount(endedAtA), categories: [] });
  await logIn(a, people.doctor);
  await write(a, 'Written at A');
  await settled(a);

  await logIn(b, others.admin);
  await b.ask('network.setEndpoint', { endpoint });
  await b.until(
    'what was written at B refused',
    async () => b.core.workstation.store.workstation.operation(apart?.operations[0] ?? ''),
    (o) => o?.state === 'rejected' && o.rejectReason?.startsWith('EpochPassed') === true,
  );
  await logIn(a, people.registrar);
  await a.ask('desk.open', { card, pin });
  const { desk, keyring, consents } = ((w) => ({ desk: w.sessions.requireDesk(), keyring: w.keyring, consents: w.consents }))(
    a.core.workstation,
  );
  const record = keyring.of(desk);
  const compartment = record.compartmentOf(category);
  await a.until(
    'both at A',
    async () => consents.epoch(patient, compartment),
    (epoch) => epoch === 2,
  );
  expect(await record.isKeyless(compartment)).toBe(true);
  await a.ask('desk.sharing', {});
  await settled(a);
  expect(
    consents
      .of(patient)
      .get(compartment)
      ?.epochs.map(({ asMade }) => asMade),
  ).toEqual([true, false, true]);
  const keys = new Map((await record.upTo(compartment)).keys.map(({ epoch, kek }) => [epoch, Buffer.from(kek)]));
  expect([...keys.keys()]).toEqual([0, 1, 3]);

  await logIn(a, people.doctor);
  await write(a, 'Written when the card had been opened');
  await settled(a);
  const openTo = async (w: TestWorkstation, account: string) => {
    await logIn(w, account);
    const { indexer, sessions } = w.core.workstation;
    await indexer.settled();
    const held = sessions.require().index.keks({ compartment });
    return [...keys].flatMap(([epoch, key]) => (held.some(({ kek }) => key.equals(kek)) ? [epoch] : []));
  };
  await b.until(
    'the new keys at B, and all three there',
    async () => ({ keys: await openTo(b, others.doctor), read: await read(b) }),
    (seen) => seen.keys.includes(3) && seen.read === 3,
  );
  await settled(b);
  expect((await b.snapshot()).sync.rejected).toBe(0);
  expect((await b.ask('chart.verify', { patient })).failures).toEqual([]);
  expect(await openTo(b, endedAtB)).toEqual([0, 1]);
  expect(await openTo(a, endedAtA)).toEqual([0]);
  await logIn(a, people.doctor);
  await a.until(
    'all three at A',
    () => read(a),
    (count) => count === 3,
  );
}, 240_000);
