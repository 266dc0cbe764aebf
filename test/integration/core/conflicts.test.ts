/** Two workstations that did not know of each other: what each wrote stays, both sides are shown, and one action of a person settles it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { AttentionItem, RegistrationResult } from '../../../src-shared/view-types.ts';
import { foundTwoClinics, shareAll } from './two-clinics.ts';
import { demographicsOf, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const nationalId = { system: 'urn:anamnesis:identifier:national-id', label: 'National ID', value: '12-3456 7890' };

let a: TestWorkstation;
let b: TestWorkstation;
let people: Staff;
let others: Staff;
let registered: RegistrationResult;
let patient: string;
let endpoint: string;

beforeAll(async () => {
  a = await startWorkstation();
  b = await startWorkstation();
  ({ people, others } = await foundTwoClinics(a, b));
  endpoint = (await b.ask('network.view', {})).endpoint;
  await logIn(a, people.registrar);
  registered = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
  patient = registered.patient.patient;
  await shareAll(a, registered, [people.doctor, others.doctor]);
});
afterAll(async () => {
  await b.stop();
  await a.stop();
});

/** B's ledger is away, or there again. */
async function ledgerOfB(away: boolean): Promise<void> {
  await logIn(b, others.admin);
  await b.ask('network.setEndpoint', { endpoint: away ? 'http://127.0.0.1:9' : endpoint });
  await logIn(b, others.doctor);
}

const sent = (w: TestWorkstation) =>
  w.until(
    'nothing waits',
    () => w.snapshot(),
    (s) => s.sync.waiting === 0 && s.sync.indexing === 0,
  );

const versionsOf = async (w: TestWorkstation, recordId: string, count: number) => {
  const view = await w.until(
    `${count} current versions`,
    () => w.ask('chart.record', { patient, recordId }).catch(() => null),
    (v) => v?.versions.filter((version) => version.current).length === count,
  );
  return (view?.versions ?? []).filter((version) => version.current).map((version) => version.versionId);
};
const condition = { kind: 'condition' as const, clinicalStatus: 'active' as const, verificationStatus: 'confirmed' as const, onset: '' };
const noteOf = async (w: TestWorkstation, recordId: string, versionId?: string) => {
  const { json } = await w.ask('chart.record', { patient, recordId, ...(versionId ? { versionId } : {}) });
  return (JSON.parse(json) as { note?: { text: string }[] }).note?.[0]?.text;
};

