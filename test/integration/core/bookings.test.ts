/** Appointments that met by import and take one slot. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

let a: TestWorkstation;
let people: Awaited<ReturnType<typeof foundClinic>>;
let patient: string;

beforeAll(async () => {
  a = await startWorkstation();
  people = await foundClinic(a, 'Clinic A');
  await logIn(a, people.registrar);
  const registered = await a.ask('patients.register', {
    demographics: {
      ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' },
      ...{ phone: '', address: '', identifiers: [] },
    },
    pin,
  });
  patient = registered.patient.patient;
  await a.ask('desk.open', { card: registered.card, pin });
  await a.ask('desk.grant', {
    grantee: granteeOfAccount(people.doctor),
    categories: [...categories],
    write: true,
    purpose: 'treatment',
    until: 0,
  });
});
afterAll(() => a.stop());

describe('a slot booked twice', () => {
  const tomorrow = new Date(Date.now() + 24 * 3600 * 1000).toISOString().slice(0, 10);
  const bundle = (minutes: string, id: string) =>
    JSON.stringify({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { resource: { resourceType: 'Patient', id: 'p', name: [{ family: 'Rao', given: ['Asha'] }], birthDate: '1980-05-01' } },
        {
          resource: {
            resourceType: 'Appointment',
            id,
            status: 'booked',
            description: `Check at ${minutes}`,
            start: `${tomorrow}T09:${minutes}:00Z`,
            end: `${tomorrow}T10:${minutes}:00Z`,
            participant: [
              { actor: { reference: 'Patient/p' }, status: 'accepted' },
              { actor: { reference: 'Practitioner/rao' }, status: 'accepted' },
            ],
          },
        },
      ],
    });
  const importing = async (text: string) => {
    const bytes = Buffer.from(text);
    const { file } = await a.ask('files.begin', { name: 'appointments.json', size: bytes.length });
    await a.ask('files.append', { file, offset: 0, base64: bytes.toString('base64') });
    await a.ask('import.run', { file, patient });
  };

  it('is listed with both sides, until one of them is cancelled', async () => {
    await logIn(a, people.doctor);
    await a.until(
      'the chart',
      () => a.ask('chart.open', { patient }).catch(() => null),
      (chart) => (chart?.access.length ?? 0) === categories.length,
    );
    await importing(bundle('00', 'one'));
    expect((await a.ask('attention.list', {})).items).toEqual([]);
    await importing(bundle('30', 'two'));
    const [item] = (await a.ask('attention.list', {})).items;
    if (item?.kind !== 'double-booking') throw new Error('Not found');
    expect([item.a.title, item.b.title]).toEqual(['Check at 00', 'Check at 30']);
    const { recordId, versionIds } = item.b;
    expect(item.b.mayCancel).toBe(true);
    await a.ask('chart.correct', {
      patient,
      recordId,
      base: versionIds[0] ?? '',
      previous: [...versionIds],
      correction: { kind: 'cancel', reason: 'Booked twice' },
    });
    expect((await a.ask('attention.list', {})).items).toEqual([]);
    expect(JSON.parse((await a.ask('chart.record', { patient, recordId })).json)).toMatchObject({ status: 'cancelled' });
  });
});
