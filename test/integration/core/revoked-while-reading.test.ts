/** A doctor reads and writes without the network while the patient, at another clinic, ends their access. Real workstations and a real ledger. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundTwoClinics, shareAll } from './two-clinics.ts';
import { demographicsOf, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

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

const settled = (w: TestWorkstation) =>
  w.until(
    'nothing waits',
    () => w.snapshot(),
    ({ sync }) => sync.waiting === 0 && sync.state === 'online',
  );

it('reads on what is held, learns of it with the network, and has nothing of what is written after', async () => {
  const { people, others } = await foundTwoClinics(a, b);
  const { admin, doctor: reader } = others;
  await logIn(a, people.registrar);
  const { patient: registered, card } = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
  const { patient } = registered;
  await shareAll(a, { card }, [people.doctor, reader]);
  await settled(a);

  const write = (w: TestWorkstation, reason: string) =>
    w.until(
      `“${reason}” saved`,
      () =>
        w
          .ask('chart.saveEncounter', { patient, class: 'AMB', start: '2026-11-23T10:00:00Z', reason, diagnoses: [], note: '' })
          .catch(() => null),
      (saved) => saved !== null,
    );
  const page = (w: TestWorkstation, limit: number, before?: { date: string; recordId: string }) =>
    w.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit, ...(before ? { before } : {}) });
  await logIn(a, people.doctor);
  for (const reason of ['First', 'Second', 'Third']) await write(a, reason);
  await settled(a);
  await logIn(b, reader);
  await b.until(
    'the three at B',
    () => page(b, 50).catch(() => null),
    (all) => all?.entries.length === 3,
  );
  await settled(b);

  await logIn(b, admin);
  const { endpoint } = await b.ask('network.view', {});
  await b.ask('network.setEndpoint', { endpoint: 'http://127.0.0.1:9' });
  await logIn(b, reader);
  const keyOfNow = () => {
    const states = [...a.core.workstation.consents.of(patient)].filter(([, { grants }]) => grants.has(granteeOfAccount(people.doctor)));
    return { compartments: states.map(([compartment]) => compartment), epoch: states[0]?.[1].epoch };
  };
  const begun = await page(b, 2);
  expect(begun.entries).toHaveLength(2);

  // Now the patient ends it, and a doctor who stays writes on.
  await logIn(a, people.registrar);
  await a.ask('desk.open', { card, pin });
  await a.ask('desk.revoke', { grantee: granteeOfAccount(reader), categories: [] });
  await settled(a);
  await logIn(a, people.doctor);
  await write(a, 'After the end');
  await settled(a);

  const { date = '', recordId = '' } = begun.entries.at(-1) ?? {};
  expect((await page(b, 2, { date, recordId })).entries).toHaveLength(1);
  const held = await b.ask('chart.verify', { patient, offline: true });
  expect(held).toMatchObject({ failures: [], ledger: 'away', offline: true });
  expect(held.verified).toBe(held.records);
  const unknowing = await write(b, 'Written without knowing');
  expect((await page(b, 50)).entries).toHaveLength(4);

  await logIn(b, admin);
  await b.ask('network.setEndpoint', { endpoint });
  const refused = await b.until(
    'what was written is refused',
    async () => b.core.workstation.store.workstation.operation(unknowing?.operations[0] ?? ''),
    (operation) => operation?.state === 'rejected',
  );
  expect(refused?.rejectReason).toMatch(/^WriteNotGranted/);
  await logIn(b, reader);
  await b.core.workstation.indexer.settled();
  const reasons = (await page(b, 50)).entries.map(({ extract }) => extract['reason']);
  expect(reasons.sort()).toEqual(['First', 'Second', 'Third', 'Written without knowing']);
  const { compartments, epoch } = keyOfNow();
  expect(epoch).toBe(1);
  const { index } = b.core.workstation.sessions.require();
  expect(index.keks({ patient }).filter((key) => compartments.includes(key.compartment) && key.epoch === epoch)).toEqual([]);
  // Its author is told, and what to do is up to them; writing on is refused at once.
  expect((await b.ask('attention.list', {})).items).toMatchObject([
    { kind: 'refused-record', reason: expect.stringMatching(/^The patient ended your access/) as string, mayWrite: false },
  ]);
  const another = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Later', diagnoses: [], note: '' };
  await expect(b.ask('chart.saveEncounter', another)).rejects.toMatchObject({ code: 'CONSENT_MISSING' });
}, 240_000);
