/**
 * Revocations that were made at workstations which had not heard of each other. The ledger takes them in some order; whoever was ended by one of them must
 * have no key of an epoch that began behind it, those who stay must read and write again, and the patient must open everything from words and ledger.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { category, doctorsAt } from './doctors-at.ts';
import { cardPin, Ledgerless } from './ledgerless.ts';

let l: Ledgerless;
beforeAll(async () => {
  l = await Ledgerless.start(4);
});
afterAll(() => l.stop());

const { doctor, grantee, save: write, readBy } = doctorsAt(() => l);
const stays = 0;

type Desk = Awaited<ReturnType<Ledgerless['patient']>>['desk'];

/** A patient who shares with all four doctors, one of whom has written. */
async function shared() {
  const registered = await l.patient();
  for (const i of l.doctors.keys()) {
    await l.w.sharing.grant(registered.desk, { grantee: grantee(i), categories: [category], write: true, purpose: 'treatment', until: 0 });
  }
  l.anchor();
  const before = await write(stays, registered.patient);
  l.anchor();
  const compartment = l.w.keyring.of(registered.desk).compartmentOf(category);
  return { ...registered, before, compartment };
}

const revoke = (desk: Desk, i: number) => l.w.sharing.revoke(desk, grantee(i), [category]);

/** The epochs whose key is among what somebody holds. */
async function epochsOpenTo(i: number, desk: Desk, compartment: string): Promise<number[]> {
  const { keys } = await l.w.keyring.of(desk).upTo(compartment);
  const held = await l.as(doctor(i).secret, ({ index }) => index.keks({ compartment }).map(({ kek }) => Buffer.from(kek)));
  return keys.flatMap(({ epoch, kek }) => (held.some((one) => one.equals(kek)) ? [epoch] : []));
}

/** Opens the card, which puts in order what is left to do. */
async function openCard(patient: string, desk: Desk) {
  const summary = await l.as(l.admin.secret, ({ index }) => l.w.patients.get(index, patient));
  const seen = await l.w.sharing.view({ ...desk }, summary);
  l.anchor();
  return seen;
}

describe('two, of different readers', () => {
  it('hand no later key to either reader; those who stay read, and write again when the card was opened', async () => {
    const { patient, desk, phrase, before, compartment } = await shared();
    let writtenApart = '';
    const arrive = await l.apart(async () => {
      await revoke(desk, 2);
      writtenApart = await write(stays, patient);
    });
    await revoke(desk, 1);
    l.anchor();
    arrive();
    l.anchor();
    expect(l.w.consents.of(patient).get(compartment)).toMatchObject({
      epoch: 2,
      epochs: [
        { number: 1, asMade: true },
        { number: 2, asMade: false },
      ],
    });
    // Each has its own key, and the second epoch none: nobody can write in it.
    await expect(write(stays, patient)).rejects.toMatchObject({ code: 'KEY_MISSING' });
    expect(await l.w.keyring.of(desk).kek(compartment, 2)).toBeNull();

    const seen = await openCard(patient, desk);
    // No clinic has a new key, so nothing is said of one.
    expect(seen.renewed).toEqual([]);
    const ended = seen.holders.filter(({ account }) => [1, 2].some((i) => account === doctor(i).account));
    expect(ended.flatMap((one) => one.categories.map((row) => row.category))).not.toContain(category);
    const after = await write(stays, patient);
    l.anchor();
    // What was written apart was refused, and sealed under the key of now.
    await l.as(doctor(stays).secret, () => l.w.resealing.settled());
    l.anchor();
    expect(await readBy(stays, patient)).toEqual([before, writtenApart, after].sort());
    expect(await readBy(3, patient)).toEqual([before, writtenApart, after].sort());
    expect(await readBy(1, patient)).toEqual([before]);
    expect(await readBy(2, patient)).toEqual([before]);
    // The first one's reader has nothing behind it. The second one's has the epoch in which they still were a reader.
    expect(await epochsOpenTo(1, desk, compartment)).toEqual([0]);
    expect(await epochsOpenTo(2, desk, compartment)).toEqual([0, 1]);
    expect(await epochsOpenTo(3, desk, compartment)).toEqual([0, 1, 3]);

    // Once is enough.
    const count = () => l.w.store.workstation.countOperations({ kinds: ['Grant', 'Revoke'], patient });
    const made = count();
    await openCard(patient, desk);
    expect(count()).toBe(made);
    const fromWords = await l.w.sessions.openCard(await l.w.cards.reissue(patient, phrase, cardPin), cardPin);
    const counted = await openCard(patient, fromWords);
    expect(counted.categories.find((one) => one.category === category)?.count).toBe(3);
  });

  it('are put in order by a revocation that knows of both, without the card being opened for it', async () => {
    const { patient, desk, before, compartment } = await shared();
    const arrive = await l.apart(() => revoke(desk, 2));
    await revoke(desk, 1);
    l.anchor();
    arrive();
    l.anchor();
    await revoke(desk, 3);
    l.anchor();
    const after = await write(stays, patient);
    l.anchor();
    expect(await readBy(stays, patient)).toEqual([before, after].sort());
    for (const i of [1, 2, 3]) expect(await readBy(i, patient)).toEqual([before]);
    for (const i of [1, 2, 3]) expect(await epochsOpenTo(i, desk, compartment)).not.toContain(3);
  });
});

