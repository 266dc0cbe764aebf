/**
 * The signed operations: every change of shared state is one of these, signed by its actor as EIP-712 typed data.
 *
 * This table is the single source for both sides: the core builds and checks operations with it, and the contracts' type hashes are
 * tested against it. All fields are static ABI types, so that `abi.encode(fields)` is at once the payload on the ledger and the tail
 * of EIP-712's encodeData (EIP-712, "Definition of encodeData").
 */

/** Static ABI types a payload field may have. */
export type OperationFieldType = 'address' | 'bytes32' | 'uint8' | 'uint32' | 'uint64';

export interface OperationField {
  readonly name: string;
  readonly type: OperationFieldType;
}

const field = <N extends string, T extends OperationFieldType>(name: N, type: T) => ({ name, type }) as const;

/** Fields that stand in front of every kind's own fields, in this order. */
export const operationHeader = [
  field('opId', 'bytes32'),
  field('actor', 'address'),
  field('issuedAt', 'uint64'),
  field('deadline', 'uint64'),
] as const;

/** Kinds with their number on the ledger, the contract that holds them, and their own fields. */
export const operationKinds = {
  AdmitOrganization: {
    code: 1,
    contract: 'Directory',
    fields: [
      field('organization', 'bytes32'),
      field('admin', 'address'),
      field('encryptionKey', 'bytes32'),
      field('organizationKey', 'bytes32'),
      field('profile', 'bytes32'),
      field('adminProfile', 'bytes32'),
      field('keyEnvelope', 'bytes32'),
    ],
  },
  SuspendOrganization: {
    code: 2,
    contract: 'Directory',
    fields: [field('organization', 'bytes32'), field('suspended', 'uint8')],
  },
  EnrolMember: {
    code: 3,
    contract: 'Directory',
    fields: [
      field('organization', 'bytes32'),
      field('member', 'address'),
      field('roles', 'uint8'),
      field('encryptionKey', 'bytes32'),
      field('profile', 'bytes32'),
      field('keyEnvelope', 'bytes32'),
    ],
  },
  ChangeMember: {
    code: 4,
    contract: 'Directory',
    fields: [field('organization', 'bytes32'), field('member', 'address'), field('roles', 'uint8')],
  },
  SuspendMember: {
    code: 5,
    contract: 'Directory',
    fields: [field('organization', 'bytes32'), field('member', 'address'), field('suspended', 'uint8')],
  },
  RegisterPatient: {
    code: 6,
    contract: 'Directory',
    fields: [field('organization', 'bytes32'), field('patient', 'address'), field('encryptionKey', 'bytes32')],
  },
  ClaimIdentifier: {
    code: 20,
    contract: 'Identifiers',
    fields: [field('account', 'address'), field('identifier', 'bytes32'), field('keyVersion', 'uint32')],
  },
  ReleaseIdentifier: {
    code: 21,
    contract: 'Identifiers',
    fields: [field('account', 'address'), field('identifier', 'bytes32')],
  },
  Grant: {
    code: 40,
    contract: 'Consents',
    fields: [
      field('patient', 'address'),
      field('compartment', 'bytes32'),
      field('grantee', 'bytes32'),
      field('access', 'uint8'),
      field('purpose', 'uint8'),
      field('validFrom', 'uint64'),
      field('validUntil', 'uint64'),
      field('epoch', 'uint32'),
      field('envelope', 'bytes32'),
    ],
  },
  Revoke: {
    code: 41,
    contract: 'Consents',
    fields: [
      field('patient', 'address'),
      field('compartment', 'bytes32'),
      field('grantee', 'bytes32'),
      field('epoch', 'uint32'),
      field('envelope', 'bytes32'),
    ],
  },
  Commit: {
    code: 60,
    contract: 'Records',
    fields: [
      field('patient', 'address'),
      field('compartment', 'bytes32'),
      field('epoch', 'uint32'),
      field('organization', 'bytes32'),
      field('commit', 'bytes32'),
    ],
  },
} as const satisfies Record<string, { code: number; contract: string; fields: readonly OperationField[] }>;

export type OperationKind = keyof typeof operationKinds;

/** `access` bits of a grant. */
export const accessBits = { read: 1, write: 2 } as const;

/** `purpose` of a grant (HL7 v3 PurposeOfUse, the values a clinic meets). */
export const purposes = { treatment: 1, payment: 2, operations: 3, research: 4, publicHealth: 5, emergency: 6 } as const;
export type Purpose = keyof typeof purposes;

/** Role bits of an organization's member. */
export const roleBits = { admin: 1, registrar: 2, practitioner: 4, auditor: 8 } as const;
export type Role = keyof typeof roleBits;

/** Names of the roles set in a bit mask, in table order. */
export function rolesOf(bits: number): Role[] {
  return (Object.keys(roleBits) as Role[]).filter((role) => (bits & roleBits[role]) !== 0);
}

/** Bit mask of the given roles. */
export function bitsOf(roles: readonly Role[]): number {
  return roles.reduce((bits, role) => bits | roleBits[role], 0);
}

type FieldValue<T extends OperationFieldType> = T extends 'address' | 'bytes32' ? string : number;

/** Values of one kind's own fields: addresses checksummed, bytes32 as 0x-prefixed lower-case hex, integers as numbers (seconds for times). */
export type OperationPayload<K extends OperationKind> = {
  [F in (typeof operationKinds)[K]['fields'][number] as F['name']]: FieldValue<F['type']>;
};

/** A signed operation as it travels: to the ledger, in an outbox, between peers. */
export interface SignedOperation {
  readonly kind: number;
  /** 0x-prefixed 32 random bytes; used once on a ledger. */
  readonly opId: string;
  readonly actor: string;
  /** Seconds since 1970; what the actor's clock claimed. */
  readonly issuedAt: number;
  /** Seconds since 1970; after it the ledger refuses the operation. */
  readonly deadline: number;
  /** 0x-prefixed `abi.encode` of the kind's fields. */
  readonly payload: string;
  /** 0x-prefixed signatures: the actor's first, then those of co-signers (the patient at registration, further governors). */
  readonly signatures: readonly string[];
}

/** EIP-712 `encodeType` string of a kind. */
export function encodeType(kind: OperationKind): string {
  const fields = [...operationHeader, ...operationKinds[kind].fields];
  return `${kind}(${fields.map((f) => `${f.type} ${f.name}`).join(',')})`;
}

/** The kind with a number, or undefined where none has it. */
export function kindOf(code: number): OperationKind | undefined {
  return (Object.keys(operationKinds) as OperationKind[]).find((kind) => operationKinds[kind].code === code);
}
