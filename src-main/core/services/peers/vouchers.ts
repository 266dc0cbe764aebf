/**
 * A voucher says that a computer (its peer id) is a workstation of a clinic. An admin of the clinic signs it; or the computer itself does, with the key
 * of an invitation that an admin signed, since it was not known by its id when it was invited. Of one computer the voucher with the highest number counts,
 * and one that takes it out counts for good.
 */
import { z } from 'zod';
import type { OperationCodecPort, PersonKeys, RecordCryptoPort } from '../../ports.ts';
import { hexOf, utf8 } from '../bytes.ts';
import type { Directory } from '../directory.ts';

const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const signature = z.string().regex(/^0x[0-9a-fA-F]{130}$/);
export const peerId = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{40,64}$/);

export const voucher = z.strictObject({
  organization: bytes32,
  peer: peerId,
  name: z.string().min(1).max(80),
  active: z.boolean(),
  sequence: z.number().int().min(0).max(1_000_000),
  /** The admin. */
  by: account,
  /** Where the computer was invited: the invitation's key, and the admin's signature over it. It stays in what an admin signs later: a key is good for one. */
  invitation: z.strictObject({ key: account, signature }).nullable(),
  signature,
});
export type Voucher = z.infer<typeof voucher>;
type Unsigned = Omit<Voucher, 'signature'>;

export interface Vouchers {
  /** By an admin who is unlocked. */
  sign(unsigned: Omit<Unsigned, 'by'>, admin: PersonKeys, signer: string): Voucher;
  signInvitation(organization: string, key: string, admin: PersonKeys, signer: string): string;
  /** By the computer itself, with the invitation's key. */
  signInvited(unsigned: Omit<Unsigned, 'invitation'>, invitation: { readonly keys: PersonKeys; readonly signature: string }): Voucher;
  isByAdmin(voucher: Voucher): boolean;
  /** Whether it is signed by whom it names, which says nothing yet about what they may do. */
  isSigned(voucher: Voucher): boolean;
}

export function createVouchers(
  codec: OperationCodecPort,
  crypto: RecordCryptoPort,
  directory: Pick<Directory, 'accountOf'>,
  /** Id of the network to which an organization's own is bound. */
  networkOf: (organization: string) => string,
): Vouchers {
  const statement = ({ organization, peer, name, active, sequence, by, invitation }: Unsigned) =>
    crypto.sha256(
      utf8(
        [
          'anamnesis/computer/1',
          networkOf(organization),
          organization,
          peer,
          active ? 1 : 0,
          sequence,
          by.toLowerCase(),
          invitation?.key.toLowerCase() ?? '',
          name,
        ].join('\n'),
      ),
    );
  const invitationStatement = (organization: string, by: string, key: string) =>
    crypto.sha256(
      utf8(['anamnesis/computer-invitation/1', networkOf(organization), organization, by.toLowerCase(), key.toLowerCase()].join('\n')),
    );
  const isBy = (account: string, digest: Uint8Array, text: string) => {
    const signer = codec.recover(digest, text);
    return signer !== null && (directory.accountOf(signer) ?? signer) === account;
  };

  return {
    sign(fields, admin, signer) {
      const unsigned = { ...fields, by: admin.account };
      return { ...unsigned, signature: admin.sign(statement(unsigned), signer) };
    },
    signInvitation: (organization, key, admin, signer) => admin.sign(invitationStatement(organization, admin.account, key), signer),
    signInvited(unsigned, { keys, signature: signed }) {
      const invitation = { key: keys.account, signature: signed };
      return { ...unsigned, invitation, signature: keys.sign(statement({ ...unsigned, invitation })) };
    },
    isByAdmin: (v) => isBy(v.by, statement(v), v.signature),
    isSigned(v) {
      if (isBy(v.by, statement(v), v.signature)) return true;
      if (v.invitation === null) return false;
      // An invitation brings a computer in, once; all that follows is an admin's to sign.
      if (v.sequence !== 0 || !v.active) return false;
      if (codec.recover(statement(v), v.signature) !== v.invitation.key) return false;
      return isBy(v.by, invitationStatement(v.organization, v.by, v.invitation.key), v.invitation.signature);
    },
  };
}

/** Whether one voucher of a computer counts instead of another: a removal for good, else the higher number, else the smaller signature. */
export function replaces(next: Voucher, known: Voucher): boolean {
  if (next.active !== known.active) return known.active;
  if (next.sequence !== known.sequence) return next.sequence > known.sequence;
  return next.signature < known.signature;
}

/** The key of an invitation, as text for the key adapter. */
export const newInvitationKey = (crypto: RecordCryptoPort): string => hexOf(crypto.randomBytes(32));
