/**
 * An organization's secret keys (the present one and those before it) sealed to one member, as enrolment and rotation do. Like an
 * envelope, with its own info string and AAD: neither opens as the other. Version 1 is for one member; version 2 for several, and says readably for which
 * public key it is, so that an admin sees who holds it.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import type { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedBlock } from '../../ports.ts';
import { toHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeBlock, encodeCbor, maxBlockBytes } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';
import { bytes32, checkBytes, checkList, checkMap } from './shapes.ts';

const info = utf8('anamnesis/organization-key/1');
const maxKeys = 1_000;
const maxMembers = 2_000;

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

/** Seals to 1 to 2,000 members. Throws INVALID_INPUT. */
export async function sealOrganizationKeyTo(
  network: string,
  organization: string,
  members: readonly { readonly id: string; readonly encryptionKey: string }[],
  secretKeys: readonly Uint8Array[],
): Promise<EncodedBlock> {
  const newest = secretKeys.at(-1);
  if (!newest || secretKeys.length > maxKeys) throw refuseInput('number of keys');
  if (members.length === 0 || members.length > maxMembers) throw refuseInput('number of members');
  const scope = { network: bytes32(network, 'network', refuseInput), organization: bytes32(organization, 'organization', refuseInput) };
  const plaintext = encodeCbor({ keys: secretKeys.map((key) => checkBytes(key, 32, 'key', refuseInput)) });
  try {
    const sealed = [];
    for (const { id, encryptionKey } of members) {
      const member = bytes32(id, 'member', refuseInput);
      const aad = encodeCbor([scope.network, scope.organization, member]);
      sealed.push({ member, ...(await hpkeSeal(bytes32(encryptionKey, 'encryption key', refuseInput), info, aad, plaintext)) });
    }
    return encodeBlock({ v: 2, type: 'organization-key', ...scope, publicKey: x25519.getPublicKey(newest), members: sealed });
  } finally {
    zero(plaintext);
  }
}

interface Part {
  readonly member: string;
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

interface KeyBlock {
  readonly network: string;
  readonly organization: string;
  readonly publicKey: string | null;
  readonly parts: readonly Part[];
}

function readBlock(bytes: Uint8Array): KeyBlock {
  const decoded = decodeCbor(bytes, maxBlockBytes, tampered) as { readonly v?: unknown } | null;
  const several = decoded?.v === 2;
  const common = ['v', 'type', 'network', 'organization'] as const;
  const block = several
    ? { ...checkMap(decoded, [...common, 'publicKey', 'members'], tampered), member: null, enc: null, ciphertext: null }
    : { ...checkMap(decoded, [...common, 'member', 'enc', 'ciphertext'], tampered), publicKey: null, members: null };
  if ((block.v !== 1 && block.v !== 2) || block.type !== 'organization-key') throw tampered('block type');
  const part = (value: Record<'member' | 'enc' | 'ciphertext', unknown>): Part => ({
    member: toHex(checkBytes(value.member, 32, 'member', tampered)),
    enc: checkBytes(value.enc, 32, 'enc', tampered),
    ciphertext: checkBytes(value.ciphertext, 16, 'ciphertext', tampered, maxBlockBytes),
  });
  return {
    network: toHex(checkBytes(block.network, 32, 'network', tampered)),
    organization: toHex(checkBytes(block.organization, 32, 'organization', tampered)),
    publicKey: several ? toHex(checkBytes(block.publicKey, 32, 'publicKey', tampered)) : null,
    parts: several
      ? checkList(block.members, maxMembers, 'members', tampered).map((value) =>
          part(checkMap(value, ['member', 'enc', 'ciphertext'], tampered)),
        )
      : [part(block)],
  };
}

/** To whom a block is sealed; without a public key where it is of version 1. Throws TAMPERED. */
export function organizationKeyHolders(bytes: Uint8Array): { publicKey: string | null; members: readonly string[] } {
  const { publicKey, parts } = readBlock(bytes);
  return { publicKey, members: parts.map(({ member }) => member) };
}

/** The keys, in the order they were sealed; null where the block is for others. Throws TAMPERED. */
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
  const block = readBlock(bytes);
  if (block.network !== toHex(expected[0])) throw tampered('network');
  if (block.organization !== toHex(expected[1])) throw tampered('organization');
  const part = block.parts.find((one) => one.member === toHex(expected[2]));
  if (!part) return null;
  const plaintext = await hpkeOpen(secretKey, info, encodeCbor(expected), part);
  try {
    const { keys } = checkMap(decodeCbor(plaintext, maxBlockBytes, tampered), ['keys'], tampered);
    const secrets = checkList(keys, maxKeys, 'keys', tampered).map((key) => checkBytes(key, 32, 'key', tampered).slice());
    if (secrets.length === 0) throw tampered('keys');
    return secrets;
  } finally {
    zero(plaintext);
  }
}
