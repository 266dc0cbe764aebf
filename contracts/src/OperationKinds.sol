// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperationTypes} from "./OperationTypes.sol";

/// @title The kinds of operations.
/// @notice For each its number, module, co-signers, and the width of each payload field.
/// @dev Mirrors `src-shared/operations.ts`, the single source; a test compares the type hashes of both.
///
/// A kind's form is one word, read from its low end: byte 0 module, byte 1 co-signing rule, byte 2 number of fields, byte 3
/// place of the co-signer's field and byte 4 place of the organization's (both counted from 1; 0: there is none), and from
/// byte 5 on, for each field in order, the number of its upper bits that must be zero.
library OperationKinds {
    /// @dev Modules, by their index in the gateway.
    uint8 internal constant DIRECTORY = 0;
    uint8 internal constant IDENTIFIERS = 1;
    uint8 internal constant CONSENTS = 2;
    uint8 internal constant RECORDS = 3;
    uint8 internal constant AUDIT_TRAIL = 4;
    uint8 internal constant MODULE_COUNT = 5;
    /// @dev What the gateway holds itself.
    uint8 internal constant GATEWAY = 5;

    /// @dev Who signs besides the actor: nobody; the account that a field names, with the key it has; a key that a field
    /// names and that is to become an account's; governors up to the threshold.
    uint8 internal constant COSIGNED_BY_NOBODY = 0;
    uint8 internal constant COSIGNED_BY_ACCOUNT = 1;
    uint8 internal constant COSIGNED_BY_GOVERNORS = 2;
    uint8 internal constant COSIGNED_BY_NEW_KEY = 3;

    uint8 internal constant ADMIT_ORGANIZATION = 1;
    uint8 internal constant SUSPEND_ORGANIZATION = 2;
    uint8 internal constant ENROL_MEMBER = 3;
    uint8 internal constant CHANGE_MEMBER = 4;
    uint8 internal constant SUSPEND_MEMBER = 5;
    uint8 internal constant REGISTER_PATIENT = 6;
    uint8 internal constant ROTATE_KEYS = 7;
    uint8 internal constant SET_RECOVERY = 8;
    uint8 internal constant PROPOSE_RECOVERY = 9;
    uint8 internal constant APPROVE_RECOVERY = 10;
    uint8 internal constant VETO_RECOVERY = 11;
    uint8 internal constant COMPLETE_RECOVERY = 12;
    uint8 internal constant RECOGNIZE_PREDECESSOR = 13;
    uint8 internal constant CHANGE_GOVERNOR = 14;
    uint8 internal constant ROTATE_ORGANIZATION_KEY = 15;
    uint8 internal constant CLAIM_IDENTIFIER = 20;
    uint8 internal constant RELEASE_IDENTIFIER = 21;
    uint8 internal constant ROTATE_IDENTIFIER_KEY = 22;
    uint8 internal constant DEFINE_NAMESPACE = 23;
    uint8 internal constant DEFINE_COMMON_NAMESPACE = 24;
    uint8 internal constant CLAIM_IN_NAMESPACE = 25;
    uint8 internal constant LINK_PATIENTS = 26;
    uint8 internal constant UNLINK_PATIENTS = 27;
    uint8 internal constant GRANT = 40;
    uint8 internal constant REVOKE = 41;
    uint8 internal constant CHANGE_GRANT = 42;
    uint8 internal constant REQUEST_ACCESS = 43;
    uint8 internal constant APPROVE_REQUEST = 44;
    uint8 internal constant DECLINE_REQUEST = 45;
    uint8 internal constant APPOINT_DELEGATE = 46;
    uint8 internal constant DISMISS_DELEGATE = 47;
    uint8 internal constant SWITCH_EMERGENCY = 48;
    uint8 internal constant OPEN_EMERGENCY = 49;
    uint8 internal constant COMMIT = 60;
    uint8 internal constant CHECKPOINT = 80;

    // Upper bits that must be zero, by field type.
    uint256 private constant BYTES32 = 0;
    uint256 private constant ADDRESS = 96;
    uint256 private constant UINT64 = 192;
    uint256 private constant UINT32 = 224;
    uint256 private constant UINT8 = 248;

    uint256 private constant ADMIT_ORGANIZATION_FORM = DIRECTORY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 7 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | BYTES32 << 56 | BYTES32 << 64 | BYTES32 << 72 | BYTES32 << 80
        | BYTES32 << 88;
    uint256 private constant SUSPEND_ORGANIZATION_FORM = DIRECTORY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 2 << 16 | 1 << 32
        | BYTES32 << 40 | UINT8 << 48;
    uint256 private constant ENROL_MEMBER_FORM = DIRECTORY | 6 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | UINT8 << 56 | BYTES32 << 64 | BYTES32 << 72 | BYTES32 << 80;
    uint256 private constant CHANGE_MEMBER_FORM = DIRECTORY | 3 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | UINT8 << 56;
    uint256 private constant SUSPEND_MEMBER_FORM = DIRECTORY | 3 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | UINT8 << 56;
    uint256 private constant REGISTER_PATIENT_FORM = DIRECTORY | uint256(COSIGNED_BY_ACCOUNT) << 8 | 3 << 16 | 2 << 24 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | BYTES32 << 56;
    uint256 private constant ROTATE_KEYS_FORM = DIRECTORY | uint256(COSIGNED_BY_NEW_KEY) << 8 | 2 << 16 | 1 << 24
        | ADDRESS << 40 | BYTES32 << 48;
    uint256 private constant SET_RECOVERY_FORM = DIRECTORY | 8 << 16
        | ADDRESS << 40 | ADDRESS << 48 | ADDRESS << 56 | ADDRESS << 64 | ADDRESS << 72 | UINT8 << 80
        | UINT32 << 88 | UINT32 << 96;
    uint256 private constant PROPOSE_RECOVERY_FORM = DIRECTORY | uint256(COSIGNED_BY_NEW_KEY) << 8 | 3 << 16 | 2 << 24
        | ADDRESS << 40 | ADDRESS << 48 | BYTES32 << 56;
    uint256 private constant APPROVE_RECOVERY_FORM = DIRECTORY | 2 << 16
        | ADDRESS << 40 | BYTES32 << 48;
    uint256 private constant VETO_RECOVERY_FORM = DIRECTORY | 1 << 16
        | ADDRESS << 40;
    uint256 private constant COMPLETE_RECOVERY_FORM = DIRECTORY | 2 << 16
        | ADDRESS << 40 | BYTES32 << 48;
    uint256 private constant RECOGNIZE_PREDECESSOR_FORM = GATEWAY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 3 << 16 | 1 << 32
        | BYTES32 << 40 | BYTES32 << 48 | UINT64 << 56;
    uint256 private constant CHANGE_GOVERNOR_FORM = GATEWAY | uint256(COSIGNED_BY_GOVERNORS) << 8 | 3 << 16
        | ADDRESS << 40 | UINT8 << 48 | UINT8 << 56;
    uint256 private constant ROTATE_ORGANIZATION_KEY_FORM = DIRECTORY | 4 << 16 | 1 << 32
        | BYTES32 << 40 | UINT8 << 48 | BYTES32 << 56 | BYTES32 << 64;
    uint256 private constant CLAIM_IDENTIFIER_FORM = IDENTIFIERS | 3 << 16
        | ADDRESS << 40 | BYTES32 << 48 | UINT32 << 56;
    uint256 private constant RELEASE_IDENTIFIER_FORM = IDENTIFIERS | 2 << 16
        | ADDRESS << 40 | BYTES32 << 48;
    uint256 private constant ROTATE_IDENTIFIER_KEY_FORM = IDENTIFIERS | uint256(COSIGNED_BY_GOVERNORS) << 8 | 2 << 16
        | UINT32 << 40 | BYTES32 << 48;
    uint256 private constant DEFINE_NAMESPACE_FORM = IDENTIFIERS | 3 << 16 | 1 << 32
        | BYTES32 << 40 | BYTES32 << 48 | BYTES32 << 56;
    uint256 private constant DEFINE_COMMON_NAMESPACE_FORM = IDENTIFIERS | uint256(COSIGNED_BY_GOVERNORS) << 8 | 2 << 16
        | BYTES32 << 40 | BYTES32 << 48;
    uint256 private constant CLAIM_IN_NAMESPACE_FORM = IDENTIFIERS | 4 << 16
        | BYTES32 << 40 | ADDRESS << 48 | BYTES32 << 56 | UINT32 << 64;
    uint256 private constant LINK_PATIENTS_FORM = IDENTIFIERS | 4 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | ADDRESS << 56 | BYTES32 << 64;
    uint256 private constant UNLINK_PATIENTS_FORM = IDENTIFIERS | 3 << 16 | 1 << 32
        | BYTES32 << 40 | ADDRESS << 48 | BYTES32 << 56;
    uint256 private constant GRANT_FORM = CONSENTS | 9 << 16
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT8 << 64 | UINT8 << 72 | UINT64 << 80
        | UINT64 << 88 | UINT32 << 96 | BYTES32 << 104;
    uint256 private constant REVOKE_FORM = CONSENTS | 5 << 16
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT32 << 64 | BYTES32 << 72;
    uint256 private constant CHANGE_GRANT_FORM = CONSENTS | 8 << 16
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT8 << 64 | UINT8 << 72 | UINT64 << 80
        | UINT64 << 88 | UINT32 << 96;
    uint256 private constant REQUEST_ACCESS_FORM = CONSENTS | 7 << 16 | 3 << 32
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT8 << 64 | UINT8 << 72 | UINT64 << 80
        | BYTES32 << 88;
    uint256 private constant APPROVE_REQUEST_FORM = CONSENTS | 9 << 16
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT8 << 64 | UINT8 << 72 | UINT64 << 80
        | UINT64 << 88 | UINT32 << 96 | BYTES32 << 104;
    uint256 private constant DECLINE_REQUEST_FORM = CONSENTS | 3 << 16
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56;
    uint256 private constant APPOINT_DELEGATE_FORM = CONSENTS | 7 << 16
        | ADDRESS << 40 | ADDRESS << 48 | BYTES32 << 56 | UINT8 << 64 | UINT8 << 72 | UINT64 << 80
        | UINT32 << 88;
    uint256 private constant DISMISS_DELEGATE_FORM = CONSENTS | 4 << 16
        | ADDRESS << 40 | ADDRESS << 48 | BYTES32 << 56 | UINT32 << 64;
    uint256 private constant SWITCH_EMERGENCY_FORM = CONSENTS | 3 << 16
        | ADDRESS << 40 | UINT8 << 48 | UINT32 << 56;
    uint256 private constant OPEN_EMERGENCY_FORM = CONSENTS | 4 << 16 | 2 << 32
        | ADDRESS << 40 | BYTES32 << 48 | BYTES32 << 56 | UINT32 << 64;
    uint256 private constant COMMIT_FORM = RECORDS | 5 << 16 | 4 << 32
        | ADDRESS << 40 | BYTES32 << 48 | UINT32 << 56 | BYTES32 << 64 | BYTES32 << 72;
    uint256 private constant CHECKPOINT_FORM = AUDIT_TRAIL | 4 << 16 | 1 << 32
        | BYTES32 << 40 | BYTES32 << 48 | UINT64 << 56 | BYTES32 << 64;

    /// @notice What the gateway must know of a kind.
    /// @param kind Number of the kind.
    /// @return typeHash EIP-712 type hash; zero where no kind has this number.
    /// @return form Form word, as above.
    function describe(uint8 kind) internal pure returns (bytes32 typeHash, uint256 form) {
        // The kinds that are met most come first.
        if (kind == COMMIT) return (OperationTypes.COMMIT, COMMIT_FORM);
        if (kind == GRANT) return (OperationTypes.GRANT, GRANT_FORM);
        if (kind == REVOKE) return (OperationTypes.REVOKE, REVOKE_FORM);
        if (kind == REGISTER_PATIENT) return (OperationTypes.REGISTER_PATIENT, REGISTER_PATIENT_FORM);
        if (kind == CLAIM_IDENTIFIER) return (OperationTypes.CLAIM_IDENTIFIER, CLAIM_IDENTIFIER_FORM);
        if (kind == CHECKPOINT) return (OperationTypes.CHECKPOINT, CHECKPOINT_FORM);
        if (kind < CLAIM_IDENTIFIER) return _describeDirectory(kind);
        return _describeOthers(kind);
    }

    function _describeDirectory(uint8 kind) private pure returns (bytes32 typeHash, uint256 form) {
        if (kind == ADMIT_ORGANIZATION) return (OperationTypes.ADMIT_ORGANIZATION, ADMIT_ORGANIZATION_FORM);
        if (kind == SUSPEND_ORGANIZATION) return (OperationTypes.SUSPEND_ORGANIZATION, SUSPEND_ORGANIZATION_FORM);
        if (kind == ENROL_MEMBER) return (OperationTypes.ENROL_MEMBER, ENROL_MEMBER_FORM);
        if (kind == CHANGE_MEMBER) return (OperationTypes.CHANGE_MEMBER, CHANGE_MEMBER_FORM);
        if (kind == SUSPEND_MEMBER) return (OperationTypes.SUSPEND_MEMBER, SUSPEND_MEMBER_FORM);
        if (kind == ROTATE_KEYS) return (OperationTypes.ROTATE_KEYS, ROTATE_KEYS_FORM);
        if (kind == SET_RECOVERY) return (OperationTypes.SET_RECOVERY, SET_RECOVERY_FORM);
        if (kind == PROPOSE_RECOVERY) return (OperationTypes.PROPOSE_RECOVERY, PROPOSE_RECOVERY_FORM);
        if (kind == APPROVE_RECOVERY) return (OperationTypes.APPROVE_RECOVERY, APPROVE_RECOVERY_FORM);
        if (kind == VETO_RECOVERY) return (OperationTypes.VETO_RECOVERY, VETO_RECOVERY_FORM);
        if (kind == COMPLETE_RECOVERY) return (OperationTypes.COMPLETE_RECOVERY, COMPLETE_RECOVERY_FORM);
        if (kind == RECOGNIZE_PREDECESSOR) return (OperationTypes.RECOGNIZE_PREDECESSOR, RECOGNIZE_PREDECESSOR_FORM);
        if (kind == CHANGE_GOVERNOR) return (OperationTypes.CHANGE_GOVERNOR, CHANGE_GOVERNOR_FORM);
        if (kind == ROTATE_ORGANIZATION_KEY) return (OperationTypes.ROTATE_ORGANIZATION_KEY, ROTATE_ORGANIZATION_KEY_FORM);
    }

    function _describeOthers(uint8 kind) private pure returns (bytes32 typeHash, uint256 form) {
        if (kind == RELEASE_IDENTIFIER) return (OperationTypes.RELEASE_IDENTIFIER, RELEASE_IDENTIFIER_FORM);
        if (kind == ROTATE_IDENTIFIER_KEY) return (OperationTypes.ROTATE_IDENTIFIER_KEY, ROTATE_IDENTIFIER_KEY_FORM);
        if (kind == DEFINE_NAMESPACE) return (OperationTypes.DEFINE_NAMESPACE, DEFINE_NAMESPACE_FORM);
        if (kind == DEFINE_COMMON_NAMESPACE) return (OperationTypes.DEFINE_COMMON_NAMESPACE, DEFINE_COMMON_NAMESPACE_FORM);
        if (kind == CLAIM_IN_NAMESPACE) return (OperationTypes.CLAIM_IN_NAMESPACE, CLAIM_IN_NAMESPACE_FORM);
        if (kind == LINK_PATIENTS) return (OperationTypes.LINK_PATIENTS, LINK_PATIENTS_FORM);
        if (kind == UNLINK_PATIENTS) return (OperationTypes.UNLINK_PATIENTS, UNLINK_PATIENTS_FORM);
        if (kind == CHANGE_GRANT) return (OperationTypes.CHANGE_GRANT, CHANGE_GRANT_FORM);
        if (kind == REQUEST_ACCESS) return (OperationTypes.REQUEST_ACCESS, REQUEST_ACCESS_FORM);
        if (kind == APPROVE_REQUEST) return (OperationTypes.APPROVE_REQUEST, APPROVE_REQUEST_FORM);
        if (kind == DECLINE_REQUEST) return (OperationTypes.DECLINE_REQUEST, DECLINE_REQUEST_FORM);
        if (kind == APPOINT_DELEGATE) return (OperationTypes.APPOINT_DELEGATE, APPOINT_DELEGATE_FORM);
        if (kind == DISMISS_DELEGATE) return (OperationTypes.DISMISS_DELEGATE, DISMISS_DELEGATE_FORM);
        if (kind == SWITCH_EMERGENCY) return (OperationTypes.SWITCH_EMERGENCY, SWITCH_EMERGENCY_FORM);
        if (kind == OPEN_EMERGENCY) return (OperationTypes.OPEN_EMERGENCY, OPEN_EMERGENCY_FORM);
    }

    /// @notice Index of the module that holds a kind; {GATEWAY} where the gateway holds it itself.
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

    /// @notice Account or key in the co-signer's field.
    /// @dev For kinds that have one, and a payload of the kind's length.
    function cosignerIn(uint256 form, bytes calldata payload) internal pure returns (address) {
        return address(uint160(uint256(_wordAt(payload, uint8(form >> 24) - 1))));
    }

    /// @notice Organization that an operation names; zero where its kind names none.
    function organizationIn(uint256 form, bytes calldata payload) internal pure returns (bytes32) {
        uint256 place = uint8(form >> 32);
        return place == 0 ? bytes32(0) : _wordAt(payload, place - 1);
    }

    /// @notice Index of the first field whose unused upper bits are not zero, or the number of fields where all are in range.
    /// @dev EIP-712 hashes the 32 bytes as they stand, so bits that a decoder would drop must not be there at all.
    function firstOutOfRange(uint256 form, bytes calldata payload) internal pure returns (uint256 index) {
        uint256 count = fieldCountOf(form);
        uint256 unused = form >> 40;
        unchecked {
            // While an unchecked field has a narrow type. The caller has checked the payload's length.
            while (unused != 0) {
                // A shift by 256 bits gives 0: a bytes32 is always in range.
                if (uint256(_wordAt(payload, index)) >> (256 - (unused & 0xff)) != 0) return index;
                unused >>= 8;
                ++index;
            }
        }
        return count;
    }

    /// @dev Without a look at the payload's length, which the caller has checked.
    function _wordAt(bytes calldata payload, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(payload.offset, shl(5, index)))
        }
    }
}
