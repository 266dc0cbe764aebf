/** What a clinic that wants to come into a network shows its governors: the clinic and its first admin, signed by the admin, as a code. */
import { z } from 'zod';
import { AppError } from '../../../src-shared/errors.ts';
import type { OperationPayload } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, RecordCryptoPort } from '../ports.ts';
import { hexOf, utf8 } from './bytes.ts';

const prefix = 'ANAM-REQUEST';
/** How long a clinic has for sending what it signed in its former network. */
export const moveSeconds = 90 * 86_400;

const block = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= 4096);
const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const schema = z.strictObject({
  v: z.literal(2),
  organization: bytes32,
  admin: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  encryptionKey: bytes32,
  organizationKey: bytes32,
  profile: block,
  adminProfile: block,
  keyEnvelope: block,
  /** Of a clinic that comes from a network of its own: the EIP-712 domain separator under which it signed there. */
  predecessor: bytes32.nullable(),
  signature: z.string().max(200),
});
export type AdmissionRequest = z.infer<typeof schema>;

/** What the admin signs: 32 bytes. */
export function requestStatement(crypto: RecordCryptoPort, r: Omit<AdmissionRequest, 'signature' | 'v'>): Uint8Array {
  const { organization, admin, encryptionKey, organizationKey, profile, adminProfile, keyEnvelope } = admissionOf(crypto, r);
  const lines = [organization, admin, encryptionKey, organizationKey, profile, adminProfile, keyEnvelope, r.predecessor ?? 'none'];
  return crypto.sha256(utf8(['anamnesis/request/2', ...lines].join('\n')));
}

/** What the governors sign for it. */
export function admissionOf(
  crypto: RecordCryptoPort,
  { organization, admin, encryptionKey, organizationKey, ...r }: Omit<AdmissionRequest, 'signature' | 'v'>,
): OperationPayload<'AdmitOrganization'> {
  const digestOf = (bytes: Uint8Array) => hexOf(crypto.sha256(bytes));
  const digests = { profile: digestOf(r.profile), adminProfile: digestOf(r.adminProfile), keyEnvelope: digestOf(r.keyEnvelope) };
  return { organization, admin, encryptionKey, organizationKey, ...digests };
}

export const encodeAdmissionRequest = (crypto: RecordCryptoPort, request: AdmissionRequest): string => crypto.encodeCode(prefix, request);

/** Throws CODE_INVALID for what is no request, or was changed after its admin signed it. */
export function readAdmissionRequest(codec: OperationCodecPort, crypto: RecordCryptoPort, code: string): AdmissionRequest {
  const parsed = schema.safeParse(crypto.decodeCode(prefix, code));
  if (!parsed.success)
    throw new AppError(
      'CODE_INVALID',
      'This is not a request of this version. Ask the other clinic to show theirs again; nothing was changed.',
    );
  const { signature, v: _v, ...unsigned } = parsed.data;
  if (codec.recover(requestStatement(crypto, unsigned), signature) !== unsigned.admin) {
    throw new AppError('CODE_INVALID', 'This request was changed on its way. Ask the other clinic to show it again; nobody was admitted.');
  }
  return parsed.data;
}