describe('two corrections of one version', () => {
  let recordId: string;
  let first: string;

  it('is first one: a correction names what it replaces, and what it does not touch stays', async () => {
    await logIn(a, people.doctor);
    await a.until(
      'the chart',
      () => a.ask('chart.open', { patient }).catch(() => null),
      (chart) => (chart?.access.length ?? 0) === categories.length,
    );
    const concept = { system: 'http://hl7.org/fhir/sid/icd-10', code: 'I10', display: 'Essential hypertension' };
    const diagnosis = {
      concept,
      clinicalStatus: 'active' as const,
      verificationStatus: 'provisional' as const,
      onset: '2019',
      note: 'mild',
    };
    const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Headache', diagnoses: [diagnosis], note: 'Seen.' };
    const saved = await a.ask('chart.saveEncounter', { patient, ...visit });
    recordId = saved.records.find((r) => r.resourceType === 'Condition')?.recordId ?? '';
    [first = ''] = await versionsOf(a, recordId, 1);
    await a.ask('chart.correct', { patient, recordId, base: first, previous: [first], correction: { ...condition, note: 'moderate' } });
    const [second = ''] = await versionsOf(a, recordId, 1);
    const { json, versions } = await a.ask('chart.record', { patient, recordId });
    expect(JSON.parse(json)).toMatchObject({
      onsetDateTime: '2019',
      code: { text: 'Essential hypertension' },
      note: [{ text: 'moderate' }],
      verificationStatus: { coding: [{ code: 'confirmed' }] },
    });
    expect(versions).toHaveLength(2);
    const note = saved.records.find((r) => r.resourceType === 'DocumentReference')?.recordId ?? '';
    const [noteVersion = ''] = await versionsOf(a, note, 1);
    const text = 'Seen, and sent home.';
    await a.ask('chart.correct', {
      patient,
      recordId: note,
      base: noteVersion,
      previous: [noteVersion],
      correction: { kind: 'note', text },
    });
    const corrected = JSON.parse((await a.ask('chart.record', { patient, recordId: note })).json) as {
      content: { attachment: { data: string } }[];
    };
    expect(Buffer.from(corrected.content[0]?.attachment.data ?? '', 'base64').toString()).toBe(text);
    first = second;
  });

  it('refuses what is no correction of this record', async () => {
    const wrong = { patient, recordId, base: first, previous: [first] };
    await expect(a.ask('chart.correct', { ...wrong, correction: { kind: 'choose' } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(a.ask('chart.correct', { ...wrong, correction: { kind: 'note', text: 'x' } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    const unknown = '00000000-0000-4000-8000-000000000000';
    await expect(a.ask('chart.correct', { ...wrong, previous: [unknown], correction: { ...condition, note: '' } })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('made apart, both stay, and both sides are shown at both workstations', async () => {
    await sent(a);
    await ledgerOfB(false);
    await b.until(
      'the correction at B',
      () => b.ask('chart.record', { patient, recordId }).catch(() => null),
      (v) => v?.versions.some((version) => version.versionId === first && version.current) ?? false,
    );
    await ledgerOfB(true);
    const correct = (w: TestWorkstation, note: string) =>
      w.ask('chart.correct', { patient, recordId, base: first, previous: [first], correction: { ...condition, note } });
    await correct(b, 'severe, says B');
    await correct(a, 'moderate, says A');
    await ledgerOfB(false);
    const heads = await Promise.all([versionsOf(a, recordId, 2), versionsOf(b, recordId, 2)]);
    expect(new Set(heads[0])).toEqual(new Set(heads[1]));
    for (const w of [a, b]) {
      const { items } = await w.ask('attention.list', {});
      const conflict = items.find((item) => item.kind === 'versions');
      expect(conflict).toMatchObject({ recordId, resourceType: 'Condition', about: { patient } });
      expect(conflict?.kind === 'versions' && conflict.sides.map((side) => side.organization).sort()).toEqual(['Clinic A', 'Clinic B']);
      await w.until(
        'counted',
        () => w.snapshot(),
        (s) => s.attention === 1,
      );
      const entry = (await w.ask('chart.open', { patient })).problems.filter((p) => p.recordId === recordId);
      expect(entry.map((e) => e.conflicting)).toEqual([1, 1]);
    }
  });

  it('resolved at both at once is again a conflict of two; resolved once more, it is over everywhere', async () => {
    const seen = await versionsOf(a, recordId, 2);
    await ledgerOfB(true);
    const of = async (w: TestWorkstation, note: string) => {
      const notes = await Promise.all(seen.map(async (versionId) => ({ versionId, note: await noteOf(w, recordId, versionId) })));
      return notes.find((one) => one.note === note)?.versionId ?? '';
    };
    const base = { a: await of(a, 'moderate, says A'), b: await of(b, 'severe, says B') };
    await a.ask('chart.correct', { patient, recordId, base: base.a, previous: seen, correction: { kind: 'choose' } });
    await b.ask('chart.correct', { patient, recordId, base: base.b, previous: seen, correction: { kind: 'choose' } });
    expect(await versionsOf(a, recordId, 1)).not.toEqual(await versionsOf(b, recordId, 1));
    await ledgerOfB(false);
    const [headsA] = await Promise.all([versionsOf(a, recordId, 2), versionsOf(b, recordId, 2)]);
    const decided = { ...condition, note: 'severe at night, moderate by day' };
    await a.ask('chart.correct', { patient, recordId, base: headsA[0] ?? '', previous: headsA, correction: decided });
    for (const w of [a, b]) {
      await versionsOf(w, recordId, 1);
      expect(await noteOf(w, recordId)).toBe(decided.note);
      expect((await w.ask('attention.list', {})).items).toEqual([]);
    }
    // Nothing was lost on the way.
    expect((await b.ask('chart.record', { patient, recordId })).versions).toHaveLength(7);
    const report = await b.ask('chart.verify', { patient });
    expect(report.failures).toEqual([]);
  });
});

describe('the details of a patient', () => {
  it('are corrected by the front desk, with their identifiers', async () => {
    await logIn(a, people.registrar);
    const [details] = await a.ask('patients.details', { patient });
    if (!details) throw new Error('No details');
    const demographics = { ...details.demographics, phone: '+91 98200 00000', identifiers: [nationalId] };
    await a.ask('patients.correct', { patient, base: details.versionId, previous: [details.versionId], demographics });
    expect(await a.ask('patients.get', { patient })).toMatchObject({ phone: '+91 98200 00000', identifiers: [nationalId] });
    expect((await a.ask('patients.search', { text: '98200', limit: 5, offset: 0 })).hits.map((hit) => hit.patient)).toEqual([patient]);
    await sent(a);
    await logIn(b, others.doctor);
    await b.until(
      'corrected at B',
      () => b.ask('patients.get', { patient }),
      (p) => p.phone === '+91 98200 00000',
    );
  });
});

describe('two registrations of one person', () => {
  it('made at two desks that could not see each other, surface with both sides, and are linked', async () => {
    await ledgerOfB(true);
    await logIn(b, others.registrar);
    const passport = { system: 'urn:anamnesis:identifier:passport', label: 'Passport', value: 'P1234567' };
    const twice = await b.ask('patients.register', {
      demographics: demographicsOf('Iyer', { given: 'Meena', identifiers: [passport] }),
      pin,
    });
    await logIn(a, people.registrar);
    const here = await a.ask('patients.register', {
      demographics: demographicsOf('Iyer', { given: 'Mina', identifiers: [passport] }),
      pin,
    });
    await sent(a);
    await ledgerOfB(false);
    await logIn(b, others.registrar);
    const found = await b.until(
      'both registrations at B',
      () => b.ask('attention.list', {}),
      ({ items }) => items.some((item) => item.kind === 'registrations'),
    );
    const item = found.items.find((one): one is Extract<AttentionItem, { kind: 'registrations' }> => one.kind === 'registrations');
    expect(item).toMatchObject({
      added: { patient: twice.patient.patient, summary: { given: 'Meena' } },
      known: { patient: here.patient.patient, summary: null },
      knownAt: 'Clinic A',
    });
    expect((await b.snapshot()).sync.rejected).toBe(1);
    await b.ask('duplicates.link', { duplicate: twice.patient.patient, survivor: here.patient.patient, reason: 'Same passport' });
    expect((await b.ask('attention.list', {})).items).toEqual([]);
    await b.until(
      'no dead entry',
      () => b.snapshot(),
      (s) => s.sync.rejected === 0 && s.sync.waiting === 0 && s.attention === 0,
    );
    // Whoever types the same passport again is led to the one that holds it.
    const { claimed } = await b.ask('patients.similar', demographicsOf('Rao', { identifiers: [passport] }));
    expect(claimed).toMatchObject([{ patient: here.patient.patient, summary: null }]);
  });
});

describe('a revocation that overtakes a record', () => {
  it('is shown to its author, stays here, and arrives once there is consent again', async () => {
    await ledgerOfB(true);
    const visit = { class: 'AMB' as const, start: '2026-11-24T10:00:00Z', reason: 'Cough', diagnoses: [], note: '' };
    await b.ask('chart.saveEncounter', { patient, ...visit });
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card: registered.card, pin });
    await a.ask('desk.revoke', { grantee: granteeOfAccount(others.doctor), categories: ['problems-and-encounters'] });
    await sent(a);
    await ledgerOfB(false);
    const refusedOf = async (mayWrite: boolean) => {
      const view = await b.until(
        'shown to its author',
        () => b.ask('attention.list', {}),
        ({ items }) => items.some((item) => item.kind === 'refused-record' && item.mayWrite === mayWrite),
      );
      return view.items.find((item): item is Extract<AttentionItem, { kind: 'refused-record' }> => item.kind === 'refused-record');
    };
    const refused = await refusedOf(false);
    expect(refused).toMatchObject({ about: { patient, summary: { family: 'Rao' } } });
    expect(refused?.titles).toHaveLength(1);
    // Nobody else is bothered with it.
    await logIn(b, others.registrar);
    expect((await b.ask('attention.list', {})).items).toEqual([]);
    await expect(b.ask('attention.setAside', { opId: refused?.opId ?? '' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await logIn(b, others.doctor);
    await b.ask('attention.setAside', { opId: refused?.opId ?? '' });
    expect((await b.ask('attention.list', {})).items).toEqual([]);
    expect((await b.ask('chart.open', { patient })).problemsWithRecords).toHaveLength(1);
    // The patient shares again. Sent again, it is refused for its old epoch, sealed anew by itself, and arrives.
    await logIn(a, people.registrar);
    await shareAll(a, registered, [others.doctor]);
    await b.until(
      'nothing refused any more',
      async () => {
        // Before the new consent has come here it is refused once more; afterwards there is nothing left to send.
        await b.ask('sync.retry', { opId: refused?.opId ?? '' }).catch(() => null);
        return b.ask('chart.open', { patient });
      },
      (chart) => chart.problemsWithRecords.length === 0 && chart.latestEncounters.some((entry) => entry.state.chip !== 'refused'),
    );
    await b.until(
      'sent',
      () => b.snapshot(),
      (s) => s.sync.rejected === 0 && s.sync.waiting === 0,
    );
  });
});
