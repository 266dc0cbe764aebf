import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { standingOf } from '../../../src-shared/verification-words.ts';
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

it('seals a commit again whose epoch passed while the ledger was away', async () => {
  const { people, others } = await foundTwoClinics(a, b);
  await logIn(a, people.registrar);
  const { patient, card } = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
  await shareAll(a, { card }, [people.doctor, others.doctor]);
  await logIn(b, others.doctor);
  await b.until(
    'the chart at B',
    () => b.ask('patients.search', { text: 'rao', limit: 5, offset: 0 }),
    (r) => r.total === 1,
  );
  await b.until(
    'nothing waits at B',
    () => b.snapshot(),
    (s) => s.sync.waiting === 0,
  );

  // B's ledger goes away; its doctor writes; meanwhile the patient revokes the other doctor.
  await logIn(b, others.admin);
  const { endpoint } = await b.ask('network.view', {});
  await b.ask('network.setEndpoint', { endpoint: 'http://127.0.0.1:9' });
  await logIn(b, others.doctor);
  // What is held can be checked all the same, and says as of when.
  const held = await b.until(
    'the ledger is away',
    () => b.ask('chart.verify', { patient: patient.patient, offline: true }),
    (r) => r.ledger === 'away',
  );
  expect(held).toMatchObject({ failures: [], verified: held.records });
  expect(standingOf(held)).toContain(`as of block ${held.asOfBlock}: the ledger cannot be reached`);
  const saved = await b.until(
    'saved at B',
    () =>
      b
        .ask('chart.saveEncounter', {
          patient: patient.patient,
          class: 'AMB',
          start: '2026-11-23T10:00:00Z',
          reason: 'Fever',
          diagnoses: [],
          note: 'Seen.',
        })
        .catch(() => null),
    (s) => s !== null,
  );
  const recordId = saved?.records[0]?.recordId ?? '';
  // A second one follows the first, which will be gone under the name by which it is followed.
  const visit = { class: 'AMB' as const, start: '2026-11-23T11:00:00Z', reason: 'Fever again', diagnoses: [], note: 'Seen again.' };
  await b.ask('chart.saveEncounter', { patient: patient.patient, ...visit });
  await a.ask('desk.revoke', { grantee: granteeOfAccount(people.doctor), categories: [] });
  await a.until(
    'revocation anchored',
    () => a.snapshot(),
    (s) => s.sync.waiting === 0,
  );
  await logIn(b, others.admin);
  // From an address that takes questions and never answers to the right one, without waiting for an answer.
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close().closeAllConnections());
  const asked = once(silent, 'request');
  await b.ask('network.setEndpoint', { endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  await asked;
  const late = delay(5000, 'the former address is waited for', { ref: false });
  expect(await Promise.race([b.ask('network.setEndpoint', { endpoint }), late])).toBeNull();
  await b.until(
    'the ledger refused the passed epoch',
    async () => b.core.workstation.store.workstation.operation(saved?.operations[0] ?? ''),
    (o) => o?.state === 'rejected',
  );

  await logIn(b, others.doctor);
  const record = await b.until(
    'sealed again and verified',
    () => b.ask('chart.record', { patient: patient.patient, recordId }),
    (r) => r.verification.state.chip === 'verified',
  );
  expect(JSON.parse(record.json)).toMatchObject({ resourceType: 'Encounter' });
  expect(record.versions).toHaveLength(1);
  await b.until(
    'all of it sealed again',
    () => b.snapshot(),
    (s) => s.sync.rejected === 0 && s.sync.waiting === 0,
  );
  expect((await b.ask('chart.verify', { patient: patient.patient })).failures).toEqual([]);
}, 120_000);
