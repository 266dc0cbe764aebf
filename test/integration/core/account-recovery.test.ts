/** Card, PIN and words are lost: a new key by those whom the patient chose, what it cuts off, and what of the record from before comes back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import { category, doctorsAt } from './doctors-at.ts';
import { cardPin, Ledgerless } from './ledgerless.ts';

let l: Ledgerless;
beforeAll(async () => {
  l = await Ledgerless.start(2);
}, 300_000);
afterAll(() => l.stop());

const newPin = '975310';
const day = 86_400;
const clinical = { categories: [category], write: true, purpose: 'treatment' as const, until: 0 };
const { doctor, grantee, write, readBy } = doctorsAt(() => l);
const refused = (code: string) => expect.objectContaining({ code });
type Patient = Awaited<ReturnType<Ledgerless['patient']>>;
/** The front desk is at the workstation, unless another person is named. */
const openDesk = (card: string, pin = cardPin, secret = l.admin.secret) =>
  l.as(secret, async () => {
    const desk = await l.w.sessions.openDesk(card, pin);
    await l.w.keyring.prepare(desk);
    return desk;
  });
const view = async (card: string, pin = newPin, secret = l.admin.secret) => {
  const desk = await openDesk(card, pin, secret);
  return l.w.sharing.view(desk, { ...l.w.patients.get(l.w.sessions.require().index, desk.patient) });
};
const countOf = (seen: Awaited<ReturnType<typeof view>>) => seen.categories.find((one) => one.category === category)?.count;
const atFrontDesk = <T>(act: (session: ReturnType<typeof l.w.sessions.require>) => T | Promise<T>) => l.as(l.admin.secret, act);

interface Scene extends Patient {
  readonly helpers: readonly Patient[];
  readonly before: string;
}
/** A patient who shared with a doctor and chose three people of whom two must agree. */
const scene = async (days = 3): Promise<Scene> => {
  const registered = await l.patient();
  const helpers = [await l.patient(), await l.patient(), await l.patient()];
  await l.w.sharing.grant(registered.desk, { ...clinical, grantee: grantee(0) });
  l.w.accountRecovery.choose(registered.desk, { helpers: helpers.map(({ patient }) => patient), threshold: 2, days });
  l.anchor();
  return { ...registered, helpers, before: await write(0, registered.patient) };
};
const helper = (it: Scene, i: number) => it.helpers[i] ?? expect.fail();
const begin = (it: Scene, by = helper(it, 0)) =>
  atFrontDesk((session) => l.w.accountRecovery.begin(session, it.patient, { card: by.card, pin: cardPin }, newPin));
const agree = async (it: Scene, by = helper(it, 1)) => {
  const desk = await openDesk(by.card);
  const [asked] = l.w.accountRecovery.helpedBy(desk.keys.account).filter(({ account }) => account === it.patient);
  l.w.accountRecovery.agree(desk, asked?.proposal ?? expect.fail('nothing is asked'));
};
const complete = (it: Scene, card: string, pin = newPin) =>
  atFrontDesk((session) => l.w.accountRecovery.complete(session, it.patient, card, pin));
const recover = async (it: Scene) => {
  const made = await begin(it);
  l.anchor();
  await agree(it);
  l.anchor();
  l.pass(3 * day);
  await complete(it, made.card);
  l.anchor();
  return made;
};

