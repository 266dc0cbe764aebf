/** CIDs as the workstation uses them: version 1, sha2-256, and one of three codecs. Anything else could not be checked, or is an attack. */
import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import { AppError } from '../../../../src-shared/errors.ts';

/** Multicodecs (https://github.com/multiformats/multicodec). */
export const codecs = { raw: 0x55, dagPb: 0x70, dagCbor: 0x71 } as const;
const sha2256 = 0x12;
const maxTextLength = 128;

/** @throws AppError INVALID_INPUT for what is no such CID. */
export function parseCid(text: string): CID {
  let cid: CID | undefined;
  try {
    if (text.length <= maxTextLength) cid = CID.parse(text);
  } catch (error) {
    throw new AppError('INVALID_INPUT', 'That is no content identifier (CID).', {}, { cause: error });
  }
  if (cid === undefined || !isAccepted(cid)) throw new AppError('INVALID_INPUT', 'That is no content identifier (CID) of a record.');
  return cid;
}

/** Whether it is of the form that the workstation uses. */
export function isAccepted({ version, code, multihash }: CID): boolean {
  return (
    version === 1 && multihash.code === sha2256 && multihash.digest.length === 32 && (Object.values(codecs) as number[]).includes(code)
  );
}

/** Whether these bytes are the ones that the CID names. */
export function matches(cid: CID, bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest().equals(cid.multihash.digest);
}
