/**
 * A short text sealed to a few readers: why somebody asks for access, or opened a record in an emergency. Its digest is on the ledger, its words are
 * for the patient and those who act. Like an envelope, with its own info string, so that neither opens as the other.
 */
import type { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedBlock } from '../../ports.ts';
import { toHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeBlock, encodeCbor } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';
import { addressBytes, bytes32, checkBytes, checkList, checkMap } from './shapes.ts';

const info = utf8('anamnesis/note/1');
const maxReaders = 16;
const maxTextBytes = 16 * 1024;
const maxNoteBytes = 512 * 1024;
/** Texts are filled up to a multiple of this: their length is nobody's business. */
const paddedTo = 512;

const refuseInput: Refuse = (what: string): AppError => invalid(`The text cannot be sealed: the ${what} is not valid.`);

/** Seals 1 to 16 KiB of UTF-8 to 1 to 16 readers. Throws INVALID_INPUT. */
export async function sealNote(
  network: string,
  patient: string,
  readers: readonly { readonly id: string; readonly encryptionKey: string }[],
  text: string,
): Promise<EncodedBlock> {
  if (readers.length === 0 || readers.length > maxReaders) throw refuseInput('number of readers');
  const scope = { network: bytes32(network, 'network', refuseInput), patient: addressBytes(patient, 'patient', refuseInput) };
  const words = utf8(text);
  if (words.length === 0 || words.length > maxTextBytes) throw refuseInput('length');
  const plaintext = encodeCbor({ text, fill: new Uint8Array(paddedTo - (words.length % paddedTo)) });
  try {
    const sealed = [];
    for (const { id, encryptionKey } of readers) {
      const reader = bytes32(id, 'reader', refuseInput);
      const aad = encodeCbor([scope.network, scope.patient, reader]);
      sealed.push({ reader, ...(await hpkeSeal(bytes32(encryptionKey, 'encryption key', refuseInput), info, aad, plaintext)) });
    }
    return encodeBlock({ v: 1, type: 'note', ...scope, readers: sealed });
  } finally {
    zero(plaintext, words);
  }
}

/** The text, or null where the block is for others. Throws TAMPERED: another network's or patient's, or changed. */
export async function openNote(
  bytes: Uint8Array,
  network: string,
  patient: string,
  reader: string,
  secretKey: Uint8Array,
): Promise<string | null> {
  const expected = [
    bytes32(network, 'network', refuseInput),
    addressBytes(patient, 'patient', refuseInput),
    bytes32(reader, 'reader', refuseInput),
  ] as const;
  const block = checkMap(decodeCbor(bytes, maxNoteBytes, tampered), ['v', 'type', 'network', 'patient', 'readers'], tampered);
  if (block.v !== 1 || block.type !== 'note') throw tampered('block type');
  if (toHex(checkBytes(block.network, 32, 'network', tampered)) !== toHex(expected[0])) throw tampered('network');
  if (toHex(checkBytes(block.patient, 20, 'patient', tampered)) !== toHex(expected[1])) throw tampered('patient');
  const parts = checkList(block.readers, maxReaders, 'readers', tampered).map((value) => {
    const part = checkMap(value, ['reader', 'enc', 'ciphertext'], tampered);
    return {
      reader: toHex(checkBytes(part.reader, 32, 'reader', tampered)),
      enc: checkBytes(part.enc, 32, 'enc', tampered),
      ciphertext: checkBytes(part.ciphertext, 16, 'ciphertext', tampered, maxNoteBytes),
    };
  });
  const own = parts.find((part) => part.reader === toHex(expected[2]));
  if (!own) return null;
  const plaintext = await hpkeOpen(secretKey, info, encodeCbor(expected), own);
  try {
    const { text } = checkMap(decodeCbor(plaintext, maxNoteBytes, tampered), ['text', 'fill'], tampered);
    if (typeof text !== 'string' || text.length > maxTextBytes) throw tampered('text');
    return text;
  } finally {
    zero(plaintext);
  }
}
