/**
 * What records need of cryptography (`RecordCryptoPort`): content, commits, envelopes, profiles and codes. Puts the files beside it
 * together; holds no state and no key.
 */
import type { RecordCryptoPort } from '../../ports.ts';
import { cidOfDigest, decodeCbor, digestOfCid, encodeCbor } from './cbor.ts';
import { decodeCode, encodeCode } from './code.ts';
import { commitKey, decodeCommit, encodeCommit, openEntries, openSomeEntries } from './commit.ts';
import { decryptContent, encryptContent, reencryptChunked, reencryptContent } from './content.ts';
import { envelopeRecipients, mayHoldKeys, openEnvelopes, openFormerKeys, sealEnvelopes } from './envelopes.ts';
import { invalid } from './failures.ts';
import { hmacOfParts, randomBytes, sha256 } from './hashing.ts';
import { openOrganizationKey, organizationKeyHolders, sealOrganizationKey, sealOrganizationKeyTo } from './organization-key.ts';
import { openNote, sealNote } from './sealed-note.ts';
import { decodeProfile, encodeProfile } from './profile.ts';

/** The record cryptography adapter. */
export function createRecordCrypto(): RecordCryptoPort {
  return {
    cidOfDigest,
    digestOfCid,
    encryptContent,
    decryptContent,
    reencryptContent,
    reencryptChunked,
    encodeCommit,
    decodeCommit,
    openEntries,
    openSomeEntries,
    commitKey,
    sealEnvelopes,
    openEnvelopes,
    mayHoldKeys,
    envelopeRecipients,
    openFormerKeys,
    sealOrganizationKey,
    sealOrganizationKeyTo,
    organizationKeyHolders,
    openOrganizationKey,
    sealNote,
    openNote,
    encodeProfile,
    decodeProfile,
    encodeCode,
    decodeCode,
    encodeMessage: encodeCbor,
    decodeMessage: (bytes, maxBytes) =>
      decodeCbor(bytes, maxBytes, (what, cause) =>
        invalid(`What another workstation sent is not in the form that was agreed (${what}).`, cause),
      ),
    hmac: (key, ...parts) => hmacOfParts(key, parts),
    sha256,
    randomBytes,
  };
}
