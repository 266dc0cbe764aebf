/**
 * A patient's own record keys. Compartments come from the first seed for good. The KEK of an epoch comes from the seed of the key that signed the
 * revocation it began with, and of the first epoch from the first seed; so the patient's words give all of them again. What a delegate began is random,
 * and sealed to the patient in the revocation's envelope. Where the first seed is lost and guardians gave a new key, what is from before is what readers sealed
 * to that key since (`returned`); a category of which nobody did so begins anew, under a name and keys from the new seed.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey } from '../ports.ts';
import { bytesOf, granteeOfAccount, hexOf, utf8, zero32 } from './bytes.ts';
import type { Epoch } from './consents.ts';
import { precedes } from './directory.ts';
import type { KeyringDeps, RecordHolder, RecordKeys } from './keyring.ts';
import type { ReturnedKeys } from './returned-keys.ts';

const timeoutMs = 8_000;

/** `signer`: the key that signs what the patient does now. Throws KEY_REPLACED where it is not among these. */
export function createOwnRecordKeys(
  deps: KeyringDeps,
  { keys, patient }: RecordHolder,
  signer: string,
  returned: ReturnedKeys | null,
): RecordKeys {
  const { codec, crypto, ipfs, consents, directory, network } = deps;
  const { config } = network.require();
  const id = network.ofPatient(patient);
  if (!keys.signers.includes(signer)) {
    throw new AppError(
      'KEY_REPLACED',
      'This card’s key was replaced by a new one, so it opens and changes nothing any more. Nothing was changed; use the new card.',
    );
  }
  /** What a delegate's revocation brought, by the digest of its envelope. */
  const opened = new Map<string, Promise<EnvelopeKey[] | null>>();

  const [eldest = patient] = keys.signers;
  /** Names and first epochs come from this one's seed. */
  const first = returned ? eldest : patient;

  /** HMAC-SHA-256 of network and category under a key from the patient's seed: unreadable on the ledger, the same on every workstation. */
  const derivedName = (category: Category): string => {
    const key = keys.deriveAs(first, 'compartment');
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
  /** What was sealed last, where it is not one of the patient's own seeds that gives it. */
  const fromReaders = (compartment: string, epoch: number): Uint8Array | null =>
    givenBack.findLast((key) => key.compartment === compartment && key.epoch === epoch)?.kek.slice() ?? null;
  const firstKek = (compartment: string): Uint8Array | null =>
    derivedNames.has(compartment) ? kekFrom(first, compartment, 0) : fromReaders(compartment, 0);
  /** From a time of which the patient has no seed any more: what nobody brought back of it does not come by waiting. */
  const isLost = (epoch: Epoch | null): boolean => {
    const recovery = returned && directory.recovery(patient);
    return recovery !== null && recovery !== undefined && (epoch === null || precedes(epoch.begunBy, recovery));
  };

  const kekFrom = (from: string, compartment: string, epoch: number): Uint8Array => {
    const epochBytes = new Uint8Array(4);
    new DataView(epochBytes.buffer).setUint32(0, epoch);
    return keys.deriveAs(from, 'kek', bytesOf(id), bytesOf(compartment), epochBytes);
  };
  /** Null where it comes from a key of the patient that is not among these. */
  const derived = (from: string, compartment: string, epoch: number): Uint8Array | null =>
    keys.signers.includes(from) ? kekFrom(from, compartment, epoch) : null;

  /** The patient's key whose seed an epoch comes from: the one that signed, or the one that counted where a delegate signed. */
  const seedOf = ({ begunBy }: Epoch): string => {
    const { signatures, ...unsigned } = begunBy.operation;
    // A ledger takes only what the key of that place signed. What waits has no place: then the signature tells.
    if (begunBy.block !== null || keys.signers.length === 1 || unsigned.actor !== patient) return directory.signerAt(patient, begunBy);
    return codec.recover(codec.digest(begunBy.predecessor ?? config, unsigned), signatures[0] ?? '0x') ?? patient;
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

  /** The KEK that a delegate sealed to the patient; undefined where it sealed none, null where the block is away. */
  const fromEnvelope = async (epoch: Epoch, compartment: string): Promise<Uint8Array | null | undefined> => {
    const decoded = codec.decodePayload(epoch.begunBy.operation);
    if (decoded.kind !== 'Revoke' || decoded.payload.envelope === zero32) return undefined;
    const digest = decoded.payload.envelope;
    const known = opened.get(digest) ?? open(digest);
    opened.set(digest, known);
    try {
      return (await known)?.find((key) => key.compartment === compartment && key.epoch === epoch.number)?.kek.slice();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
      opened.delete(digest);
      return null;
    }
  };

  const kekOf = async (compartment: string, epoch: Epoch): Promise<Uint8Array | null> => {
    if (epoch.asNamed && epoch.begunBy.operation.actor !== patient) {
      const sealed = await fromEnvelope(epoch, compartment);
      if (sealed !== undefined) return sealed;
    }
    return derived(seedOf(epoch), compartment, epoch.number) ?? fromReaders(compartment, epoch.number);
  };

  const categoryOf = (compartment: string): Category => {
    const category = compartments.get(compartment);
    if (!category) throw new AppError('INTERNAL', 'A compartment is not one of the patient whose keys are open.');
    return category;
  };

  return {
    compartments,
    compartmentOf: (category) => compartmentsOf(category)[0] ?? derivedName(category),
    compartmentsOf,
    kek: async (compartment, number) => {
      if (number === 0) return firstKek(compartment);
      const epoch = consents
        .of(patient)
        .get(compartment)
        ?.epochs.find((one) => one.number === number);
      return epoch ? kekOf(compartment, epoch) : null;
    },
    async upTo(compartment) {
      const category = categoryOf(compartment);
      const found: EnvelopeKey[] = [];
      const missing: number[] = [];
      const add = (number: number, kek: Uint8Array | null, epoch: Epoch | null) => {
        if (kek) found.push({ compartment, category, epoch: number, kek });
        else if (!isLost(epoch)) missing.push(number);
      };
      add(0, firstKek(compartment), null);
      for (const epoch of consents.of(patient).get(compartment)?.epochs ?? []) add(epoch.number, await kekOf(compartment, epoch), epoch);
      return { keys: found, missing };
    },
    next(compartment) {
      const epoch = consents.epoch(patient, compartment) + 1;
      return { compartment, category: categoryOf(compartment), epoch, kek: kekFrom(signer, compartment, epoch) };
    },
  };
}
