/** Where the key of an epoch comes from, whoever began it. What revocations made apart do to it is in revocations-apart.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordHolder } from '../../../src-main/core/services/keyring.ts';
import { granteeOfAccount, zero32 } from '../../../src-main/core/services/bytes.ts';
import { newSalt, revocationId } from '../../../src-main/core/services/epoch-keys.ts';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import { powerBits } from '../../../src-shared/operations.ts';
import { category, doctorsAt } from './doctors-at.ts';
import { Ledgerless } from './ledgerless.ts';

let l: Ledgerless;
beforeAll(async () => {
  l = await Ledgerless.start(3);
});
afterAll(() => l.stop());

const clinical = { categories: [category], write: true, purpose: 'treatment' as const, until: 0 };
const { doctor, grantee, write, readBy } = doctorsAt(() => l);
const enqueue = (...operations: Parameters<typeof l.w.publisher.publish>[1]) => l.w.publisher.publish([], operations);
const signing = () => {
  const { store, codec, crypto, network, directory, clock } = l.w;
  return createSigning(store.workstation, codec, crypto, network, directory, clock);
};

describe('a revocation made where a grant was not known yet', () => {
  it('leaves its grantee out of the new epoch, which the next opening of the card seals to them', async () => {
    const { patient, desk } = await l.patient();
    for (const i of [0, 2]) await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(i) });
    l.anchor();
    const compartment = l.w.keyring.of(desk).compartmentOf(category);
    const { keys } = await l.w.keyring.of(desk).upTo(compartment);
    await l.w.sharing.revoke(desk, grantee(2), [category]);
    // Made elsewhere meanwhile; the ledger takes it before the revocation.
    const reader = l.keys.fromSecret(doctor(1).secret.slice());
    const recipient = { id: grantee(1), encryptionKey: reader.encryptionKey, keys };
    const envelope = await l.w.crypto.sealEnvelopes(l.w.network.ofPatient(patient), patient, [recipient]);
    const terms = { access: 1, purpose: 1, validFrom: 0, validUntil: 0, epoch: 0, envelope: envelope.digest };
    const granted = signing().make('Grant', { patient, compartment, grantee: grantee(1), ...terms }, 'Made elsewhere', desk.keys);
    l.w.publisher.publish([envelope], [granted]);
    l.anchor((pending) => [...pending].sort((a, b) => Number(a.kind === 'Revoke') - Number(b.kind === 'Revoke')));
    expect(l.w.consents.of(patient).get(compartment)).toMatchObject({ epoch: 1 });
    const written = await write(0, patient);
    expect(await readBy(1, patient)).toEqual([]);

    const summary = await l.as(l.admin.secret, ({ index }) => l.w.patients.get(index, patient));
    const count = (to: number) => l.w.store.workstation.countOperations({ kinds: ['Grant'], patient, grantee: grantee(to) });
    const before = count(0);
    await l.w.sharing.view({ ...desk }, summary);
    l.anchor();
    expect(await readBy(0, patient)).toEqual([written]);
    expect(await readBy(1, patient)).toEqual([written]);
    expect(await readBy(2, patient)).toEqual([]);
    // Once is enough, and those who were not left out get nothing again.
    expect([count(0), count(1)]).toEqual([before, 2]);
    await l.w.sharing.view({ ...desk }, summary);
    expect([count(0), count(1)]).toEqual([before, 2]);
  });
});

describe('a grant that the ledger refuses after the revocation that came with it', () => {
  it('leaves its grantee with no key of what is written once the card was opened again', async () => {
    const { patient, desk } = await l.patient();
    for (const i of [0, 2]) await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(i) });
    l.anchor();
    const compartment = l.w.keyring.of(desk).compartmentOf(category);
    // The new key is sealed to whom it was shared with just before; then the ledger takes the revocation first, as after a reorganization.
    await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(1) });
    await l.w.sharing.revoke(desk, grantee(2), [category]);
    l.anchor((pending) => [...pending].sort((a, b) => Number(b.kind === 'Revoke') - Number(a.kind === 'Revoke')));
    const state = () => l.w.consents.of(patient).get(compartment) ?? expect.fail();
    expect(state().epoch).toBe(1);
    expect(state().grants.has(grantee(1))).toBe(false);
    const before = await write(0, patient);
    expect(await readBy(1, patient)).toEqual([before]);

    const summary = await l.as(l.admin.secret, ({ index }) => l.w.patients.get(index, patient));
    await l.w.sharing.view({ ...desk }, summary);
    l.anchor();
    expect(state().epoch).toBe(2);
    const after = await write(0, patient);
    expect((await readBy(0, patient)).sort()).toEqual([before, after].sort());
    expect(await readBy(1, patient)).toEqual([before]);
    // Once is enough.
    await l.w.sharing.view({ ...desk }, summary);
    l.anchor();
    expect(state().epoch).toBe(2);
  });
});

describe('a revocation that somebody else signed', () => {
  /** As the workstation of a delegate, who is appointed before, makes it: a random key, sealed to those who stay and to the patient. */
  const delegateRevokes = async (patient: string, desk: RecordHolder, sealed: boolean) => {
    const { crypto, network } = l.w;
    const compartment = l.w.keyring.of(desk).compartmentOf(category);
    const kek = crypto.randomBytes(32);
    const { epoch, history } = l.w.consents.of(patient).get(compartment) ?? expect.fail();
    const key = { compartment, category, epoch: epoch + 1, kek };
    const opId = revocationId(crypto, history, { kek, salt: newSalt(crypto) });
    const stays = l.keys.fromSecret(doctor(0).secret.slice());
    const envelope = await crypto.sealEnvelopes(network.require().id, patient, [
      { id: grantee(0), encryptionKey: stays.encryptionKey, keys: [key] },
      ...(sealed ? [{ id: granteeOfAccount(patient), encryptionKey: desk.keys.encryptionKey, keys: [key] }] : []),
    ]);
    const delegate = l.keys.fromSecret(doctor(1).secret.slice());
    const appointment = {
      patient,
      delegate: delegate.account,
      compartment,
      capacity: 2,
      powers: powerBits.revoke,
      validUntil: 0,
      sequence: 1,
    };
    enqueue(signing().make('AppointDelegate', appointment, 'Appoint a delegate', desk.keys));
    l.anchor();
    const payload = { patient, compartment, grantee: grantee(2), epoch: key.epoch, envelope: envelope.digest };
    l.w.publisher.publish([envelope], [signing().make('Revoke', payload, 'By a delegate', delegate, { opId })]);
    l.anchor();
    return { compartment, kek, envelope, epoch: key.epoch };
  };

  it('brings the patient the key of its epoch in its envelope; until the block is here it is missing', async () => {
    const { patient, desk } = await l.patient();
    for (const i of [0, 2]) await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(i) });
    const { compartment, kek, envelope, epoch } = await delegateRevokes(patient, desk, true);
    expect(epoch).toBe(1);
    expect(await l.w.keyring.of(desk).kek(compartment, 1)).toEqual(kek);
    const versionId = await write(0, patient);
    await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(1) });
    l.anchor();
    expect(await readBy(1, patient)).toEqual([versionId]);

    l.blocks.forget(envelope.cid);
    expect(await l.w.keyring.of(desk).kek(compartment, 1)).toBeNull();
    expect(await l.w.keyring.of(desk).upTo(compartment)).toMatchObject({ keys: [{ epoch: 0 }], missing: [1] });
    await expect(l.w.sharing.grant(desk, { ...clinical, grantee: grantee(2) })).rejects.toMatchObject({ code: 'KEY_MISSING' });
    // Ending access never waits for a block.
    await l.w.sharing.revoke(desk, grantee(1), [category]);
    l.anchor();
    expect(await l.w.keyring.of(desk).kek(compartment, 2)).not.toBeNull();
  });

  it('is followed by an epoch from the patient’s seed where it sealed no key to the patient', async () => {
    const { patient, desk } = await l.patient();
    await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(0) });
    const { compartment } = await delegateRevokes(patient, desk, false);
    expect(await l.w.keyring.of(desk).kek(compartment, 1)).toBeNull();
    expect(await l.w.keyring.of(desk).isKeyless(compartment)).toBe(true);
    const summary = await l.as(l.admin.secret, ({ index }) => l.w.patients.get(index, patient));
    await l.w.sharing.view({ ...desk }, summary);
    l.anchor();
    expect(await l.w.keyring.of(desk).kek(compartment, 2)).toHaveLength(32);
    const versionId = await write(0, patient);
    expect(await readBy(0, patient)).toEqual([versionId]);
  });
});

