/** Sealed reasons: made for a patient and those who act, fetched by their digest, and opened by whoever is a reader. */
import { AppError } from '../../../src-shared/errors.ts';
import type { EncodedBlock, IpfsPort, OperationCodecPort, PersonKeys, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';

export interface NoteReader {
  readonly id: string;
  readonly encryptionKey: string;
}

export interface Notes {
  seal(patient: string, readers: readonly NoteReader[], text: string): Promise<EncodedBlock>;
  /** Null where the block has not come yet, or does not open for this reader: the operation it belongs to stands all the same. */
  open(digest: string, patient: string, reader: string, keys: Pick<PersonKeys, 'encryptionSecrets'>): Promise<string | null>;
  /** The registered patient as a reader. Throws NOT_FOUND. */
  patientReader(patient: string): NoteReader;
}

/** Small, and the screen waits for it. */
const timeoutMs = 3_000;
const maxBytes = 512 * 1024;

export function createNotes(
  store: WorkstationStorePort,
  ipfs: IpfsPort,
  crypto: RecordCryptoPort,
  codec: OperationCodecPort,
  network: NetworkService,
  directory: Pick<Directory, 'rotatedEncryptionKey'>,
): Notes {
  return {
    seal: (patient, readers, text) => crypto.sealNote(network.ofPatient(patient), patient, readers, text),
    async open(digest, patient, reader, keys) {
      try {
        const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs, maxBytes });
        for (const secret of keys.encryptionSecrets()) {
          try {
            return await crypto.openNote(bytes, network.ofPatient(patient), patient, reader, secret);
          } catch (error) {
            // Sealed before or after the reader's key was replaced: one of the others opens it.
            if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
          }
        }
        return null;
      } catch (error) {
        if (error instanceof AppError && (error.code === 'BLOCK_UNAVAILABLE' || error.code === 'TAMPERED')) return null;
        throw error;
      }
    },
    patientReader(patient) {
      const registration = store.operations({ kinds: ['RegisterPatient'], patient }).find((o) => o.state !== 'rejected');
      const decoded = registration && codec.decodePayload(registration.operation);
      if (decoded?.kind !== 'RegisterPatient')
        throw new AppError('NOT_FOUND', 'No patient of this network has this account. Check it for a typing error; nothing was sent.');
      return { id: granteeOfAccount(patient), encryptionKey: directory.rotatedEncryptionKey(patient) ?? decoded.payload.encryptionKey };
    },
  };
}
