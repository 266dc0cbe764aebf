/** People who sign operations without a workstation: what comes to a ledger from elsewhere. Everything is valid; envelopes and contents are random digests. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { createOperationCodec } from '../../src-main/core/adapters/ledger/operation-codec.ts';
import type { NetworkConfig } from '../../src-main/core/ports.ts';
import { granteeOfAccount, zero32 } from '../../src-main/core/services/bytes.ts';
import {
  accessBits,
  operationKinds,
  purposes,
  roleBits,
  type OperationKind,
  type OperationPayload,
  type SignedOperation,
} from '../../src-shared/operations.ts';
import type { Random } from './random.ts';

export interface Signer {
  readonly account: string;
  /** 65 bytes in hex, over a digest of 32. */
  sign(digest: Uint8Array): string;
}

const codec = createOperationCodec();
const half = 180 * 24 * 3600;

export function person(random: Random): Signer {
  const key = random.bytes(32);
  const publicKey = secp256k1.getPublicKey(key, false);
  return {
    account: codec.checksummed(`0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`),
    sign(digest) {
      const signature = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' });
      return `0x${bytesToHex(signature.subarray(1))}${signature[0] === 0 ? '1b' : '1c'}`;
    },
  };
}

export function signed<K extends OperationKind>(
  config: NetworkConfig,
  random: Random,
  kind: K,
  payload: OperationPayload<K>,
  ...signers: readonly [Signer, ...Signer[]]
): SignedOperation {
  const issuedAt = Math.floor(Date.now() / 1000);
  const unsigned = {
    kind: operationKinds[kind].code,
    opId: random.hex(32),
    actor: signers[0].account,
    issuedAt,
    deadline: issuedAt + half,
    payload: codec.encodePayload(kind, payload),
  };
  const digest = codec.digest(config, unsigned);
  return { ...unsigned, signatures: signers.map((signer) => signer.sign(digest)) };
}

export interface OtherClinic {
  /** Admission, roles, registrations and grants, in the order in which they depend on each other. */
  readonly founding: readonly SignedOperation[];
  /** The next commit, of one patient after the other. */
  commit(): SignedOperation;
}

/** A clinic with one person in all roles, whose patients each share a compartment with that person. */
export function otherClinic(config: NetworkConfig, random: Random, governor: Signer, patientCount: number): OtherClinic {
  const sign = <K extends OperationKind>(kind: K, payload: OperationPayload<K>, ...signers: readonly [Signer, ...Signer[]]) =>
    signed(config, random, kind, payload, ...signers);
  const organization = random.hex(32);
  const doctor = person(random);
  const patients = Array.from({ length: patientCount }, () => ({ signer: person(random), compartment: random.hex(32) }));
  const digests = {
    ...{ encryptionKey: random.hex(32), organizationKey: random.hex(32), profile: random.hex(32) },
    ...{ adminProfile: random.hex(32), keyEnvelope: random.hex(32) },
  };
  const terms = { access: accessBits.read | accessBits.write, purpose: purposes.treatment, validFrom: 0, validUntil: 0, epoch: 0 };
  const roles = roleBits.admin | roleBits.registrar | roleBits.practitioner;
  let next = 0;
  return {
    founding: [
      sign('AdmitOrganization', { organization, admin: doctor.account, ...digests }, governor),
      sign('ChangeMember', { organization, member: doctor.account, roles }, doctor),
      ...patients.flatMap(({ signer, compartment }) => [
        sign('RegisterPatient', { organization, patient: signer.account, encryptionKey: random.hex(32) }, doctor, signer),
        sign(
          'Grant',
          { patient: signer.account, compartment, grantee: granteeOfAccount(doctor.account), ...terms, envelope: random.hex(32) },
          signer,
        ),
      ]),
    ],
    commit() {
      const { signer, compartment } = patients[next++ % patients.length] ?? { signer: doctor, compartment: zero32 };
      return sign('Commit', { patient: signer.account, compartment, epoch: 0, organization: zero32, commit: random.hex(32) }, doctor);
    },
  };
}
