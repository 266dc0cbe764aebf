import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const refused = (code: string) => expect.objectContaining({ code });
const demographics = {
  family: 'Rao',
  given: 'Asha',
  prefix: '',
  birthDate: '1980',
  birthDateEstimated: true,
  gender: 'female' as const,
  phone: '',
  address: '',
  identifiers: [],
};

describe("a patient's card", () => {
  let w: TestWorkstation;
  let staff: Awaited<ReturnType<typeof foundClinic>>;
  beforeAll(async () => {
    w = await startWorkstation();
    staff = await foundClinic(w, 'Hillside');
    await logIn(w, staff.registrar);
  });
  afterAll(() => w.stop());

  it('is opened by digits or by a passphrase, as the patient chose', async () => {
    const phrase = 'four words without sense';
    const { card, patient } = await w.ask('patients.register', { demographics, pin: phrase });
    expect(await w.ask('desk.open', { card, pin: phrase })).toMatchObject({ patient: patient.patient });
    await w.ask('desk.close', {});
    for (const weak of ['12345', 'short', '123456x', ''])
      await expect(w.ask('patients.register', { demographics, pin: weak })).rejects.toEqual(refused('INVALID_INPUT'));
  });

  it('is not made where the workstation is locked meanwhile, and nobody is registered', async () => {
    const registering = w.ask('patients.register', { demographics: { ...demographics, given: 'Nobody' }, pin });
    const outcome = expect(registering).rejects.toEqual(refused('NOT_LOGGED_IN'));
    await w.ask('session.lock', {});
    await outcome;
    await logIn(w, staff.registrar);
    expect((await w.ask('patients.search', { text: 'nobody', limit: 5, offset: 0 })).total).toBe(0);
  });

  it('is made anew from the recovery words, with a new PIN and the same key', async () => {
    const first = await w.ask('patients.register', { demographics, pin });
    const patient = first.patient.patient;
    const { card } = await w.ask('cards.reissue', { patient, phrase: first.phrase.toUpperCase(), pin: '975310' });
    expect(card).not.toBe(first.card);
    expect(await w.ask('desk.open', { card, pin: '975310' })).toEqual({ patient, name: 'RAO, Asha' });
    const view = await w.ask('desk.sharing', {});
    expect(view.patient.patient).toBe(patient);
    await w.ask('desk.close', {});
    await expect(w.ask('desk.open', { card, pin })).rejects.toEqual(refused('WRONG_CREDENTIALS'));
  });

  it('is not made from words of somebody else, or of no patient at all', async () => {
    const one = await w.ask('patients.register', { demographics, pin });
    const other = await w.ask('patients.register', { demographics: { ...demographics, given: 'Ila' }, pin });
    const reissue = (patient: string, phrase: string) => w.ask('cards.reissue', { patient, phrase, pin });
    await expect(reissue(one.patient.patient, other.phrase)).rejects.toEqual(refused('NOT_FOUND'));
    await expect(reissue(one.patient.patient, (await w.ask('setup.createPhrase', {})).phrase)).rejects.toEqual(refused('NOT_FOUND'));
    await expect(reissue(staff.admin, one.phrase)).rejects.toEqual(refused('NOT_FOUND'));
    await expect(reissue(one.patient.patient, 'no words at all')).rejects.toEqual(refused('PHRASE_INVALID'));
    await expect(w.ask('cards.reissue', { patient: one.patient.patient, phrase: one.phrase, pin: '123' })).rejects.toEqual(
      refused('INVALID_INPUT'),
    );
  });

  it('says what one guess costs, measured here', async () => {
    const { secondsPerGuess } = await w.ask('cards.guessing', {});
    expect(secondsPerGuess).toBeGreaterThan(0);
    expect(await w.ask('cards.guessing', {})).toEqual({ secondsPerGuess });
  });

  it('is nothing for somebody who is not logged in', async () => {
    await w.ask('session.lock', {});
    await expect(w.ask('cards.guessing', {})).rejects.toEqual(refused('NOT_LOGGED_IN'));
    await expect(w.ask('cards.reissue', { patient: staff.admin, phrase: 'a', pin })).rejects.toEqual(refused('NOT_LOGGED_IN'));
  });
});
