/**
 * The keys of a patient's record in the hands of somebody whom the patient appointed: all of them come from envelopes that were sealed to that account.
 * Nothing can be derived, so an epoch that a delegate begins gets a random key, which the revocation's envelope brings to those who stay and to the
 * patient.
 */
import type { Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey, StoredOperation } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import type { Epoch } from './consents.ts';
import { isKeyOf, newSalt, noRevocations, revocationId } from './epoch-keys.ts';
import { precedes } from './ledger-order.ts';
import type { KeyringDeps, RecordHolder, RecordKeys } from './keyring.ts';

const timeoutMs = 8_000;

export interface DelegateRecordKeys extends RecordKeys {
  /** Opens the envelopes that have come since. */
  refresh(): Promise<void>;
}

interface Source {
  readonly operation: StoredOperation;
  readonly digest: string;
}

export function createDelegateRecordKeys(deps: KeyringDeps, holder: RecordHolder): DelegateRecordKeys {
  const { store, codec, crypto, ipfs, consents, network } = deps;
  const { keys, patient } = holder;
  const id = network.ofPatient(patient);
  const reader = granteeOfAccount(keys.account);
  /** What is in each envelope for this account, by its digest. */
  const opened = new Map<string, EnvelopeKey[]>();
  const compartments = new Map<string, Category>();

  /** Operations that may have brought this account keys, in ledger order. */
  const sources = (): Source[] => {
    const grants = store.operations({ kinds: ['Grant'], patient, grantee: reader });
    const revocations = store.operations({ kinds: ['Revoke'], patient });
    return [...grants, ...revocations]
      .sort((a, b) => (precedes(a, b) ? -1 : 1))
      .flatMap((operation) => {
        const decoded = codec.decodePayload(operation.operation);
        const digest = decoded.kind === 'Grant' || decoded.kind === 'Revoke' ? decoded.payload.envelope : zero32;
        return operation.state === 'rejected' || digest === zero32 ? [] : [{ operation, digest }];
      });
  };

  const open = async (digest: string): Promise<void> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs });
    let found: EnvelopeKey[] = [];
    for (const secret of keys.encryptionSecrets()) {
      try {
        found = (await crypto.openEnvelopes(bytes, id, patient, reader, secret)) ?? [];
        break;
      } catch (error) {
        // Sealed to a key before or after this one, or damaged: then it brings nothing.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
      }
    }
    opened.set(digest, found);
    for (const { compartment, category, kek } of found) {
      compartments.set(compartment, category);
      holder.secrets?.push(kek);
    }
  };

  const refresh = async (): Promise<void> => {
    for (const digest of new Set(sources().map((source) => source.digest))) {
      if (opened.has(digest)) continue;
      try {
        await open(digest);
      } catch (error) {
        // With a workstation that is away: asked for again with the next look.
        if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
      }
    }
  };

  const epochs = (compartment: string): readonly Epoch[] => consents.of(patient).get(compartment)?.epochs ?? [];

  /** All keys for a number that were sealed to this account. */
  const brought = (compartment: string, number: number): Uint8Array[] =>
    sources()
      .flatMap(({ digest }) => opened.get(digest) ?? [])
      .flatMap((key) => (key.compartment === compartment && key.epoch === number ? [key.kek] : []));

  const find = (compartment: string, number: number): Uint8Array | null => {
    const held = brought(compartment, number);
    if (number === 0) return held.at(-1)?.slice() ?? null;
    const epoch = epochs(compartment).find((one) => one.number === number);
    if (!epoch?.asMade) return null;
    return held.find((kek) => isKeyOf(crypto, epoch.begunBy.operation.opId, kek))?.slice() ?? null;
  };

  const categoryOf = (compartment: string): Category => {
    const category = compartments.get(compartment);
    if (!category) throw new AppError('NOT_ALLOWED', 'This part of the record is not yours to decide about. Nothing was changed.');
    return category;
  };

  const compartmentsOf = (category: Category): string[] => {
    const found = [...compartments].flatMap(([compartment, known]) => (known === category ? [compartment] : []));
    if (found.length > 0) return found;
    throw new AppError('NOT_ALLOWED', 'Your appointment does not cover this part of the record. Nothing was changed.', { category });
  };

  return {
    compartments,
    refresh,
    compartmentOf: (category) => compartmentsOf(category)[0] ?? '',
    compartmentsOf,
    async kek(compartment, epoch) {
      await refresh();
      return find(compartment, epoch);
    },
    async opening(compartment, epoch) {
      await refresh();
      return brought(compartment, epoch).map((kek) => kek.slice());
    },
    isKeyless: (compartment) => Promise.resolve(epochs(compartment).at(-1)?.asMade === false),
    async upTo(compartment) {
      await refresh();
      const category = categoryOf(compartment);
      const found: EnvelopeKey[] = [];
      const missing: number[] = [];
      const numbers = [0, ...epochs(compartment).flatMap(({ number, asMade }) => (asMade ? [number] : []))];
      for (const epoch of numbers) {
        const kek = find(compartment, epoch);
        if (kek) found.push({ compartment, category, epoch, kek });
        else missing.push(epoch);
      }
      return { keys: found, missing };
    },
    next(compartment) {
      const { epoch, history } = consents.of(patient).get(compartment) ?? { epoch: 0, history: noRevocations };
      const kek = crypto.randomBytes(32);
      const opId = revocationId(crypto, history, { kek, salt: newSalt(crypto) });
      return { compartment, category: categoryOf(compartment), epoch: epoch + 1, kek, opId };
    },
  };
}
