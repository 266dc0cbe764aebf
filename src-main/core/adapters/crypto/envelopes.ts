/**
 * Envelopes: the KEKs of granted compartments, sealed to each grantee. One block for all grantees of one signed operation; the AAD
 * names network, patient and recipient, so that an envelope means nothing anywhere else.
 */
import type { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedBlock, EnvelopeKey, PersonKeys } from '../../ports.ts';
import { toHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeBlock, encodeCbor, maxBlockBytes } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';
import { addressBytes, bytes32, checkBytes, checkCategory, checkInteger, checkList, checkMap } from './shapes.ts';

const info = utf8('anamnesis/envelope/1');
const formerInfo = utf8('anamnesis/former-keys/1');
const maxFormerBytes = 2_048;
const maxKeys = 10_000;
const maxRecipients = 1_000;
const minCiphertextBytes = 16;

export interface EnvelopeRecipient {
  /** bytes32 hex: account left-padded, or organization. */
  readonly id: string;
  /** X25519 public key, bytes32 hex. */
  readonly encryptionKey: string;
  readonly keys: readonly EnvelopeKey[];
}

const refuseInput: Refuse = (what: string): AppError => invalid(`Keys cannot be sealed: the ${what} is not valid.`);

/**
 * Builds a block of envelopes. `former`: the secret of a patient's former keys, sealed to the one that replaces them, so that the new words alone give all
 * keys again. Throws INVALID_INPUT: nothing to seal, a recipient twice, more than 10,000 keys for one, over 2 MiB together.
 */
export async function sealEnvelopes(
  network: string,
  patient: string,
  recipients: readonly EnvelopeRecipient[],
  former?: { readonly encryptionKey: string; readonly secret: Uint8Array },
): Promise<EncodedBlock> {
  if ((recipients.length === 0 && !former) || recipients.length > maxRecipients) throw refuseInput('number of recipients');
  if (new Set(recipients.map(({ id }) => id.toLowerCase())).size !== recipients.length) throw refuseInput('list of recipients');
  const networkBytes = bytes32(network, 'network', refuseInput);
  const patientBytes = addressBytes(patient, 'patient', refuseInput);
  const envelopes: unknown[] = [];
  for (const { id, encryptionKey, keys } of recipients) {
    const recipient = bytes32(id, 'recipient', refuseInput);
    const plaintext = encodeKeys(keys);
    const sealed = await hpkeSeal(
      bytes32(encryptionKey, 'encryption key', refuseInput),
      info,
      encodeCbor([networkBytes, patientBytes, recipient]),
      plaintext,
    );
    zero(plaintext);
    envelopes.push({ recipient, ...sealed });
  }
  const block = { v: 1, type: 'envelopes', network: networkBytes, patient: patientBytes, envelopes };
  if (!former) return encodeBlock(block);
  const key = bytes32(former.encryptionKey, 'encryption key', refuseInput);
  const aad = encodeCbor([networkBytes, patientBytes, key]);
  return encodeBlock({ ...block, former: await hpkeSeal(key, formerInfo, aad, former.secret) });
}

/** The secret of a patient's former keys; null where the block has none. Throws TAMPERED: another network's or patient's block, another key, or changed. */
export async function openFormerKeys(bytes: Uint8Array, network: string, patient: string, keys: PersonKeys): Promise<Uint8Array | null> {
  const { networkBytes, patientBytes, former } = readBlock(bytes, network, patient);
  if (former === null) return null;
  const aad = encodeCbor([networkBytes, patientBytes, bytes32(keys.encryptionKey, 'encryption key', refuseInput)]);
  return hpkeOpen(keys.encryptionSecret(), formerInfo, aad, former);
}

/** The keys sealed for this recipient, or null where the block has none for it. Throws TAMPERED: another network's or patient's block, or changed. */
export async function openEnvelopes(
  bytes: Uint8Array,
  network: string,
  patient: string,
  recipient: string,
  secretKey: Uint8Array,
): Promise<EnvelopeKey[] | null> {
  const recipientBytes = bytes32(recipient, 'recipient', refuseInput);
  const { networkBytes, patientBytes, envelopes } = readBlock(bytes, network, patient);
  const own = envelopes.find((envelope) => envelope.recipient === toHex(recipientBytes));
  if (own === undefined) return null;
  const plaintext = await hpkeOpen(secretKey, info, encodeCbor([networkBytes, patientBytes, recipientBytes]), own);
  try {
    return decodeKeys(plaintext);
  } finally {
    zero(plaintext);
  }
}

/**
 * Whether these keys can be in what is sealed to a recipient: whoever is none has none, and how long it is tells how many at most, though not which. Throws
 * TAMPERED as `openEnvelopes` does.
 */