it('opens the card all the same where a delegate’s revocation names something else than an envelope', async () => {
  const { patient, desk } = await l.patient();
  for (const i of [0, 2]) await l.w.sharing.grant(desk, { ...clinical, grantee: grantee(i) });
  const compartment = l.w.keyring.of(desk).compartmentOf(category);
  const delegate = l.keys.fromSecret(doctor(1).secret.slice());
  const appointment = {
    patient,
    delegate: delegate.account,
    compartment,
    capacity: 2,
    powers: powerBits.revoke,
    validUntil: 0,
    sequence: 1,
  };
  enqueue(signing().make('AppointDelegate', appointment, 'Appoint a delegate', desk.keys));
  l.anchor();
  const key = { compartment, category, epoch: 1, kek: l.w.crypto.randomBytes(32) };
  const ofAnother = await l.w.crypto.sealEnvelopes(l.w.network.require().id, delegate.account, [
    { id: grantee(0), encryptionKey: delegate.encryptionKey, keys: [key] },
  ]);
  const payload = { patient, compartment, grantee: grantee(2), epoch: 1, envelope: ofAnother.digest };
  l.w.publisher.publish([ofAnother], [signing().make('Revoke', payload, 'By a delegate', delegate)]);
  l.anchor();
  const summary = await l.as(l.admin.secret, ({ index }) => l.w.patients.get(index, patient));
  const view = await l.w.sharing.view({ ...desk }, summary);
  expect(view.holders.map((holder) => holder.grantee)).toContain(grantee(0));
});

it('passes over numbers that no revocation took, and bounds what an absurd one costs', async () => {
  const { patient, desk } = await l.patient();
  const compartment = l.w.keyring.of(desk).compartmentOf(category);
  const revoke = (epoch: number) => {
    const payload = { patient, compartment, grantee: grantee(0), epoch, envelope: zero32 };
    enqueue(signing().make('Revoke', payload, 'End access', desk.keys));
  };
  revoke(0xffff_fffe);
  revoke(3);
  revoke(1);
  l.anchor();
  const record = l.w.keyring.of(desk);
  // None of them was made with a key.
  expect(await record.upTo(compartment)).toMatchObject({ keys: [{ epoch: 0 }], missing: [] });
  expect(await record.kek(compartment, 1)).toBeNull();
  expect(l.w.consents.epoch(patient, compartment)).toBe(0xffff_ffff);
});
