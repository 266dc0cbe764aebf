import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { demographicsOf, foundClinic, logIn, passphrase, pin, staff, startWorkstation, type TestWorkstation } from './workstation.ts';

const fixtures = join(dirname(createRequire(import.meta.url).resolve('cql-exec-fhir/package.json')), 'test/fixtures/r4');
const bundleFile = join(fixtures, 'Luna60_McCullough561_6662f0ca-b617-4e02-8f55-7275e9f49aa0.json');
const bundle = readFileSync(bundleFile);

describe('a first consultation', () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let others: Awaited<ReturnType<typeof foundClinic>>;
  let registered: RegistrationResult;
  const doctorB = () => `0x${'00'.repeat(12)}${others.doctor.slice(2).toLowerCase()}`;
  const doctorA = () => `0x${'00'.repeat(12)}${people.doctor.slice(2).toLowerCase()}`;

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
  });
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  it('sets up a clinic whose staff is enrolled by signed operations', async () => {
    people = await foundClinic(a, 'Clinic A');
    await a.until(
      'staff anchored',
      () => a.ask('staff.list', {}),
      (list) => list.length === 3 && list.every((m) => m.anchored),
    );
    expect((await a.snapshot()).phase).toBe('ready');
  });

  it('lets another clinic join the network', async () => {
    const { invitation } = await a.ask('network.invitation', {});
    const { phrase } = await b.ask('setup.createPhrase', {});
    const { requestCode } = await b.ask('setup.join', { invitation, clinicName: 'Clinic B', personName: 'Admin B', passphrase, phrase });
    expect((await b.snapshot()).phase).toBe('joining');
    expect(await a.ask('network.readRequest', { requestCode })).toMatchObject({ clinicName: 'Clinic B', alreadyAdmitted: false });
    await a.ask('network.admit', { requestCode });
    const ready = await b.until(
      'admitted',
      () => b.snapshot(),
      (s) => s.phase === 'ready',
    );
    await logIn(b, ready.people[0]?.account ?? '');
    others = await staff(b, 'Clinic B');
    await b.until(
      'staff of B anchored',
      () => b.ask('staff.list', {}),
      (list) => list.every((m) => m.anchored),
    );
  });

  it('registers a patient and finds the patient while typing', async () => {
    const parsed = JSON.parse(bundle.toString()) as {
      entry: { resource: { resourceType: string; birthDate: string; name: { family: string; given: string[] }[] } }[];
    };
    const patient = parsed.entry.find((e) => e.resource.resourceType === 'Patient')?.resource;
    const name = patient?.name[0];
    await logIn(a, people.registrar);
    registered = await a.ask('patients.register', {
      demographics: demographicsOf(name?.family ?? '', {
        given: name?.given.join(' ') ?? '',
        birthDate: patient?.birthDate ?? '',
        phone: '+1 555 0100',
        identifiers: [{ system: 'urn:example:national-id', label: 'National ID', value: '12-3456 7890' }],
      }),
      pin,
    });
    for (const text of [(name?.family ?? '').slice(0, 3), '1234567', '0100']) {
      expect(
        (await a.ask('patients.search', { text, limit: 10, offset: 0 })).hits.map((h) => h.patient),
        text,
      ).toContain(registered.patient.patient);
    }
    expect(registered.phrase.split(' ')).toHaveLength(24);
  });

  it('shares with the first doctor by card and PIN', async () => {
    await a.ask('desk.open', { card: registered.card, pin });
    await a.ask('desk.grant', { grantee: doctorA(), categories: [...categories], write: true, purpose: 'treatment', until: 0 });
    const sharing = await a.ask('desk.sharing', {});
    expect(sharing.holders.find((h) => h.grantee === doctorA())?.categories).toHaveLength(categories.length);
    await a.ask('desk.close', {});
  });

  it('imports the history and verifies it', async () => {
    await logIn(a, people.doctor);
    const patient = registered.patient.patient;
    await a.until(
      'chart',
      () => a.ask('patients.search', { text: '', limit: 10, offset: 0 }),
      (r) => r.total === 1,
    );
    const { file } = await a.ask('files.begin', { name: 'luna.json', size: bundle.length });
    for (let offset = 0; offset < bundle.length; offset += 1_000_000) {
      await a.ask('files.append', { file, offset, base64: bundle.subarray(offset, offset + 1_000_000).toString('base64') });
    }
    const preview = await a.until(
      'keys',
      () => a.ask('import.preview', { file, patient }),
      (p) => p.missingConsent.length === 0,
    );
    expect(preview.match).toBe('same');
    const result = await a.ask('import.run', { file, patient });
    const expected = preview.supported.reduce((sum, s) => sum + s.count, 0);
    expect(result.imported.reduce((sum, s) => sum + s.count, 0)).toBe(expected);
    await a.until(
      'anchored',
      () => a.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    const report = await a.ask('chart.verify', { patient });
    expect(report).toMatchObject({ failures: [], waiting: 0, records: expected + 1, verified: expected + 1 });
  });

  it('writes an encounter that the second doctor reads, fetched from the first workstation', async () => {
    const patient = registered.patient.patient;
    const saved = await a.ask('chart.saveEncounter', {
      patient,
      class: 'AMB',
      start: '2026-11-23T10:00:00Z',
      reason: 'Cough',
      diagnoses: [
        {
          concept: { system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'J20.9', display: 'Acute bronchitis, unspecified' },
          clinicalStatus: 'active',
          verificationStatus: 'confirmed',
          onset: '',
          note: '',
        },
      ],
      note: 'Three days of cough.',
    });
    expect(saved.records.map((r) => r.resourceType).sort()).toEqual(['Condition', 'DocumentReference', 'Encounter']);
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card: registered.card, pin });
    await a.until(
      'B in the directory',
      () => a.ask('desk.sharing', {}),
      (s) => s.candidates.some((c) => c.id === doctorB()),
    );
    await a.ask('desk.grant', {
      grantee: doctorB(),
      categories: ['problems-and-encounters'],
      write: false,
      purpose: 'treatment',
      until: 0,
    });
    await logIn(b, others.doctor);
    const recordId = saved.records[0]?.recordId ?? '';
    await b.until(
      'the encounter at B',
      () =>
        b
          .ask('patients.search', { text: '', limit: 10, offset: 0 })
          .then((r) => (r.total === 0 ? [] : b.ask('chart.entries', { patient, limit: 500 }).then((x) => x.entries))),
      (entries) => entries.some((e) => e.recordId === recordId),
    );
    const record = await b.until(
      'verified',
      () => b.ask('chart.record', { patient, recordId }),
      (r) => r.verification.state.chip === 'verified',
    );
    expect(record.verification).toMatchObject({
      content: { ok: true },
      anchor: { ok: true },
      signature: { ok: true },
      consent: { ok: true },
    });
    // All of it lies here, though what other clinics wrote is on no list of what is to be kept.
    expect(await b.ask('availability.record', { versionId: record.entry.versionId })).toMatchObject({ here: 'whole' });
    const types = (await b.ask('chart.entries', { patient, limit: 500 })).entries.map((e) => e.category);
    expect(new Set(types)).toEqual(new Set(['problems-and-encounters', 'demographics']));
  });

  it('keeps new records from a doctor whose access was revoked, while the first doctor goes on', async () => {
    const patient = registered.patient.patient;
    await a.ask('desk.revoke', { grantee: doctorB(), categories: [] });
    await a.until(
      'revocation anchored',
      () => a.ask('desk.sharing', {}),
      (s) => s.history[0]?.type === 'revoked' && s.history[0].state === 'anchored',
    );
    await logIn(a, people.doctor);
    const saved = await a.until(
      'a new encounter of the first doctor',
      () =>
        a
          .ask('chart.saveEncounter', {
            patient,
            class: 'AMB',
            start: '2026-11-23T11:00:00Z',
            reason: 'Follow-up',
            diagnoses: [],
            note: 'Better.',
          })
          .catch(() => null),
      (s) => s !== null,
    );
    await a.until(
      'anchored',
      () => a.ask('chart.record', { patient, recordId: saved?.records[0]?.recordId ?? '' }),
      (r) => r.verification.state.chip === 'verified',
    );
    const op = saved?.operations[0] ?? '';
    await b.until(
      'B followed',
      async () => b.core.workstation.store.workstation.operation(op),
      (o) => o?.block !== null && o !== undefined,
    );
    await b.core.workstation.indexer.settled();
    const entries = (await b.ask('chart.entries', { patient, limit: 500 })).entries;
    expect(entries.some((e) => e.recordId === saved?.records[0]?.recordId)).toBe(false);
    expect(entries.length).toBeGreaterThan(0);
  });

  it('has everything after a restart', async () => {
    const patient = registered.patient.patient;
    await a.restart();
    await logIn(a, people.doctor);
    await a.until(
      'online',
      () => a.snapshot(),
      (s) => s.sync.state === 'online',
    );
    const report = await a.ask('chart.verify', { patient });
    expect(report.failures).toEqual([]);
    expect(report.verified).toBe(report.records);
  });
});
