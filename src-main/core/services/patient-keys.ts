/**
 * A patient's keys as they come from a card, from words, or from shares: whether they still count, and those before them that they do not hold. After a
 * rotation the words are of the newest key alone; the former ones are sealed to it in an envelope on the ledger.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { IpfsPort, KeyPort, OperationCodecPort, PersonKeys, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';

export interface PatientKeys {
  /**
   * All keys of a patient, from some of them; those given are destroyed where it throws or others come in their place. Throws KEY_REPLACED where a newer
   * key took their place, NOT_FOUND where they are not this patient's, BLOCK_UNAVAILABLE where the former ones are sealed in a block that is away.
   */
  complete(unlocked: PersonKeys, patient: string): Promise<PersonKeys>;
  /** From recovery words. Throws PHRASE_INVALID and the same. */
  ofWords(patient: string, phrase: string): Promise<PersonKeys>;
}

const timeoutMs = 8_000;

export function createPatientKeys(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ipfs: IpfsPort;
  readonly directory: Pick<Directory, 'signer' | 'signers' | 'signersSinceRecovery'>;
  readonly network: NetworkService;
}): PatientKeys {
  const { store, keys, crypto, codec, ipfs, directory, network } = deps;

  /** Digests of the envelopes that a patient's rotations were followed by, the newest first; also of those that the ledger refused. */
  const envelopes = (patient: string): string[] => {
    const digests = store.operations({ kinds: ['Revoke'], patient }).flatMap(({ operation }) => {
      const decoded = codec.decodePayload(operation);
      const own = decoded.kind === 'Revoke' && operation.actor === patient && decoded.payload.grantee === granteeOfAccount(patient);
      return own && decoded.payload.envelope !== zero32 ? [decoded.payload.envelope] : [];
    });
    return [...new Set(digests.reverse())];
  };

  const openFormer = async (digest: string, patient: string, newest: PersonKeys): Promise<PersonKeys | null> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs });
    try {
      const secret = await crypto.openFormerKeys(bytes, network.ofPatient(patient), patient, newest);
      if (!secret) return null;
      const former = keys.fromSecret(secret);
      secret.fill(0);
      return former;
    } catch (error) {
      // Sealed to another of the patient's keys.
      if (error instanceof AppError && error.code === 'TAMPERED') return null;
      throw error;
    }
  };

  /** The newest key alone. A patient's keys come from words. */
  const newestOf = (unlocked: PersonKeys): PersonKeys => keys.fromPhrase(unlocked.phrase() ?? '');

  const withFormer = async (unlocked: PersonKeys, patient: string): Promise<PersonKeys> => {
    const newest = newestOf(unlocked);
    let away: AppError | null = null;
    try {
      for (const digest of envelopes(patient)) {
        try {
          const former = await openFormer(digest, patient, newest);
          if (!former) continue;
          const all = keys.rotated(former, newest);
          former.destroy();
          if (all.account === patient) return all;
          all.destroy();
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
          away = error;
        }
      }
    } finally {
      newest.destroy();
    }
    throw new AppError(
      'BLOCK_UNAVAILABLE',
      'The patient’s earlier keys are sealed in a block that is not at this workstation and cannot be fetched now. Nothing was changed; connect the workstation, or go where the key was replaced, and try again.',
      {},
      { cause: away },
    );
  };

  const recovered = (unlocked: PersonKeys, patient: string): PersonKeys => {
    const newest = newestOf(unlocked);
    try {
      return keys.recovered(patient, newest);
    } finally {
      newest.destroy();
    }
  };

  const check = (unlocked: PersonKeys, patient: string): void => {
    const known = directory.signers(patient);
    const [first = ''] = unlocked.signers;
    // A card of a recovered account names it, and holds none of the keys before.
    if (unlocked.account === patient && first !== patient && !known.includes(first)) {
      throw new AppError(
        'KEY_MISSING',
        'This card holds a new key that is not in force yet, or of which this workstation has not heard. On the patient’s page, New card says how far it is. Nothing was changed.',
      );
    }
    if (!unlocked.signers.some((signer) => known.includes(signer))) {
      throw new AppError(
        'NOT_FOUND',
        'These are recovery words, but not those of this patient. No card was made; ask for the sheet of the patient in front of you.',
      );
    }
    if (unlocked.signers.includes(directory.signer(patient))) return;
    throw new AppError(
      'KEY_REPLACED',
      'This card, or these words, are of a key that was replaced by a new one, and open nothing any more. Ask for the card and the recovery sheet that were made then. Nothing was changed.',
    );
  };

  const complete: PatientKeys['complete'] = async (unlocked, patient) => {
    try {
      check(unlocked, patient);
      // A newer key that this workstation has not heard of yet is no reason to refuse its card.
      // Those from before a recovery are lost, and nobody has them.
      const held = directory.signersSinceRecovery(patient);
      if (unlocked.account === patient && held.every((signer) => unlocked.signers.includes(signer))) return unlocked;
      const newest = unlocked.signers.at(-1) ?? '';
      const alone = held.length === 1 && held[0] === newest && newest !== patient;
      const all = alone ? recovered(unlocked, patient) : await withFormer(unlocked, patient);
      unlocked.destroy();
      return all;
    } catch (error) {
      unlocked.destroy();
      throw error;
    }
  };

  return {
    complete,
    async ofWords(patient, phrase) {
      const unlocked = keys.fromPhrase(phrase);
      const registered = store.operations({ kinds: ['RegisterPatient'], patient }).some(({ state }) => state !== 'rejected');
      if (registered) return complete(unlocked, patient);
      unlocked.destroy();
      throw new AppError('NOT_FOUND', 'This patient is not registered in this network. No card was made.');
    },
  };
}
