/**
 * What a recovered patient has of the record from before: the keys that those who could read it sealed to the new key since. They lie in envelopes of
 * revocations and grants that came after the recovery; nothing of them can be derived, because the seed that they came from is lost.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey, StoredOperation } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import { precedes } from './ledger-order.ts';
import type { KeyringDeps, RecordHolder } from './keyring.ts';

const timeoutMs = 8_000;

export interface ReturnedKeys {
  /** Opens what has come since the last time. */
  refresh(): Promise<void>;
  /** In the order of the ledger. */
  keys(): readonly EnvelopeKey[];
  /** Whether all that came so far was opened; else a block is away, and what it holds is not known. */
  complete(): boolean;
}

/** Whether none of the keys that a patient had at first are among these. */
export const lacksFirstKey = ({ keys, patient }: RecordHolder): boolean => keys.account === patient && !keys.signers.includes(patient);

export function createReturnedKeys(deps: KeyringDeps, { keys, patient, secrets }: RecordHolder): ReturnedKeys {
  const { store, codec, crypto, ipfs, directory, network } = deps;
  const id = network.ofPatient(patient);
  const reader = granteeOfAccount(patient);
  const opened = new Map<string, EnvelopeKey[]>();
  let away = false;

  const isSince = (recovery: StoredOperation, stored: StoredOperation) => stored.state !== 'rejected' && precedes(recovery, stored);

  const digests = (): string[] => {
    const recovery = directory.recovery(patient);
    if (!recovery) return [];
    const all = store.operations({ kinds: ['Grant', 'Revoke'], patient }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      const digest = decoded.kind === 'Grant' || decoded.kind === 'Revoke' ? decoded.payload.envelope : zero32;
      return digest === zero32 || !isSince(recovery, stored) ? [] : [digest];
    });
    return [...new Set(all)];
  };

  const open = async (digest: string): Promise<EnvelopeKey[]> => {
    const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs });
    for (const secret of keys.encryptionSecrets()) {
      try {
        return (await crypto.openEnvelopes(bytes, id, patient, reader, secret)) ?? [];
      } catch (error) {
        // Sealed to another of the patient's keys, or damaged: then it brings nothing.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
      }
    }
    return [];
  };

  return {
    async refresh() {
      away = false;
      for (const digest of digests()) {
        if (opened.has(digest)) continue;
        try {
          const found = await open(digest);
          opened.set(digest, found);
          secrets?.push(...found.map(({ kek }) => kek));
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
          away = true;
        }
      }
    },
    keys: () => digests().flatMap((digest) => opened.get(digest) ?? []),
    complete: () => !away,
  };
}
