// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The kinds of operations.
/// @notice For each its number, EIP-712 type, module, co-signers, and the width of each payload field.
/// @dev Mirrors `src-shared/operations.ts`, the single source; a test compares the type hashes of both.
///
/// A kind's form is one word, read from its low end: byte 0 module, byte 1 co-signing rule, byte 2 number of fields, and
/// from byte 3 on, for each field in order, the number of its upper bits that must be zero.
library OperationKinds {
    /// @dev Modules, by their index in the gateway.
    uint8 internal constant DIRECTORY = 0;
    uint8 internal constant IDENTIFIERS = 1;
    uint8 internal constant CONSENTS = 2;
    uint8 internal constant RECORDS = 3;
    uint8 internal constant AUDIT_TRAIL = 4;
    uint8 internal constant MODULE_COUNT = 5;

    /// @dev Who signs besides the actor.
    uint8 internal constant COSIGNED_BY_NOBODY = 0;
    uint8 internal constant COSIGNED_BY_PATIENT = 1;
    uint8 internal constant COSIGNED_BY_GOVERNORS = 2;

    uint8 internal constant ADMIT_ORGANIZATION = 1;
    uint8 internal constant SUSPEND_ORGANIZATION = 2;
    uint8 internal constant ENROL_MEMBER = 3;
    uint8 internal constant CHANGE_MEMBER = 4;
    uint8 internal constant SUSPEND_MEMBER = 5;
    uint8 internal constant REGISTER_PATIENT = 6;
    uint8 internal constant CLAIM_IDENTIFIER = 20;
    uint8 internal constant RELEASE_IDENTIFIER = 21;
    uint8 internal constant GRANT = 40;
    uint8 internal constant REVOKE = 41;
    uint8 internal constant COMMIT = 60;
    uint8 internal constant CHECKPOINT = 80;

    bytes32 private constant ADMIT_ORGANIZATION_TYPE = keccak256(
        "AdmitOrganization(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address admin,bytes32 encryptionKey,bytes32 organizationKey,bytes32 profile,bytes32 adminProfile,bytes32 keyEnvelope)"
    );
    bytes32 private constant SUSPEND_ORGANIZATION_TYPE = keccak256(
        "SuspendOrganization(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,uint8 suspended)"
    );
    bytes32 private constant ENROL_MEMBER_TYPE = keccak256(
        "EnrolMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 roles,bytes32 encryptionKey,bytes32 profile,bytes32 keyEnvelope)"
    );
    bytes32 private constant CHANGE_MEMBER_TYPE = keccak256(
        "ChangeMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 roles)"
    );
    bytes32 private constant SUSPEND_MEMBER_TYPE = keccak256(
        "SuspendMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 suspended)"
    );
    bytes32 private constant REGISTER_PATIENT_TYPE = keccak256(
        "RegisterPatient(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address patient,bytes32 encryptionKey)"
    );
    bytes32 private constant CLAIM_IDENTIFIER_TYPE = keccak256(
        "ClaimIdentifier(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 identifier,uint32 keyVersion)"
    );
    bytes32 private constant RELEASE_IDENTIFIER_TYPE = keccak256(
        "ReleaseIdentifier(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 identifier)"
    );
    bytes32 private constant GRANT_TYPE = keccak256(
        "Grant(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 grantee,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch,bytes32 envelope)"
    );
    bytes32 private constant REVOKE_TYPE = keccak256(
        "Revoke(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 grantee,uint32 epoch,bytes32 envelope)"
    );
    bytes32 private constant COMMIT_TYPE = keccak256(
        "Commit(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,uint32 epoch,bytes32 organization,bytes32 commit)"
    );
    bytes32 private constant CHECKPOINT_TYPE = keccak256(
        "Checkpoint(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 workstation,uint64 sequence,bytes32 head)"
    );

    // Upper bits that must be zero, by field type.
    uint256 private constant BYTES32 = 0;
    uint256 private constant ADDRESS = 96;
    uint256 private constant UINT64 = 192;
    uint256 private constant UINT32 = 224;
    uint256 private constant UINT8 = 248;

    // prettier-ignore
    uint256 private constant ADMIT_ORGANIZATION_FORM = DIRECTORY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 7 << 16
        | BYTES32 << 24 | ADDRESS << 32 | BYTES32 << 40 | BYTES32 << 48 | BYTES32 << 56 | BYTES32 << 64 | BYTES32 << 72;
    uint256 private constant SUSPEND_ORGANIZATION_FORM = DIRECTORY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 2 << 16
        | BYTES32 << 24 | UINT8 << 32;
    uint256 private constant ENROL_MEMBER_FORM = DIRECTORY | 6 << 16
        | BYTES32 << 24 | ADDRESS << 32 | UINT8 << 40 | BYTES32 << 48 | BYTES32 << 56 | BYTES32 << 64;
    uint256 private constant CHANGE_MEMBER_FORM = DIRECTORY | 3 << 16
        | BYTES32 << 24 | ADDRESS << 32 | UINT8 << 40;
    uint256 private constant REGISTER_PATIENT_FORM = DIRECTORY | uint256(COSIGNED_BY_PATIENT) << 8 | 3 << 16
        | BYTES32 << 24 | ADDRESS << 32 | BYTES32 << 40;
    uint256 private constant CLAIM_IDENTIFIER_FORM = IDENTIFIERS | 3 << 16
        | ADDRESS << 24 | BYTES32 << 32 | UINT32 << 40;
    uint256 private constant RELEASE_IDENTIFIER_FORM = IDENTIFIERS | 2 << 16
        | ADDRESS << 24 | BYTES32 << 32;
    uint256 private constant GRANT_FORM = CONSENTS | 9 << 16
        | ADDRESS << 24 | BYTES32 << 32 | BYTES32 << 40 | UINT8 << 48 | UINT8 << 56
        | UINT64 << 64 | UINT64 << 72 | UINT32 << 80 | BYTES32 << 88;
    uint256 private constant REVOKE_FORM = CONSENTS | 5 << 16
        | ADDRESS << 24 | BYTES32 << 32 | BYTES32 << 40 | UINT32 << 48 | BYTES32 << 56;
    uint256 private constant COMMIT_FORM = RECORDS | 5 << 16
        | ADDRESS << 24 | BYTES32 << 32 | UINT32 << 40 | BYTES32 << 48 | BYTES32 << 56;
    uint256 private constant CHECKPOINT_FORM = AUDIT_TRAIL | 3 << 16
        | BYTES32 << 24 | UINT64 << 32 | BYTES32 << 40;

    /// @notice What the gateway must know of a kind.
    /// @param kind Number of the kind.
    /// @return typeHash EIP-712 type hash; zero where no kind has this number.
    /// @return form Form word, as above.
    function describe(uint8 kind) internal pure returns (bytes32 typeHash, uint256 form) {
        // The kinds that are met most come first.
        if (kind == COMMIT) return (COMMIT_TYPE, COMMIT_FORM);
        if (kind == GRANT) return (GRANT_TYPE, GRANT_FORM);
        if (kind == REVOKE) return (REVOKE_TYPE, REVOKE_FORM);
        if (kind == REGISTER_PATIENT) return (REGISTER_PATIENT_TYPE, REGISTER_PATIENT_FORM);
        if (kind == CLAIM_IDENTIFIER) return (CLAIM_IDENTIFIER_TYPE, CLAIM_IDENTIFIER_FORM);
        if (kind == RELEASE_IDENTIFIER) return (RELEASE_IDENTIFIER_TYPE, RELEASE_IDENTIFIER_FORM);
        if (kind == CHECKPOINT) return (CHECKPOINT_TYPE, CHECKPOINT_FORM);
        if (kind == ENROL_MEMBER) return (ENROL_MEMBER_TYPE, ENROL_MEMBER_FORM);
        // ChangeMember and SuspendMember have fields of the same widths.
        if (kind == CHANGE_MEMBER) return (CHANGE_MEMBER_TYPE, CHANGE_MEMBER_FORM);
        if (kind == SUSPEND_MEMBER) return (SUSPEND_MEMBER_TYPE, CHANGE_MEMBER_FORM);
        if (kind == ADMIT_ORGANIZATION) return (ADMIT_ORGANIZATION_TYPE, ADMIT_ORGANIZATION_FORM);
        if (kind == SUSPEND_ORGANIZATION) return (SUSPEND_ORGANIZATION_TYPE, SUSPEND_ORGANIZATION_FORM);
    }

    /// @notice Index of the module that holds a kind.
    function moduleOf(uint256 form) internal pure returns (uint8) {
        return uint8(form);
    }

    /// @notice Co-signing rule of a kind.
    function cosigningOf(uint256 form) internal pure returns (uint8) {
        return uint8(form >> 8);
    }

    /// @notice Number of payload fields of a kind, 32 bytes each.
    function fieldCountOf(uint256 form) internal pure returns (uint256) {
        return uint8(form >> 16);
    }

    /// @notice Index of the first field whose unused upper bits are not zero, or the number of fields where all are in range.
    /// @dev EIP-712 hashes the 32 bytes as they stand, so bits that a decoder would drop must not be there at all.
    function firstOutOfRange(uint256 form, bytes calldata payload) internal pure returns (uint256 index) {
        uint256 count = fieldCountOf(form);
        uint256 unused = form >> 24;
        // While an unchecked field has a narrow type. The caller has checked the payload's length.
        for (index = 0; unused != 0; ++index) {
            uint256 word;
            assembly ("memory-safe") {
                word := calldataload(add(payload.offset, shl(5, index)))
            }
            // A shift by 256 bits gives 0: a bytes32 is always in range.
            if (word >> (256 - uint8(unused)) != 0) return index;
            unused >>= 8;
        }
        return count;
    }
}