it('is not taken for as made where only its number fits: what it followed was overtaken', async () => {
  const { patient, desk, before, compartment } = await shared();
  // One workstation ends 1 and, knowing that, 3. Another ends 2. The ledger gets the second, the third, and last the first.
  const arrive = await l.apart(async () => {
    await revoke(desk, 1);
    await revoke(desk, 3);
  });
  await revoke(desk, 2);
  l.anchor();
  arrive();
  l.anchor((pending) => [...pending].reverse());
  expect(l.w.consents.of(patient).get(compartment)?.epochs).toMatchObject([
    { number: 1, asMade: true },
    // It named this number, and sealed its key to 2, who was ended before it.
    { number: 2, asMade: false },
    { number: 3, asMade: false },
  ]);
  await expect(write(stays, patient)).rejects.toMatchObject({ code: 'KEY_MISSING' });
  await openCard(patient, desk);
  const after = await write(stays, patient);
  l.anchor();
  expect(await readBy(stays, patient)).toEqual([before, after].sort());
  expect(await epochsOpenTo(2, desk, compartment)).toEqual([0]);
  for (const i of [1, 3]) expect(await epochsOpenTo(i, desk, compartment)).toEqual([0, 1]);
});

it('keeps readable what was written behind a revocation that was refused, and writes nothing more under its key', async () => {
  const { patient, desk, phrase, before, compartment } = await shared();
  let writtenApart = '';
  const arrive = await l.apart(async () => {
    await revoke(desk, 2);
    writtenApart = await write(stays, patient);
  });
  await revoke(desk, 1);
  l.anchor();
  // 3 has the key of the one that counts, and learns that of the other after it; so does 1, whom the other one left in.
  await readBy(3, patient);
  arrive();
  for (const i of [1, 3]) await readBy(i, patient);
  // As where the card with which it was signed was replaced meanwhile. The commit names an epoch that is in force, so the ledger takes it.
  l.anchor(undefined, ({ kind }) => (kind === 'Revoke' ? `SignatureWrong(0, ${patient})` : null));
  const after = await write(3, patient);
  l.anchor();
  expect(await readBy(stays, patient)).toEqual([before, writtenApart, after].sort());
  expect(await readBy(1, patient)).not.toContain(after);
  // 2 stays, since nothing on the ledger says otherwise, and has the key of what was written in force.
  expect(await readBy(2, patient)).toContain(after);
  expect(await epochsOpenTo(1, desk, compartment)).toEqual([0]);
  const fromWords = await l.w.sessions.openCard(await l.w.cards.reissue(patient, phrase, cardPin), cardPin);
  const counted = await openCard(patient, fromWords);
  expect(counted.categories.find((one) => one.category === category)?.count).toBe(3);
});
