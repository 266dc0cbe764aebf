/**
 * Profiles: public facts about an organization or a member of staff, in a readable block of at most 4 KiB. Never a patient's.
 */
import type { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedBlock, Profile } from '../../ports.ts';
import { decodeCbor, encodeBlock } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { checkMap } from './shapes.ts';

const maxProfileBytes = 4 * 1024;
const maxNameLength = 200;

/** Encodes a profile; the name's outer spaces go, and it is put into NFC. Throws INVALID_INPUT. */
export function encodeProfile(profile: Profile): EncodedBlock {
  const refuse = (what: string): AppError =>
    invalid(`This ${what} cannot be used: a name has 1 to ${maxNameLength} characters, and no control characters.`);
  const name = typeof profile.name === 'string' && profile.name.length <= maxProfileBytes ? profile.name.trim().normalize('NFC') : '';
  return encodeBlock({ v: 1, ...checkProfile({ type: profile.type, name }, refuse) }, maxProfileBytes);
}

/** Reads a profile. Throws TAMPERED. */
export function decodeProfile(bytes: Uint8Array): Profile {
  const block = checkMap(decodeCbor(bytes, maxProfileBytes, tampered), ['v', 'type', 'name'], tampered);
  if (block.v !== 1) throw tampered('version');
  return checkProfile(block, tampered);
}

function checkProfile(value: { readonly type: unknown; readonly name: unknown }, refuse: Refuse): Profile {
  const { type, name } = value;
  if (type !== 'organization' && type !== 'person') throw refuse('type');
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength) throw refuse('name');
  // Control characters, lone surrogates and directional overrides let one name pass for another (Unicode TR 36). Marks that right-to-left names need stay.
  if (/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u.test(name)) throw refuse('name');
  return { type, name };
}
