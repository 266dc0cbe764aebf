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
  SuspendOrganization: { code: 2, contract: 'Directory', fields: [field('organization', 'bytes32'), field('suspended', 'uint8')] },
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
  RotateKeys: { code: 7, contract: 'Directory', fields: [field('signer', 'address'), field('encryptionKey', 'bytes32')] },
  SetRecovery: {
    code: 8,
    contract: 'Directory',
    fields: [
      field('guardian1', 'address'),
      field('guardian2', 'address'),
      field('guardian3', 'address'),
      field('guardian4', 'address'),
      field('guardian5', 'address'),
      field('threshold', 'uint8'),
      field('delay', 'uint32'),
      field('round', 'uint32'),
    ],
  },
  ProposeRecovery: {
    code: 9,
    contract: 'Directory',
    fields: [field('account', 'address'), field('signer', 'address'), field('encryptionKey', 'bytes32')],
  },
  ApproveRecovery: { code: 10, contract: 'Directory', fields: [field('account', 'address'), field('proposal', 'bytes32')] },
  VetoRecovery: { code: 11, contract: 'Directory', fields: [field('account', 'address')] },
  CompleteRecovery: { code: 12, contract: 'Directory', fields: [field('account', 'address'), field('proposal', 'bytes32')] },
  RecognizePredecessor: {
    code: 13,
    contract: 'Operations',
    fields: [field('organization', 'bytes32'), field('domain', 'bytes32'), field('acceptedUntil', 'uint64')],
  },
  ChangeGovernor: {
    code: 14,
    contract: 'Operations',
    fields: [field('governor', 'address'), field('governing', 'uint8'), field('threshold', 'uint8')],
  },
  RotateOrganizationKey: {
    code: 15,
    contract: 'Directory',
    fields: [field('organization', 'bytes32'), field('purpose', 'uint8'), field('publicKey', 'bytes32'), field('keyEnvelope', 'bytes32')],
  },
  ClaimIdentifier: {
    code: 20,
    contract: 'Identifiers',
    fields: [field('account', 'address'), field('identifier', 'bytes32'), field('keyVersion', 'uint32')],
  },
  ReleaseIdentifier: { code: 21, contract: 'Identifiers', fields: [field('account', 'address'), field('identifier', 'bytes32')] },
  RotateIdentifierKey: { code: 22, contract: 'Identifiers', fields: [field('keyVersion', 'uint32'), field('keyDigest', 'bytes32')] },
  DefineNamespace: {
    code: 23,
    contract: 'Identifiers',
    fields: [field('organization', 'bytes32'), field('namespace', 'bytes32'), field('document', 'bytes32')],
  },
  DefineCommonNamespace: { code: 24, contract: 'Identifiers', fields: [field('namespace', 'bytes32'), field('document', 'bytes32')] },
  ClaimInNamespace: {
    code: 25,
    contract: 'Identifiers',
    fields: [field('namespace', 'bytes32'), field('account', 'address'), field('identifier', 'bytes32'), field('keyVersion', 'uint32')],
  },
  LinkPatients: {
    code: 26,
    contract: 'Identifiers',
    fields: [field('organization', 'bytes32'), field('duplicate', 'address'), field('survivor', 'address'), field('reason', 'bytes32')],
  },
  UnlinkPatients: {
    code: 27,
    contract: 'Identifiers',
    fields: [field('organization', 'bytes32'), field('duplicate', 'address'), field('reason', 'bytes32')],
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
  ChangeGrant: {
    code: 42,
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
    ],
  },
  RequestAccess: {
    code: 43,
    contract: 'Consents',
    fields: [
      field('patient', 'address'),
      field('compartment', 'bytes32'),
      field('organization', 'bytes32'),
      field('access', 'uint8'),
      field('purpose', 'uint8'),
      field('validUntil', 'uint64'),
      field('reason', 'bytes32'),
    ],
  },
  ApproveRequest: {
    code: 44,
    contract: 'Consents',
    fields: [
      field('patient', 'address'),
      field('request', 'bytes32'),
      field('compartment', 'bytes32'),
      field('access', 'uint8'),
      field('purpose', 'uint8'),
      field('validFrom', 'uint64'),
      field('validUntil', 'uint64'),
      field('epoch', 'uint32'),
      field('envelope', 'bytes32'),
    ],
  },
  DeclineRequest: {
    code: 45,
    contract: 'Consents',
    fields: [field('patient', 'address'), field('request', 'bytes32'), field('reason', 'bytes32')],
  },
  AppointDelegate: {
    code: 46,
    contract: 'Consents',
    fields: [
      field('patient', 'address'),
      field('delegate', 'address'),
      field('compartment', 'bytes32'),
      field('capacity', 'uint8'),
      field('powers', 'uint8'),
      field('validUntil', 'uint64'),
      field('sequence', 'uint32'),
    ],
  },
  DismissDelegate: {
    code: 47,
    contract: 'Consents',
    fields: [field('patient', 'address'), field('delegate', 'address'), field('compartment', 'bytes32'), field('sequence', 'uint32')],
  },
  SwitchEmergency: {
    code: 48,
    contract: 'Consents',
    fields: [field('patient', 'address'), field('allowed', 'uint8'), field('sequence', 'uint32')],
  },
  OpenEmergency: {
    code: 49,
    contract: 'Consents',
    fields: [field('patient', 'address'), field('organization', 'bytes32'), field('reason', 'bytes32'), field('duration', 'uint32')],
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
  Checkpoint: {
    code: 80,
    contract: 'AuditTrail',
    fields: [field('organization', 'bytes32'), field('workstation', 'bytes32'), field('sequence', 'uint64'), field('head', 'bytes32')],
  },
} as const satisfies Record<string, { code: number; contract: string; fields: readonly OperationField[] }>;

export type OperationKind = keyof typeof operationKinds;

/** `access` bits of a grant. */
export const accessBits = { read: 1, write: 2 } as const;

/** `purpose` of a grant (HL7 v3 PurposeOfUse, the values a clinic meets). */
export const purposes = { treatment: 1, payment: 2, operations: 3, research: 4, publicHealth: 5, emergency: 6 } as const;
export type Purpose = keyof typeof purposes;

/** `capacity` of an appointment. */
export const capacities = { guardian: 1, delegate: 2 } as const;
export type Capacity = keyof typeof capacities;

/** `powers` bits of an appointment. */
export const powerBits = { share: 1, revoke: 2, emergency: 4 } as const;
export type Power = keyof typeof powerBits;

/** Names of the powers set in a bit mask, in table order. */
export function powersOf(bits: number): Power[] {
  return (Object.keys(powerBits) as Power[]).filter((power) => (bits & powerBits[power]) !== 0);
}

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

/** Of `SetRecovery`: how many guardians there can be, and the seconds that may lie between their agreement and the change. */
export const recoveryLimits = { guardians: 5, minDelay: 86_400, maxDelay: 90 * 86_400 } as const;

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
