/** A patient's new key: what it cuts off, what stays as it was, and what a crash in the middle leaves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import { category, doctorsAt } from './doctors-at.ts';
import { cardPin, Ledgerless } from './ledgerless.ts';

let l: Ledgerless;
beforeAll(async () => {
  l = await Ledgerless.start(2);
}, 300_000);
afterAll(() => l.stop());

const newPin = '975310';
const clinical = { categories: [category], write: true, purpose: 'treatment' as const, until: 0 };
const { doctor, grantee, write, readBy } = doctorsAt(() => l);
const refused = (code: string) => expect.objectContaining({ code });

type Patient = Awaited<ReturnType<Ledgerless['patient']>>;
type Opening = Parameters<typeof l.w.patientRotation.rotate>[2];
const rotate = (patient: string, opening: Opening, pin = newPin) =>
  l.as(l.admin.secret, (session) => l.w.patientRotation.rotate(session, patient, opening, pin));
const byCard = ({ card }: { card: string }, pin = cardPin): Opening => ({ by: 'card', card, pin });
const openDesk = (card: string, pin: string) => l.as(l.admin.secret, () => l.w.sessions.openDesk(card, pin));
const view = async (card: string, pin: string) => {
  const desk = await openDesk(card, pin);
  const summary = l.w.patients.get(l.w.sessions.require().index, desk.patient);
  return l.w.sharing.view(desk, summary);
};
const countOf = (seen: Awaited<ReturnType<typeof view>>) => seen.categories.find((one) => one.category === category)?.count;
const shared = async (who = 0): Promise<Patient & { before: string }> => {
  const registered = await l.patient();
  await l.w.sharing.grant(registered.desk, { ...clinical, grantee: grantee(who) });
  l.anchor();
  return { ...registered, before: await write(who, registered.patient) };
};

describe('a new key for a patient', () => {
  it('leaves to the readers what they had and gives them what comes; the patient reads all of it from the new card', async () => {
    const it = await shared();
    const made = await rotate(it.patient, byCard(it));
    expect(made.phrase.split(' ')).toHaveLength(24);
    l.anchor();
    const after = await write(0, it.patient);
    expect(await readBy(0, it.patient)).toEqual([it.before, after].sort());
    const seen = await view(made.card, newPin);
    expect(countOf(seen)).toBe(2);
    expect(seen.holders.find((one) => one.account === doctor(0).account)?.categories.map((one) => one.category)).toContain(category);
    expect(seen.history.filter((event) => event.type === 'new-key')).toHaveLength(1);
    // Sharing, revoking and old signatures go on as before.
    const desk = l.w.sessions.requireDesk();
    await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before, after].sort());
    await l.as(doctor(0).secret, async (session) => {
      const report = await l.w.chart.verify(session, it.patient, true);
      expect(report).toMatchObject({ failures: [], waiting: 0 });
    });
  });

  it('refuses the old card and the old words at the desk, in words', async () => {
    const it = await shared();
    const made = await rotate(it.patient, byCard(it));
    // Not only when the ledger has it: this workstation knows already.
    for (const anchored of [false, true]) {
      if (anchored) l.anchor();
      await expect(openDesk(it.card, cardPin)).rejects.toEqual(refused('KEY_REPLACED'));
      await expect(l.w.cards.reissue(it.patient, it.phrase, newPin)).rejects.toEqual(refused('KEY_REPLACED'));
      await expect(rotate(it.patient, { by: 'words', phrase: it.phrase })).rejects.toEqual(refused('KEY_REPLACED'));
    }
    const said = await openDesk(it.card, cardPin).catch((error: AppError) => error.message);
    expect(said).toContain('replaced by a new one');
    expect((await openDesk(made.card, newPin)).patient).toBe(it.patient);
    // What is open with the old keys signs nothing: neither here ...
    await expect(l.w.sharing.grant(it.desk, { ...clinical, grantee: grantee(1) })).rejects.toEqual(refused('KEY_REPLACED'));
  });

  it('closes a desk that is open with the old card', async () => {
    const it = await shared();
    await openDesk(it.card, cardPin);
    await rotate(it.patient, byCard(it));
    expect(l.w.sessions.desk()).toBeNull();
  });

  it('gives everything again from the new words alone, with ledger and blocks', async () => {
    const it = await shared();
    const first = await rotate(it.patient, { by: 'words', phrase: it.phrase });
    l.anchor();
    const second = await rotate(it.patient, { by: 'words', phrase: first.phrase });
    l.anchor();
    await write(0, it.patient);
    const card = await l.w.cards.reissue(it.patient, second.phrase, '135791');
    expect(countOf(await view(card, '135791'))).toBe(2);
    // Words that were the newest once are former ones now.
    await expect(l.w.cards.reissue(it.patient, first.phrase, newPin)).rejects.toEqual(refused('KEY_REPLACED'));
  });

  it('opens by two shares, recognizes those of the old key, and takes new ones', async () => {
    const it = await shared();
    await openDesk(it.card, cardPin);
    const old = await l.w.recovery.make(l.w.sessions.requireDesk());
    const made = await rotate(it.patient, { by: 'shares', shares: [old.card, old.guardian] });
    l.anchor();
    const withShares = (shares: readonly string[]) =>
      l.as(l.admin.secret, (session) => l.w.recovery.card(session, it.patient, shares, '135791'));
    await expect(withShares([old.card, old.guardian])).rejects.toEqual(refused('KEY_REPLACED'));
    // The vault's share is an old one too.
    await expect(withShares([old.card])).rejects.toEqual(refused('KEY_REPLACED'));
    const desk = await openDesk(made.card, newPin);
    const fresh = await l.w.recovery.make(desk);
    await expect(withShares([fresh.card, old.guardian])).rejects.toEqual(refused('KEY_REPLACED'));
    expect(countOf(await view(await withShares([fresh.card]), '135791'))).toBe(1);
  });

  it('changes nothing with a wrong PIN, or with the card or words of somebody else', async () => {
    const [one, other] = [await shared(), await shared()];
    await expect(rotate(one.patient, byCard(other))).rejects.toEqual(refused('CARD_INVALID'));
    await expect(rotate(one.patient, { by: 'words', phrase: other.phrase })).rejects.toEqual(refused('NOT_FOUND'));
    await expect(rotate(one.patient, byCard(one, '000000'))).rejects.toEqual(refused('WRONG_CREDENTIALS'));
    expect(l.w.store.workstation.countOperations({ kinds: ['RotateKeys'], actor: one.patient })).toBe(0);
  });

  it('keeps the code on the card readable however often it is done, and opens with all keys', async () => {
    const it = await shared();
    let phrase = it.phrase;
    let card = it.card;
    const lengths: number[] = [];
    for (let i = 0; i < 6; i++) {
      ({ phrase, card } = await rotate(it.patient, { by: 'words', phrase }));
      l.anchor();
      lengths.push(card.length);
    }
    // Version 10 at level L holds 395 characters (ISO/IEC 18004, table 7).
    expect(Math.max(...lengths)).toBeLessThanOrEqual(395);
    expect(countOf(await view(card, newPin))).toBe(1);
    expect(l.w.sessions.requireDesk().keys.signers).toHaveLength(7);
  });
});

describe('what was signed by the old key', () => {
  it('is kept where it reached the ledger before; what comes after the rotation is refused and can be done again', async () => {
    const it = await shared();
    // Signed at a workstation that has not heard of the rotation, and on its way.
    const { codec, crypto, network, directory, clock, store } = l.w;
    const elsewhere = createSigning(store.workstation, codec, crypto, network, { ...directory, signer: (account) => account }, clock);
    const compartment = l.w.keyring.of(it.desk).compartmentOf(category);
    const envelope = await crypto.sealEnvelopes(network.require().id, it.patient, [
      {
        id: grantee(1),
        encryptionKey: l.keys.fromSecret(doctor(1).secret.slice()).encryptionKey,
        keys: (await l.w.keyring.of(it.desk).upTo(compartment)).keys,
      },
    ]);
    const payload = {
      patient: it.patient,
      compartment,
      grantee: grantee(1),
      access: 3,
      purpose: 1,
      validFrom: 0,
      validUntil: 0,
      epoch: 0,
      envelope: envelope.digest,
    };
    const made = await rotate(it.patient, byCard(it));
    const late = elsewhere.make('Grant', payload, 'Share', it.desk.keys);
    l.w.publisher.publish([envelope], [late]);
    l.anchor(undefined, ({ operation }) => (operation.opId === late.operation.opId ? `SignatureWrong(0, ${it.patient})` : null));
    const seen = await view(made.card, newPin);
    expect(seen.holders.map((one) => one.account)).not.toContain(doctor(1).account);
    expect(seen.history.find((event) => event.state === 'refused')?.reason).toMatch(/key/i);
    await l.w.sharing.grant(l.w.sessions.requireDesk(), { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, it.patient)).toEqual([it.before]);
  });

  it('leaves the record to be moved at the next opening where the revocations were refused', async () => {
    const it = await shared();
    const compartment = l.w.keyring.of(it.desk).compartmentOf(category);
    const made = await rotate(it.patient, byCard(it));
    // The revocations overtook the rotation on their way.
    l.anchor(undefined, ({ kind }) => (kind === 'Revoke' ? 'SignatureWrong(0, 0x00)' : null));
    expect(l.w.consents.epoch(it.patient, compartment)).toBe(0);
    await view(made.card, newPin);
    l.anchor();
    expect(l.w.consents.epoch(it.patient, compartment)).toBe(1);
    const after = await write(0, it.patient);
    expect(await readBy(0, it.patient)).toEqual([it.before, after].sort());
    expect(countOf(await view(made.card, newPin))).toBe(2);
    expect(l.w.consents.epoch(it.patient, compartment)).toBe(1);
    // The words find the former keys also now.
    expect(countOf(await view(await l.w.cards.reissue(it.patient, made.phrase, '135791'), '135791'))).toBe(2);
  });
});

it('is there whole or not at all, wherever it stops', async () => {
  const registered = await shared();
  const { workstation } = l.w.store;
  // It stops behind the card's draft, in front of the one transaction that all operations are enqueued in.
  const put = l.blocks.put.bind(l.blocks);
  l.blocks.put = () => {
    throw new Error('the power failed');
  };
  try {
    await expect(rotate(registered.patient, byCard(registered))).rejects.toThrow('the power failed');
  } finally {
    l.blocks.put = put;
  }
  expect(workstation.countOperations({ kinds: ['RotateKeys'], actor: registered.patient })).toBe(0);
  expect((await openDesk(registered.card, cardPin)).patient).toBe(registered.patient);
  // The card that came to nothing is not offered for handing over.
  const cards = () =>
    l.w.sessions
      .require()
      .index.drafts()
      .filter(({ kind, patient }) => kind === 'card' && patient === registered.patient);
  expect(cards()).toHaveLength(1);
  await l.as(doctor(0).secret, () => undefined);
  await l.as(l.admin.secret, () => expect(cards()).toEqual([]));

  const made = await rotate(registered.patient, byCard(registered));
  const operations = workstation.operations({ actor: registered.patient }).filter(({ block }) => block === null);
  expect(operations.map(({ kind }) => kind)).toEqual(['RotateKeys', ...Array.from({ length: 8 }, () => 'Revoke')]);
  await l.as(doctor(0).secret, () => undefined);
  await l.as(l.admin.secret, () => expect(JSON.parse(cards()[0]?.json ?? '{}')).toMatchObject({ card: made.card }));
});