describe('a new key by helpers', { timeout: 300_000 }, () => {
  it('comes when enough agreed and the waiting time is over, not before, and the old card and words are refused in words', async () => {
    const it = await scene();
    const made = await begin(it);
    expect(made.phrase.split(' ')).toHaveLength(24);
    l.anchor();
    const [asked] = l.w.accountRecovery.pending(it.patient);
    expect(asked).toMatchObject({ state: 'collecting', threshold: 2, code: made.code, unsent: false });
    await expect(openDesk(made.card, newPin)).rejects.toEqual(refused('KEY_MISSING'));
    const early = await complete(it, made.card).catch((error: AppError) => error);
    expect(early).toMatchObject({ code: 'KEY_MISSING', message: expect.stringContaining('1 of 2 have agreed') as string });
    // The old card still counts: its owner would see what is under way.
    expect((await openDesk(it.card)).patient).toBe(it.patient);

    await agree(it);
    l.anchor();
    expect(l.w.accountRecovery.pending(it.patient)).toMatchObject([{ state: 'waiting' }]);
    await expect(agree(it)).rejects.toEqual(refused('ALREADY_EXISTS'));
    await expect(complete(it, made.card)).rejects.toEqual(refused('KEY_MISSING'));
    l.pass(3 * day);
    expect(l.w.accountRecovery.pending(it.patient)).toMatchObject([{ state: 'ready' }]);
    await expect(complete(it, it.card, cardPin)).rejects.toEqual(refused('CARD_INVALID'));
    await expect(complete(it, helper(it, 0).card, cardPin)).rejects.toEqual(refused('CARD_INVALID'));
    await complete(it, made.card);
    // Several signed in turn: it counts when the ledger has it.
    await expect(openDesk(made.card, newPin)).rejects.toEqual(refused('KEY_MISSING'));
    l.anchor();

    expect((await openDesk(made.card, newPin)).patient).toBe(it.patient);
    expect(l.w.accountRecovery.pending(it.patient)).toEqual([]);
    const old = await openDesk(it.card).catch((error: AppError) => error);
    expect(old).toMatchObject({ code: 'KEY_REPLACED', message: expect.stringContaining('replaced by a new one') as string });
    await expect(l.w.cards.reissue(it.patient, it.phrase, newPin)).rejects.toEqual(refused('KEY_REPLACED'));
    await expect(l.w.sharing.grant(it.desk, { ...clinical, grantee: grantee(1) })).rejects.toEqual(refused('KEY_REPLACED'));
    // A card from the new words alone.
    const again = await l.w.cards.reissue(it.patient, made.phrase, '135791');
    expect((await openDesk(again, '135791')).patient).toBe(it.patient);
    await expect(complete(it, made.card)).rejects.toEqual(refused('ALREADY_EXISTS'));
    // What the old key signed stays what it was.
    await l.as(doctor(0).secret, async (session) => {
      expect(await l.w.chart.verify(session, it.patient, true)).toMatchObject({ failures: [], waiting: 0 });
    });
  });

  it('is asked for and agreed to only by those whom the patient chose, the patient being none of them', async () => {
    const it = await scene();
    const stranger = await l.patient();
    await expect(begin(it, stranger)).rejects.toEqual(refused('NOT_ALLOWED'));
    await expect(begin({ ...it, patient: stranger.patient })).rejects.toEqual(refused('NOT_ALLOWED'));
    await begin(it);
    l.anchor();
    const [asked] = l.w.accountRecovery.pending(it.patient);
    const desk = await openDesk(stranger.card);
    expect(l.w.accountRecovery.helpedBy(stranger.patient)).toEqual([]);
    expect(() => l.w.accountRecovery.agree(desk, asked?.proposal ?? '')).toThrow(refused('NOT_FOUND') as never);
    const choose = (helpers: readonly string[], threshold: number, days: number) => () =>
      l.w.accountRecovery.choose(it.desk, { helpers, threshold, days });
    expect(choose([it.patient], 1, 3)).toThrow(refused('INVALID_INPUT') as never);
    expect(choose([stranger.patient], 2, 3)).toThrow(refused('INVALID_INPUT') as never);
    expect(choose([stranger.patient, stranger.patient], 1, 3)).toThrow(refused('INVALID_INPUT') as never);
    expect(choose([stranger.patient], 1, 91)).toThrow(refused('INVALID_INPUT') as never);
    expect(choose([stranger.patient], 1, 0)).toThrow(refused('INVALID_INPUT') as never);
    expect(choose([`0x${'12'.repeat(20)}`], 1, 3)).toThrow(refused('NOT_FOUND') as never);
    // A choice made anew ends what was asked for.
    choose([stranger.patient], 1, 1)();
    l.anchor();
    expect(l.w.accountRecovery.chosen(it.patient)).toMatchObject({ threshold: 1, days: 1, waiting: false });
    expect(l.w.accountRecovery.pending(it.patient)).toEqual([]);
    choose([], 0, 0)();
    l.anchor();
    await expect(begin(it, stranger)).rejects.toEqual(refused('NOT_ALLOWED'));
  });

  it('is stopped by whoever still has the old card, and can be asked for anew', async () => {
    const it = await scene();
    const made = await begin(it);
    l.anchor();
    await agree(it);
    l.anchor();
    const desk = await openDesk(it.card);
    l.w.accountRecovery.stop(desk);
    l.anchor();
    l.pass(3 * day);
    await expect(complete(it, made.card)).rejects.toEqual(refused('NOT_FOUND'));
    expect(() => l.w.accountRecovery.stop(desk)).toThrow(refused('NOT_FOUND') as never);
    expect((await openDesk(it.card)).patient).toBe(it.patient);
    const next = await recover(it);
    expect((await openDesk(next.card, newPin)).patient).toBe(it.patient);
  });
});

