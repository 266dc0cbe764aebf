/**
 * A patient's own record keys. Compartments come from the first seed for good, and so does the KEK of the first epoch. The KEK of an epoch that a
 * revocation began comes from the seed of the key that signed it and the salt in its opId, so the patient's words and the ledger give all of them again,
 * and no two revocations have the same. What a delegate began is random, and sealed to the patient in the revocation's envelope. Where the first seed is lost
 * and guardians gave a new key, what is from before is what readers sealed to that key since (`returned`); a category of which nobody did so begins anew, under
 * a name and keys from the new seed.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey, StoredOperation } from '../ports.ts';
import { bytesOf, granteeOfAccount, hexOf, utf8, zero32 } from './bytes.ts';
import type { Epoch } from './consents.ts';
import { precedes } from './ledger-order.ts';
import { isKeyOf, newSalt, noRevocations, revocationId, saltOf } from './epoch-keys.ts';
import type { KeyringDeps, RecordHolder, RecordKeys } from './keyring.ts';
import type { ReturnedKeys } from './returned-keys.ts';

const timeoutMs = 8_000;

/** Undefined where nobody has one, null where it cannot be had now. */
type Kek = Uint8Array | null | undefined;

/** `signer`: the key that signs what the patient does now. Throws KEY_REPLACED where it is not among these. */
export function createOwnRecordKeys(
  deps: KeyringDeps,
  { keys, patient }: RecordHolder,
  signer: string,
  returned: ReturnedKeys | null,
): RecordKeys {
  const { store, codec, crypto, ipfs, consents, directory, network } = deps;
  const id = network.ofPatient(patient);
  if (!keys.signers.includes(signer)) {
    throw new AppError(
      'KEY_REPLACED',
      'This card’s key was replaced by a new one, so it opens and changes nothing any more. Nothing was changed; use the new card.',
    );
  }
  /** What a delegate's revocation brought, by the digest of its envelope. */
  const opened = new Map<string, Promise<EnvelopeKey[] | null>>();
  /** By the compartment and the number that they name. */
  let named: Map<string, StoredOperation[]> | undefined;

  const [eldest = patient] = keys.signers;
  /** Names and first epochs come from this one's seed. */
  const origin = returned ? eldest : patient;

  /** HMAC-SHA-256 of network and category under a key from the patient's seed: unreadable on the ledger, the same on every workstation. */
  const derivedName = (category: Category): string => {
    const key = keys.deriveAs(origin, 'compartment');
    const compartment = hexOf(crypto.hmac(key, bytesOf(id), utf8(category)));
    key.fill(0);
    return compartment;
  };
  const derivedNames = new Map(categories.map((category) => [derivedName(category), category]));
  const givenBack = returned?.keys() ?? [];
  const compartments = new Map(givenBack.map(({ compartment, category }) => [compartment, category]));
  for (const [compartment, category] of derivedNames) {
    const isUsed = consents.of(patient).has(compartment);
    if (isUsed || !givenBack.some((key) => key.category === category)) compartments.set(compartment, category);
  }
  const compartmentsOf = (category: Category): string[] => {
    if (returned && !returned.complete() && !givenBack.some((key) => key.category === category)) {
      throw new AppError(
        'KEY_MISSING',
        'Keys of this record that were brought back have not arrived at this workstation yet. Nothing was changed; try again when connected.',
      );
    }
    return [...compartments].flatMap(([compartment, one]) => (one === category ? [compartment] : []));
  };
  /** From a time of which the patient has no seed any more: what nobody brought back of it does not come by waiting. */
  const isLost = (stored: StoredOperation): boolean => {
    const recovery = returned && directory.recovery(patient);
    return recovery !== null && recovery !== undefined && precedes(stored, recovery);
  };

  const derive = (from: string, compartment: string, epoch: number, ...salt: Uint8Array[]): Uint8Array => {
    const epochBytes = new Uint8Array(4);
    new DataView(epochBytes.buffer).setUint32(0, epoch);
    return keys.deriveAs(from, 'kek', bytesOf(id), bytesOf(compartment), epochBytes, ...salt);
  };
  /** Null where the first key is not among these. */
  const first = (compartment: string): Uint8Array | null => {
    if (derivedNames.has(compartment)) return keys.signers.includes(origin) ? derive(origin, compartment, 0) : null;
    return givenBack.findLast((key) => key.compartment === compartment && key.epoch === 0)?.kek.slice() ?? null;
  };

  const open = async (digest: string): Promise<EnvelopeKey[] | null> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs });
    for (const secret of keys.encryptionSecrets()) {
      try {
        return await crypto.openEnvelopes(bytes, id, patient, granteeOfAccount(patient), secret);
      } catch (error) {
        // Sealed to a key before or after this one, or damaged: then nobody has the epoch's key from it either.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
      }
    }
    return null;
  };

  /** What a delegate sealed to the patient. */
  const fromEnvelope = async (digest: string, opId: string): Promise<Kek> => {
    if (digest === zero32) return undefined;
    const known = opened.get(digest) ?? open(digest);
    opened.set(digest, known);
    try {
      return (await known)?.find(({ kek }) => isKeyOf(crypto, opId, kek))?.kek.slice();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
      opened.delete(digest);
      return null;
    }
  };

  /** The key that a revocation began an epoch with, whatever became of it. */
  const begunBy = async (stored: StoredOperation): Promise<Kek> => {
    const { operation } = stored;
    const decoded = codec.decodePayload(operation);
    if (decoded.kind !== 'Revoke') return undefined;
    const { compartment, epoch, envelope } = decoded.payload;
    for (const from of keys.signers.toReversed()) {
      const kek = derive(from, compartment, epoch, saltOf(operation.opId));
      if (isKeyOf(crypto, operation.opId, kek)) return kek;
      kek.fill(0);
    }
    const brought = givenBack.find((key) => key.compartment === compartment && isKeyOf(crypto, operation.opId, key.kek));
    if (brought) return brought.kek.slice();
    if (isLost(stored)) return undefined;
    if (operation.actor !== patient) return fromEnvelope(envelope, operation.opId);
    // It may come from a key of the patient that is not among these.
    return directory.signersSinceRecovery(patient).every((one) => keys.signers.includes(one)) ? undefined : null;
  };

  const kekOf = (epoch: Epoch): Promise<Kek> => (epoch.asMade ? begunBy(epoch.begunBy) : Promise.resolve(undefined));

  const naming = (compartment: string, epoch: number): readonly StoredOperation[] => {
    const key = (of: string, number: number) => `${of}/${number}`;
    if (!named) {
      named = new Map();
      for (const stored of store.operations({ kinds: ['Revoke'], patient })) {
        const decoded = codec.decodePayload(stored.operation);
        if (decoded.kind !== 'Revoke') continue;
        const name = key(decoded.payload.compartment, decoded.payload.epoch);
        named.set(name, [...(named.get(name) ?? []), stored]);
      }
    }
    return named.get(key(compartment, epoch)) ?? [];
  };

  const categoryOf = (compartment: string): Category => {
    const category = compartments.get(compartment);
    if (!category) throw new AppError('INTERNAL', 'A compartment is not one of the patient whose keys are open.');
    return category;
  };

  const epochs = (compartment: string): readonly Epoch[] => consents.of(patient).get(compartment)?.epochs ?? [];

  return {
    compartments,
    compartmentOf: (category) => compartmentsOf(category)[0] ?? derivedName(category),
    compartmentsOf,
    kek: async (compartment, number) => {
      if (number === 0) return first(compartment);
      const epoch = epochs(compartment).find((one) => one.number === number);
      return (epoch && (await kekOf(epoch))) ?? null;
    },
    async opening(compartment, number) {
      const found = number === 0 ? [first(compartment)] : [];
      for (const revocation of naming(compartment, number)) found.push((await begunBy(revocation)) ?? null);
      return found.filter((kek) => kek !== null);
    },
    async upTo(compartment) {
      const category = categoryOf(compartment);
      const found: EnvelopeKey[] = [];
      const missing: number[] = [];
      const add = (epoch: number, kek: Kek) => {
        if (kek) found.push({ compartment, category, epoch, kek });
        else if (kek === null) missing.push(epoch);
      };
      const eldestKek = first(compartment);
      // Of a compartment from before, nobody may have brought it.
      if (eldestKek || derivedNames.has(compartment)) add(0, eldestKek);
      for (const epoch of epochs(compartment)) add(epoch.number, await kekOf(epoch));
      return { keys: found, missing };
    },
    async isKeyless(compartment) {
      const epoch = epochs(compartment).at(-1);
      return epoch !== undefined && (await kekOf(epoch)) === undefined;
    },
    next(compartment) {
      const { epoch: number, history } = consents.of(patient).get(compartment) ?? { epoch: 0, history: noRevocations };
      const salt = newSalt(crypto);
      const kek = derive(signer, compartment, number + 1, salt);
      const opId = revocationId(crypto, history, { kek, salt });
      return { compartment, category: categoryOf(compartment), epoch: number + 1, kek, opId };
    },
  };
}
