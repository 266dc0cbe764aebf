/**
 * An organization's secret keys (the present one and those before it) sealed to one member, as enrolment and rotation do. Like an
 * envelope, with its own info string and AAD: neither opens as the other.
 */
import type { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedBlock } from '../../ports.ts';
import { toHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeBlock, encodeCbor, maxBlockBytes } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';
import { bytes32, checkBytes, checkList, checkMap } from './shapes.ts';

const info = utf8('anamnesis/organization-key/1');
const maxKeys = 1_000;

const refuseInput: Refuse = (what: string): AppError => invalid(`The organization's key cannot be sealed: the ${what} is not valid.`);

/** Seals 1 to 1,000 secret keys of 32 bytes. Throws INVALID_INPUT. */
export async function sealOrganizationKey(
  network: string,
  organization: string,
  member: { id: string; encryptionKey: string },
  secretKeys: readonly Uint8Array[],
): Promise<EncodedBlock> {
  if (secretKeys.length === 0 || secretKeys.length > maxKeys) throw refuseInput('number of keys');
  const scope = {
    network: bytes32(network, 'network', refuseInput),
    organization: bytes32(organization, 'organization', refuseInput),
    member: bytes32(member.id, 'member', refuseInput),
  };
  const plaintext = encodeCbor({ keys: secretKeys.map((key) => checkBytes(key, 32, 'key', refuseInput)) });
  const aad = encodeCbor([scope.network, scope.organization, scope.member]);
  const sealed = await hpkeSeal(bytes32(member.encryptionKey, 'encryption key', refuseInput), info, aad, plaintext);
  zero(plaintext);
  return encodeBlock({ v: 1, type: 'organization-key', ...scope, ...sealed });
}

/** The keys, in the order they were sealed; null where the block is for another member. Throws TAMPERED. */
export async function openOrganizationKey(
  bytes: Uint8Array,
  network: string,
  organization: string,
  member: string,
  secretKey: Uint8Array,
): Promise<Uint8Array[] | null> {
  const expected = [
    bytes32(network, 'network', refuseInput),
    bytes32(organization, 'organization', refuseInput),
    bytes32(member, 'member', refuseInput),
  ] as const;
  const block = checkMap(
    decodeCbor(bytes, maxBlockBytes, tampered),
    ['v', 'type', 'network', 'organization', 'member', 'enc', 'ciphertext'],
    tampered,
  );
  if (block.v !== 1 || block.type !== 'organization-key') throw tampered('block type');
  if (toHex(checkBytes(block.network, 32, 'network', tampered)) !== toHex(expected[0])) throw tampered('network');
  if (toHex(checkBytes(block.organization, 32, 'organization', tampered)) !== toHex(expected[1])) throw tampered('organization');
  const enc = checkBytes(block.enc, 32, 'enc', tampered);
  const ciphertext = checkBytes(block.ciphertext, 16, 'ciphertext', tampered, maxBlockBytes);
  if (toHex(checkBytes(block.member, 32, 'member', tampered)) !== toHex(expected[2])) return null;
  const plaintext = await hpkeOpen(secretKey, info, encodeCbor(expected), { enc, ciphertext });
  try {
    const { keys } = checkMap(decodeCbor(plaintext, maxBlockBytes, tampered), ['keys'], tampered);
    const secrets = checkList(keys, maxKeys, 'keys', tampered).map((key) => checkBytes(key, 32, 'key', tampered).slice());
    if (secrets.length === 0) throw tampered('keys');
    return secrets;
  } finally {
    zero(plaintext);
  }
}