export function mayHoldKeys(
  bytes: Uint8Array,
  network: string,
  patient: string,
  recipient: string,
  keys: readonly Omit<EnvelopeKey, 'kek'>[],
): boolean {
  const id = toHex(bytes32(recipient, 'recipient', refuseInput));
  const own = readBlock(bytes, network, patient).envelopes.find((envelope) => envelope.recipient === id);
  const needed = encodeKeys(keys.map((key) => ({ ...key, kek: new Uint8Array(32) })));
  return own !== undefined && own.ciphertext.length >= needed.length + minCiphertextBytes;
}

/** Whom keys are sealed to, in a block of envelopes. Throws TAMPERED. */
export function envelopeRecipients(bytes: Uint8Array, network: string, patient: string): string[] {
  return readBlock(bytes, network, patient).envelopes.map(({ recipient }) => recipient);
}

/** Parses and bounds a block, and checks that it is this network's and patient's. */
function readBlock(bytes: Uint8Array, network: string, patient: string) {
  const networkBytes = bytes32(network, 'network', refuseInput);
  const patientBytes = addressBytes(patient, 'patient', refuseInput);
  const decoded = decodeCbor(bytes, maxBlockBytes, tampered);
  const parts = ['v', 'type', 'network', 'patient', 'envelopes'] as const;
  const hasFormer = typeof decoded === 'object' && decoded !== null && 'former' in decoded;
  const block: Partial<Record<'former', unknown>> & Record<(typeof parts)[number], unknown> = hasFormer
    ? checkMap(decoded, [...parts, 'former'], tampered)
    : checkMap(decoded, parts, tampered);
  if (block.v !== 1 || block.type !== 'envelopes') throw tampered('block type');
  if (toHex(checkBytes(block.network, 32, 'network', tampered)) !== toHex(networkBytes)) throw tampered('network');
  if (toHex(checkBytes(block.patient, 20, 'patient', tampered)) !== toHex(patientBytes)) throw tampered('patient');
  const envelopes = checkList(block.envelopes, maxRecipients, 'envelopes', tampered).map((value) => {
    const envelope = checkMap(value, ['recipient', 'enc', 'ciphertext'], tampered);
    return {
      recipient: toHex(checkBytes(envelope.recipient, 32, 'recipient', tampered)),
      enc: checkBytes(envelope.enc, 32, 'enc', tampered),
      ciphertext: checkBytes(envelope.ciphertext, minCiphertextBytes, 'ciphertext', tampered, maxBlockBytes),
    };
  });
  if (new Set(envelopes.map((envelope) => envelope.recipient)).size !== envelopes.length) throw tampered('recipient');
  return { networkBytes, patientBytes, envelopes, former: hasFormer ? readFormer(block.former) : null };
}

function readFormer(value: unknown): { enc: Uint8Array; ciphertext: Uint8Array } {
  const former = checkMap(value, ['enc', 'ciphertext'], tampered);
  return {
    enc: checkBytes(former.enc, 32, 'enc', tampered),
    ciphertext: checkBytes(former.ciphertext, minCiphertextBytes, 'ciphertext', tampered, maxFormerBytes),
  };
}

function encodeKeys(keys: readonly EnvelopeKey[]): Uint8Array {
  if (keys.length > maxKeys) throw refuseInput('number of keys');
  const wire = keys.map(({ compartment, category, epoch, kek }) => ({
    compartment: bytes32(compartment, 'compartment', refuseInput),
    category: checkCategory(category, refuseInput),
    epoch: checkInteger(epoch, 0xffff_ffff, 'epoch', refuseInput),
    kek: checkBytes(kek, 32, 'key', refuseInput),
  }));
  checkDistinct(keys, refuseInput);
  return encodeCbor({ keys: wire });
}

function decodeKeys(plaintext: Uint8Array): EnvelopeKey[] {
  const { keys } = checkMap(decodeCbor(plaintext, maxBlockBytes, tampered), ['keys'], tampered);
  const decoded = checkList(keys, maxKeys, 'keys', tampered).map((value) => {
    const key = checkMap(value, ['compartment', 'category', 'epoch', 'kek'], tampered);
    return {
      compartment: toHex(checkBytes(key.compartment, 32, 'compartment', tampered)),
      category: checkCategory(key.category, tampered),
      epoch: checkInteger(key.epoch, 0xffff_ffff, 'epoch', tampered),
      kek: checkBytes(key.kek, 32, 'kek', tampered).slice(),
    };
  });
  checkDistinct(decoded, tampered);
  return decoded;
}

/** One key per compartment and epoch: with two, which one opens a record would depend on their order. */
function checkDistinct(keys: readonly EnvelopeKey[], refuse: Refuse): void {
  if (new Set(keys.map((key) => `${key.compartment.toLowerCase()}/${key.epoch}`)).size !== keys.length) throw refuse('keys');
}
