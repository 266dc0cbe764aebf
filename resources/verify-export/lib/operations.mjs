/** Signed operations: their typed data (EIP-712), their payloads word by word, and who signed them. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesOf, concat, fail, hexOf, keccak, short, utf8 } from './bytes.mjs';

const header = 'bytes32 opId,address actor,uint64 issuedAt,uint64 deadline';

/** Who signs beside the actor. */
export const cosigning = { nobody: 0, account: 1, newKey: 2, governors: 3 };

/** Kinds that this program can judge: number on the ledger, fields in order; and who co-signs, with the field that names it. */
export const kinds = {
  AdmitOrganization: [
    1,
    'bytes32 organization,address admin,bytes32 encryptionKey,bytes32 organizationKey,bytes32 profile,bytes32 adminProfile,bytes32 keyEnvelope',
    cosigning.governors,
  ],
  SuspendOrganization: [2, 'bytes32 organization,uint8 suspended', cosigning.governors],
  EnrolMember: [3, 'bytes32 organization,address member,uint8 roles,bytes32 encryptionKey,bytes32 profile,bytes32 keyEnvelope'],
  ChangeMember: [4, 'bytes32 organization,address member,uint8 roles'],
  SuspendMember: [5, 'bytes32 organization,address member,uint8 suspended'],
  RegisterPatient: [6, 'bytes32 organization,address patient,bytes32 encryptionKey', cosigning.account, 'patient'],
  RotateKeys: [7, 'address signer,bytes32 encryptionKey', cosigning.newKey, 'signer'],
  SetRecovery: [
    8,
    'address guardian1,address guardian2,address guardian3,address guardian4,address guardian5,uint8 threshold,uint32 delay,uint32 round',
  ],
  ProposeRecovery: [9, 'address account,address signer,bytes32 encryptionKey', cosigning.newKey, 'signer'],
  ApproveRecovery: [10, 'address account,bytes32 proposal'],
  VetoRecovery: [11, 'address account'],
  CompleteRecovery: [12, 'address account,bytes32 proposal'],
  RecognizePredecessor: [13, 'bytes32 organization,bytes32 domain,uint64 acceptedUntil', cosigning.governors],
  ChangeGovernor: [14, 'address governor,uint8 governing,uint8 threshold', cosigning.governors],
  RotateOrganizationKey: [15, 'bytes32 organization,uint8 purpose,bytes32 publicKey,bytes32 keyEnvelope'],
  LinkPatients: [26, 'bytes32 organization,address duplicate,address survivor,bytes32 reason'],
  UnlinkPatients: [27, 'bytes32 organization,address duplicate,bytes32 reason'],
  Grant: [
    40,
    'address patient,bytes32 compartment,bytes32 grantee,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch,bytes32 envelope',
  ],
  Revoke: [41, 'address patient,bytes32 compartment,bytes32 grantee,uint32 epoch,bytes32 envelope'],
  ChangeGrant: [
    42,
    'address patient,bytes32 compartment,bytes32 grantee,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch',
  ],
  RequestAccess: [
    43,
    'address patient,bytes32 compartment,bytes32 organization,uint8 access,uint8 purpose,uint64 validUntil,bytes32 reason',
  ],
  ApproveRequest: [
    44,
    'address patient,bytes32 request,bytes32 compartment,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch,bytes32 envelope',
  ],
  DeclineRequest: [45, 'address patient,bytes32 request,bytes32 reason'],
  AppointDelegate: [
    46,
    'address patient,address delegate,bytes32 compartment,uint8 capacity,uint8 powers,uint64 validUntil,uint32 sequence',
  ],
  DismissDelegate: [47, 'address patient,address delegate,bytes32 compartment,uint32 sequence'],
  SwitchEmergency: [48, 'address patient,uint8 allowed,uint32 sequence'],
  OpenEmergency: [49, 'address patient,bytes32 organization,bytes32 reason,uint32 duration'],
  Commit: [60, 'address patient,bytes32 compartment,uint32 epoch,bytes32 organization,bytes32 commit'],
};

/** EIP-712 `encodeType`. */
export const encodeType = (kind) => `${kind}(${header},${kinds[kind][1]})`;

/** Name of the kind with a number on the ledger; undefined for one that this program does not know. */
export const kindWithCode = (code) => Object.keys(kinds).find((kind) => kinds[kind][0] === code);

const word = (value) => bytesOf(`0x${BigInt(value).toString(16).padStart(64, '0')}`, 32);
const address = (account) => concat(new Uint8Array(12), bytesOf(account, 20, 'account'));

/** EIP-712 domain separator of the gateway contract. */
export function domainOf({ chainId, operations }) {
  const type = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
  return keccak(concat(keccak(utf8(type)), keccak(utf8('Anamnesis')), keccak(utf8('1')), word(chainId), address(operations)));
}

/** The EIP-712 digest that the actor and the co-signers signed. All fields are static, so the payload is the tail of encodeData as it stands. */
export function digestOf(domain, operation) {
  const { kind, opId, actor, issuedAt, deadline, payload } = operation;
  const head = concat(keccak(utf8(encodeType(kind))), bytesOf(opId, 32), address(actor), word(issuedAt), word(deadline));
  return keccak(concat([0x19, 0x01], domain, keccak(concat(head, bytesOf(payload)))));
}

/** EIP-191 ("personal_sign") digest of a text. */
export function messageDigest(text) {
  const bytes = utf8(text);
  return keccak(concat(utf8(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes));
}

/** The account (lower-case) whose signature of a digest this is; null for a signature that is nobody's. */
export function signerOf(digest, signature) {
  if (typeof signature !== 'string' || !/^0x[0-9a-fA-F]{130}$/.test(signature)) return null;
  const bytes = bytesOf(signature, 65);
  const recovery = bytes[64] - 27;
  if (recovery !== 0 && recovery !== 1) return null;
  try {
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact').addRecoveryBit(recovery);
    // A high s is the malleable twin of a signature (EIP-2).
    if (parsed.hasHighS()) return null;
    const publicKey = parsed.recoverPublicKey(digest).toBytes(false);
    return hexOf(keccak(publicKey.subarray(1)).subarray(12));
  } catch {
    return null;
  }
}

/** A payload's fields: addresses and bytes32 as lower-case hex, integers as numbers. */
export function decodePayload(kind, payload) {
  const fields = kinds[kind][1].split(',').map((field) => field.split(' '));
  const bytes = bytesOf(payload, fields.length * 32, 'payload');
  return Object.fromEntries(
    fields.map(([type, name], i) => {
      const part = bytes.subarray(32 * i, 32 * i + 32);
      if (type === 'bytes32') return [name, hexOf(part)];
      if (type === 'address') {
        if (part.subarray(0, 12).some((byte) => byte !== 0)) fail(`the ${name} of a ${kind} is no account`);
        return [name, hexOf(part.subarray(12))];
      }
      const value = BigInt(hexOf(part));
      const bits = Number(type.slice(4));
      if (value >= 2n ** BigInt(Math.min(bits, 53))) fail(`the ${name} of a ${kind} is out of range`);
      return [name, Number(value)];
    }),
  );
}

/** What to call an operation in a sentence. */
export const named = ({ kind, opId }) => `${kind} ${short(opId)}`;
