import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const refused = (code: string) => expect.objectContaining({ code });
const newPin = '975310';
const demographics = (given: string) => ({
  family: 'Rao',
  given,
  prefix: '',
  birthDate: '1980',
  birthDateEstimated: true,
  gender: 'female' as const,
  phone: '',
  address: '',
  identifiers: [],
});

describe('recovery by two of three shares', () => {
  let w: TestWorkstation;
  let patient: string;
  let shares: { card: string; guardian: string };
  beforeAll(async () => {
    w = await startWorkstation();
    const { registrar } = await foundClinic(w, 'Hillside');
    await logIn(w, registrar);
    const registered = await w.ask('patients.register', { demographics: demographics('Asha'), pin });
    patient = registered.patient.patient;
    await w.ask('desk.open', { card: registered.card, pin });
    shares = await w.ask('recovery.make', {});
    await w.ask('desk.close', {});
  });
  afterAll(() => w.stop());

  const opens = async (card: string) => {
    expect(await w.ask('desk.open', { card, pin: newPin })).toMatchObject({ patient });
    await w.ask('desk.close', {});
  };

  it("makes a card from card and guardian, and from either and the clinic's vault", async () => {
    for (const given of [[shares.card, shares.guardian], [shares.card], [shares.guardian]])
      await opens((await w.ask('recovery.card', { patient, shares: given, pin: newPin })).card);
  });

  it('is refused for a changed share, the same share twice, and shares of somebody else', async () => {
    const bad = `${shares.card.slice(0, -1)}${shares.card.endsWith('A') ? 'B' : 'A'}`;
    const make = (account: string, given: string[]) => w.ask('recovery.card', { patient: account, shares: given, pin: newPin });
    await expect(make(patient, [bad])).rejects.toEqual(refused('CODE_INVALID'));
    await expect(make(patient, [shares.card, shares.card])).rejects.toEqual(refused('CODE_INVALID'));
    const other = await w.ask('patients.register', { demographics: demographics('Ila'), pin });
    await expect(make(other.patient.patient, [shares.card])).rejects.toEqual(refused('CODE_INVALID'));
  });

  it('needs the patient at the desk to make shares, and keeps only the newest share in the vault', async () => {
    await expect(w.ask('recovery.make', {})).rejects.toEqual(refused('LOCKED'));
    const { card } = await w.ask('recovery.card', { patient, shares: [shares.card], pin: newPin });
    await w.ask('desk.open', { card, pin: newPin });
    const again = await w.ask('recovery.make', {});
    await w.ask('desk.close', {});
    await expect(w.ask('recovery.card', { patient, shares: [shares.card], pin: newPin })).rejects.toEqual(refused('CODE_INVALID'));
    await expect(w.ask('recovery.card', { patient, shares: [shares.card, again.guardian], pin: newPin })).rejects.toEqual(
      refused('CODE_INVALID'),
    );
    await opens((await w.ask('recovery.card', { patient, shares: [again.guardian], pin: newPin })).card);
    // Paper cannot be called back: the screen says that old sheets have to be destroyed.
    await opens((await w.ask('recovery.card', { patient, shares: [shares.card, shares.guardian], pin: newPin })).card);
  });
});
