/** A patient's new key on a real ledger: the contracts take the rotation with what follows it, and refuse what the old key signs afterwards. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const keyPort = createKeyAdapter({ memoryKiB: 8192, passes: 1 });
const demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980', birthDateEstimated: true, gender: 'female' as const },
  ...{ phone: '', address: '', identifiers: [] },
};

let w: TestWorkstation;
let people: Awaited<ReturnType<typeof foundClinic>>;
beforeAll(async () => {
  w = await startWorkstation();
  people = await foundClinic(w, 'Hillside');
  await logIn(w, people.registrar);
});
afterAll(() => w.stop());

const settled = () =>
  w.until(
    'everything anchored',
    () => w.snapshot(),
    ({ sync }) => sync.waiting === 0 && sync.indexing === 0,
  );

it('is taken by the ledger with the new epochs, and a grant that the old key signed is refused', async () => {
  const { patient, phrase, card } = await w.ask('patients.register', { demographics, pin });
  const account = patient.patient;
  const made = await w.ask('cards.newKey', { patient: account, opening: { by: 'card', card, pin }, pin: '975310' });
  await settled();
  const { store, codec, crypto, network, directory, clock, facts, consents } = w.core.workstation;
  const own = store.workstation.operations({ actor: account });
  expect(own.filter(({ state }) => state === 'rejected')).toEqual([]);
  expect(own.map(({ kind }) => kind)).toContain('RotateKeys');
  expect(directory.signer(account)).toBe(keyPort.fromPhrase(made.phrase).account);
  expect([...consents.of(account).values()].map(({ epoch }) => epoch)).toEqual(Array.from({ length: 8 }, () => 1));

  // A program that does not ask the services, with the stolen key.
  const old = keyPort.fromPhrase(phrase);
  const [compartment = ''] = consents.of(account).keys();
  const payload = {
    ...{ patient: account, compartment, grantee: granteeOfAccount(people.admin), access: 3, purpose: 1, validFrom: 0, validUntil: 0 },
    ...{ epoch: 1, envelope: `0x${'11'.repeat(32)}` },
  };
  const thief = createSigning(store.workstation, codec, crypto, network, { ...directory, signer: (one) => one }, clock);
  const stolen = thief.make('Grant', payload, 'Theft', old);
  store.workstation.enqueue([stolen]);
  facts.tell('operations', { kinds: new Set(['Grant']) });
  await settled();
  expect(store.workstation.operation(stolen.operation.opId)).toMatchObject({
    state: 'rejected',
    rejectReason: expect.stringContaining('SignatureWrong'),
  });
  expect(consents.of(account).get(compartment)?.grants.has(payload.grantee)).toBe(false);

  await expect(w.ask('desk.open', { card, pin })).rejects.toMatchObject({ code: 'KEY_REPLACED' });
  expect(await w.ask('desk.open', { card: made.card, pin: '975310' })).toMatchObject({ patient: account });
  const view = await w.ask('desk.sharing', {});
  expect(view.history.map(({ type, state }) => `${type}/${state}`)).toContain('new-key/anchored');
  expect(view.holders).toHaveLength(1);
});