describe('the record from before', { timeout: 300_000 }, () => {
  it('is closed to the new key, until those who can read it bring it back; then it is shared and written on as before', async () => {
    const it = await scene();
    const made = await recover(it);
    const desk = await openDesk(made.card, newPin);
    const session = l.w.sessions.require();
    const closed = await l.w.bringingBack.view(desk, session);
    // The front desk holds what the clinic reads.
    expect(closed).toMatchObject({ back: [], offered: ['demographics', 'scheduling'] });
    expect(closed?.closed).toBeGreaterThan(2);
    expect(closed?.holders).toEqual(expect.arrayContaining(['Clinic', 'Doctor']));
    expect(countOf(await view(made.card))).toBe(0);
    expect(await l.w.bringingBack.bring(l.w.sessions.requireDesk(), session)).toEqual(['demographics', 'scheduling']);
    l.anchor();
    await expect(l.w.bringingBack.bring(l.w.sessions.requireDesk(), session)).rejects.toEqual(refused('NOT_FOUND'));

    // The doctor, logged in where the patient is.
    const withDoctor = await openDesk(made.card, newPin, doctor(0).secret);
    const doctors = await l.w.bringingBack.view(withDoctor, l.w.sessions.require());
    expect(doctors).toMatchObject({ back: ['demographics', 'scheduling'], offered: [category] });
    expect(await l.w.bringingBack.bring(withDoctor, l.w.sessions.require())).toEqual([category]);
    l.anchor();
    const seen = await view(made.card);
    expect(countOf(seen)).toBe(1);
    expect(seen.holders.find((one) => one.account === doctor(0).account)?.categories.map((one) => one.category)).toContain(category);

    // What comes then is under the new key; a second doctor gets all of it, one who is revoked nothing more.
    const after = await write(0, it.patient);
    await l.w.sharing.grant(await openDesk(made.card, newPin), { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before, after].sort());
    await l.w.sharing.revoke(await openDesk(made.card, newPin), grantee(0), []);
    l.anchor();
    const later = await write(1, it.patient);
    expect(await readBy(0, it.patient)).toEqual([it.before, after].sort());
    expect(await readBy(1, it.patient)).toEqual([it.before, after, later].sort());
    expect(countOf(await view(made.card))).toBe(3);
    // From the new words alone, at another desk, the same.
    expect(countOf(await view(await l.w.cards.reissue(it.patient, made.phrase, '135791'), '135791'))).toBe(3);
  });

  it('comes back by a delegate with their own card, also of parts that nobody else reads', async () => {
    const it = await scene();
    const delegate = await l.patient();
    await l.w.delegates.appoint(it.desk, {
      ...{ delegate: delegate.patient, capacity: 'delegate', powers: ['share', 'revoke'], categories: [], until: 0 },
    });
    l.anchor();
    const made = await recover(it);
    await openDesk(delegate.card);
    const deciding = l.w.sessions.actFor(it.patient);
    await l.w.keyring.prepare(deciding);
    const session = l.w.sessions.require();
    expect((await l.w.bringingBack.view(deciding, session))?.offered).toEqual([...categories]);
    expect(await l.w.bringingBack.bring(deciding, session)).toEqual([...categories]);
    l.anchor();
    const seen = await view(made.card);
    expect(countOf(seen)).toBe(1);
    expect((await l.w.bringingBack.view(l.w.sessions.requireDesk(), session))?.closed).toBe(0);
    await l.w.sharing.grant(l.w.sessions.requireDesk(), { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before]);
  });

  it('comes back by a doctor who opened it in an emergency, with the patient there: all of it, and logged', async () => {
    const it = await scene();
    const made = await recover(it);
    await l.as(doctor(1).secret, (session) => l.w.emergency.open(session, it.patient, 'The patient has a new key and is here', 1));
    l.anchor();
    const withDoctor = await openDesk(made.card, newPin, doctor(1).secret);
    await l.w.indexer.settled();
    expect(await l.w.bringingBack.bring(withDoctor, l.w.sessions.require())).toEqual(['demographics', 'scheduling', category]);
    l.anchor();
    const seen = await view(made.card);
    expect(countOf(seen)).toBe(1);
    expect(seen.history.map(({ type }) => type)).toEqual(expect.arrayContaining(['emergency', 'key-given', 'brought-back']));
    expect((await l.w.bringingBack.view(l.w.sessions.requireDesk(), l.w.sessions.require()))?.closed).toBe(0);
  });

  it('begins anew where nobody brings it back, and both are one part when somebody does so later', async () => {
    const it = await scene();
    const made = await recover(it);
    // Shared and written before the old part is back.
    await l.w.sharing.grant(await openDesk(made.card, newPin), { ...clinical, grantee: grantee(1) });
    l.anchor();
    const fresh = await write(1, it.patient);
    expect(await readBy(1, it.patient)).toEqual([fresh]);
    expect(await readBy(0, it.patient)).toEqual([it.before]);
    expect(countOf(await view(made.card))).toBe(1);

    const withDoctor = await openDesk(made.card, newPin, doctor(0).secret);
    await l.w.bringingBack.bring(withDoctor, l.w.sessions.require());
    l.anchor();
    expect(countOf(await view(made.card))).toBe(2);
    // Sharing the part is sharing both.
    await l.w.sharing.grant(await openDesk(made.card, newPin), { ...clinical, grantee: grantee(1) });
    await l.w.sharing.grant(l.w.sessions.requireDesk(), { ...clinical, grantee: grantee(0) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before, fresh].sort());
    expect(await readBy(0, it.patient)).toEqual([it.before, fresh].sort());
    const third = await write(0, it.patient);
    expect(await readBy(1, it.patient)).toEqual([it.before, fresh, third].sort());
    await l.w.sharing.revoke(await openDesk(made.card, newPin), grantee(1), []);
    l.anchor();
    await write(0, it.patient);
    expect(await readBy(1, it.patient)).toEqual([it.before, fresh, third].sort());
  });

  it('is not said to be all back where somebody who had left brought the oldest of it; who reads the rest brings that', async () => {
    const it = await scene();
    await l.w.sharing.grant(it.desk, { ...clinical, grantee: grantee(1) });
    l.anchor();
    await readBy(0, it.patient);
    await l.w.sharing.revoke(it.desk, grantee(0), []);
    l.anchor();
    const second = await write(1, it.patient);
    const made = await recover(it);
    const withFormer = await openDesk(made.card, newPin, doctor(0).secret);
    expect(await l.w.bringingBack.bring(withFormer, l.w.sessions.require())).toContain(category);
    l.anchor();
    expect(countOf(await view(made.card, newPin, doctor(0).secret))).not.toBe(2);
    const withReader = await openDesk(made.card, newPin, doctor(1).secret);
    const left = await l.w.bringingBack.view(withReader, l.w.sessions.require());
    expect(left).toMatchObject({ closed: expect.any(Number) as number, offered: expect.arrayContaining([category]) as string[] });
    expect(left?.closed).toBeGreaterThan(0);
    await l.w.bringingBack.bring(withReader, l.w.sessions.require());
    l.anchor();
    const seen = await view(made.card);
    expect(countOf(seen)).toBe(2);
    expect((await l.w.bringingBack.view(l.w.sessions.requireDesk(), l.w.sessions.require()))?.closed).toBe(0);
    await l.w.sharing.grant(l.w.sessions.requireDesk(), { ...clinical, grantee: grantee(0) });
    l.anchor();
    expect(await readBy(0, it.patient)).toEqual([it.before, second].sort());
  });

  it('is read from a further new key, too: made by the patient afterwards, with the new words alone', async () => {
    const it = await scene();
    const made = await recover(it);
    const withDoctor = await openDesk(made.card, newPin, doctor(0).secret);
    await l.w.bringingBack.bring(withDoctor, l.w.sessions.require());
    l.anchor();
    const opening = { by: 'words' as const, phrase: made.phrase };
    const next = await atFrontDesk((session) => l.w.patientRotation.rotate(session, it.patient, opening, '112233'));
    l.anchor();
    const after = await write(0, it.patient);
    expect(countOf(await view(next.card, '112233'))).toBe(2);
    expect(countOf(await view(await l.w.cards.reissue(it.patient, next.phrase, '135791'), '135791'))).toBe(2);
    await expect(openDesk(made.card, newPin)).rejects.toEqual(refused('KEY_REPLACED'));
    expect(await readBy(0, it.patient)).toEqual([it.before, after].sort());
    await l.w.sharing.grant(await openDesk(next.card, '112233'), { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before, after].sort());
  });

  it('is not brought back under keys that open none of it', async () => {
    const it = await scene();
    const made = await recover(it);
    await openDesk(made.card, newPin, doctor(0).secret);
    const session = l.w.sessions.require();
    const right = session.index.keks({ patient: it.patient }).filter((key) => key.category === category);
    // A second, wrong key of the epoch: that which opens a commit is taken.
    session.index.addKeks(right.map((key) => ({ ...key, kek: new Uint8Array(32).fill(7) })));
    await l.w.bringingBack.bring(l.w.sessions.requireDesk(), session);
    l.anchor();
    expect(countOf(await view(made.card))).toBe(1);
  });
});
