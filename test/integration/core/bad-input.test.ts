import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const rao = {
  family: 'Rao',
  given: 'Asha',
  prefix: '',
  birthDate: '1980-05-01',
  birthDateEstimated: false,
  gender: 'female' as const,
  phone: '',
  address: '',
  identifiers: [{ system: 'urn:example:national-id', label: 'National ID', value: 'X-1' }],
};
const bundle = (patient: object, ...resources: object[]) =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [patient, ...resources].map((resource, i) => ({ fullUrl: `urn:uuid:00000000-0000-4000-8000-00000000000${i}`, resource })),
  });
const raoResource = {
  resourceType: 'Patient',
  id: 'p',
  name: [{ family: 'Rao', given: ['Asha'] }],
  birthDate: '1980-05-01',
  gender: 'female',
};
const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: { text: 'Temperature' },
  subject: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000000' },
};

describe('bad input', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let patient = '';
  let card = '';

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    ({
      card,
      patient: { patient },
    } = await w.ask('patients.register', { demographics: rao, pin }));
    await w.ask('desk.open', { card, pin });
    await w.ask('desk.grant', {
      grantee: granteeOfAccount(people.doctor),
      categories: [...categories],
      write: true,
      purpose: 'treatment',
      until: 0,
    });
  });
  afterAll(() => w.stop());

  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error as { code: string; message: string; details: Record<string, unknown> },
    );
  const upload = async (text: string) => {
    const bytes = Buffer.from(text);
    const { file } = await w.ask('files.begin', { name: 'file.json', size: bytes.length });
    for (let offset = 0; offset < bytes.length; offset += 1_000_000) {
      await w.ask('files.append', { file, offset, base64: bytes.subarray(offset, offset + 1_000_000).toString('base64') });
    }
    return file;
  };

  it('makes the delay grow with each wrong passphrase, and says nothing of which part was wrong', async () => {
    const wrong = await refusal(w.ask('session.logIn', { account: people.doctor, passphrase: 'not this one at all' }));
    const unknown = await refusal(w.ask('session.logIn', { account: `0x${'11'.repeat(20)}`, passphrase }));
    expect(wrong).toMatchObject({ code: 'WRONG_CREDENTIALS', details: { retryInSeconds: 1 } });
    expect(unknown).toMatchObject({ code: 'WRONG_CREDENTIALS', message: wrong?.message });
    const early = await refusal(w.ask('session.logIn', { account: people.doctor, passphrase }));
    expect(early?.code).toBe('TRY_LATER');
    const again = await w.until(
      'the delay is over',
      () => refusal(w.ask('session.logIn', { account: people.doctor, passphrase: 'still not this one' })),
      (error) => error?.code === 'WRONG_CREDENTIALS',
    );
    expect(again?.details).toMatchObject({ retryInSeconds: 2 });
    await w.until(
      'the right one opens',
      () => refusal(w.ask('session.logIn', { account: people.doctor, passphrase })),
      (error) => error === null,
    );
  });

  it('treats a wrong PIN and a card that is none alike', async () => {
    await logIn(w, people.registrar);
    expect(await refusal(w.ask('desk.open', { card, pin: '000000' }))).toMatchObject({ code: 'WRONG_CREDENTIALS' });
    expect(await refusal(w.ask('desk.open', { card: 'ANAM1:NONSENSE', pin }))).toMatchObject({ code: 'CARD_INVALID' });
    expect((await w.snapshot()).patientAtDesk).toBeNull();
  });

  it('takes no names that cannot be seen or that turn round what stands beside them, and no dates that no calendar has', async () => {
    await logIn(w, people.registrar);
    const refused = [
      { ...rao, family: 'Rao\u202e' },
      { ...rao, family: 'Rao\u0000' },
      { ...rao, family: '\u200b', given: '' },
      { ...rao, birthDate: '2026-02-30' },
      { ...rao, birthDate: '2026-99' },
    ];
    for (const demographics of refused)
      expect(await refusal(w.ask('patients.register', { demographics, pin }))).toMatchObject({ code: 'INVALID_INPUT' });
    const { phrase } = await w.ask('setup.createPhrase', {});
    for (const personName of ['\u200b', 'Dr\u2066 Ada'])
      expect(await refusal(w.ask('people.createKey', { personName, passphrase, phrase }))).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('lets each role do its own work only', async () => {
    await logIn(w, people.registrar);
    expect(await refusal(w.ask('chart.open', { patient }))).toMatchObject({ code: 'NOT_ALLOWED' });
    expect(await refusal(w.ask('staff.list', {}))).toMatchObject({ code: 'NOT_ALLOWED' });
    await logIn(w, people.doctor);
    expect(await refusal(w.ask('patients.register', { demographics: rao, pin }))).toMatchObject({ code: 'NOT_ALLOWED' });
    await logIn(w, people.admin);
    expect(await refusal(w.ask('patients.search', { text: '', limit: 1, offset: 0 }))).toMatchObject({ code: 'NOT_ALLOWED' });
    await w.ask('session.lock', {});
    expect(await refusal(w.ask('patients.search', { text: '', limit: 1, offset: 0 }))).toMatchObject({ code: 'NOT_LOGGED_IN' });
  });

  it('names the field that is wrong and never repeats what was typed', async () => {
    const error = await refusal(w.ask('session.logIn', { account: 'nobody', passphrase: 'my secret words' }));
    expect(error).toMatchObject({ code: 'INVALID_INPUT', details: { field: 'account' } });
    expect(JSON.stringify(error)).not.toContain('my secret words');
  });

  it('warns of a person who is registered already', async () => {
    await logIn(w, people.registrar);
    const similar = await w.ask('patients.similar', {
      ...rao,
      given: 'Aasha',
      identifiers: [{ system: 'urn:example:national-id', label: 'National ID', value: 'x1' }],
    });
    expect(similar.hits.map((hit) => hit.patient)).toContain(patient);
    expect(similar.claimed.map((claim) => claim.value)).toEqual(['x1']);
  });

  it.each([
    ['no JSON', '<html>', 'FILE_NOT_JSON'],
    ['truncated', bundle(raoResource, observation).slice(0, -40), 'FILE_NOT_JSON'],
    ['no FHIR', '{"hello":"world"}', 'FILE_NOT_FHIR'],
    ['about another patient', bundle({ ...raoResource, name: [{ family: 'Kumar', given: ['Anil'] }] }, observation), 'FILE_OTHER_PATIENT'],
    ['hostile', bundle({ ...raoResource, name: [{ family: 'R'.repeat(1_100_000), given: ['Asha'] }] }, observation), 'FILE_UNSAFE'],
  ])('imports nothing from a file that is %s', async (_what, text, code) => {
    await logIn(w, people.doctor);
    await w.until(
      'the chart',
      () => w.ask('patients.search', { text: '', limit: 1, offset: 0 }),
      (r) => r.total === 1,
    );
    const before = (await w.ask('chart.entries', { patient, limit: 500 })).entries.length;
    const file = await upload(text);
    const error = await refusal(w.ask('import.run', { file, patient }));
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(/[Nn]othing was imported/);
    expect((await w.ask('chart.entries', { patient, limit: 500 })).entries).toHaveLength(before);
  });

  it('refuses a file of 200 MB before it is sent', async () => {
    await logIn(w, people.doctor);
    expect(await refusal(w.ask('files.begin', { name: 'big.json', size: 200 * 1024 * 1024 }))).toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('imports a file twice without doubling anything, and a changed one as a new version', async () => {
    await logIn(w, people.doctor);
    const run = async (text: string) => w.ask('import.run', { file: await upload(text), patient });
    await w.until(
      'keys',
      () => refusal(run(bundle(raoResource, observation))),
      (error) => error === null,
    );
    expect(await run(bundle(raoResource, observation))).toMatchObject({ imported: [], alreadyHere: 2 });
    expect(await run(bundle(raoResource, { ...observation, status: 'amended' }))).toMatchObject({
      imported: [{ resourceType: 'Observation', count: 1 }],
      alreadyHere: 1,
    });
    const { entries } = await w.ask('chart.entries', { patient, resourceTypes: ['Observation'], limit: 10 });
    expect(entries).toHaveLength(1);
    const record = await w.ask('chart.record', { patient, recordId: entries[0]?.recordId ?? '' });
    expect(record.versions).toHaveLength(2);
    expect(JSON.parse(record.json)).toMatchObject({ status: 'amended' });
  });

  it('keeps hostile strings as text, exactly as they came', async () => {
    await logIn(w, people.doctor);
    const hostile = {
      ...observation,
      id: 'h',
      code: { text: '<script>alert(1)</script>\u202Egnirts' },
      valueQuantity: { value: 1.5, unit: 'x' },
    };
    const text = bundle(raoResource, hostile)
      .replace('"value":1.5', '"value":1.50')
      .replace('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000009');
    await w.ask('import.run', { file: await upload(text), patient });
    const { entries } = await w.ask('chart.entries', { patient, resourceTypes: ['Observation'], limit: 10 });
    const entry = entries.find((e) => e.title.includes('script'));
    const record = await w.ask('chart.record', { patient, recordId: entry?.recordId ?? '' });
    expect(record.json).toContain('"value":1.50');
    expect(record.json).toContain('<script>alert(1)</script>');
  });
});
