// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EIP-712 type hashes of the kinds of operations.
/// @notice Every type begins with opId, actor, issuedAt and deadline; the kind's own fields follow.
/// @dev Mirrors `src-shared/operations.ts`, the single source; a test compares both.
library OperationTypes {
    bytes32 internal constant ADMIT_ORGANIZATION = keccak256(
        "AdmitOrganization(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address admin,bytes32 encryptionKey,bytes32 organizationKey,bytes32 profile,bytes32 adminProfile,bytes32 keyEnvelope)"
    );
    bytes32 internal constant SUSPEND_ORGANIZATION = keccak256(
        "SuspendOrganization(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,uint8 suspended)"
    );
    bytes32 internal constant ENROL_MEMBER = keccak256(
        "EnrolMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 roles,bytes32 encryptionKey,bytes32 profile,bytes32 keyEnvelope)"
    );
    bytes32 internal constant CHANGE_MEMBER = keccak256(
        "ChangeMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 roles)"
    );
    bytes32 internal constant SUSPEND_MEMBER = keccak256(
        "SuspendMember(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address member,uint8 suspended)"
    );
    bytes32 internal constant REGISTER_PATIENT = keccak256(
        "RegisterPatient(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address patient,bytes32 encryptionKey)"
    );
    bytes32 internal constant ROTATE_KEYS = keccak256(
        "RotateKeys(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address signer,bytes32 encryptionKey)"
    );
    bytes32 internal constant SET_RECOVERY = keccak256(
        "SetRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address guardian1,address guardian2,address guardian3,address guardian4,address guardian5,uint8 threshold,uint32 delay,uint32 round)"
    );
    bytes32 internal constant PROPOSE_RECOVERY = keccak256(
        "ProposeRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,address signer,bytes32 encryptionKey)"
    );
    bytes32 internal constant APPROVE_RECOVERY = keccak256(
        "ApproveRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 proposal)"
    );
    bytes32 internal constant VETO_RECOVERY = keccak256(
        "VetoRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account)"
    );
    bytes32 internal constant COMPLETE_RECOVERY = keccak256(
        "CompleteRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 proposal)"
    );
    bytes32 internal constant RECOGNIZE_PREDECESSOR = keccak256(
        "RecognizePredecessor(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,bytes32 domain,uint64 acceptedUntil)"
    );
    bytes32 internal constant CHANGE_GOVERNOR = keccak256(
        "ChangeGovernor(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address governor,uint8 governing,uint8 threshold)"
    );
    bytes32 internal constant ROTATE_ORGANIZATION_KEY = keccak256(
        "RotateOrganizationKey(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,uint8 purpose,bytes32 publicKey,bytes32 keyEnvelope)"
    );
    bytes32 internal constant CLAIM_IDENTIFIER = keccak256(
        "ClaimIdentifier(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 identifier,uint32 keyVersion)"
    );
    bytes32 internal constant RELEASE_IDENTIFIER = keccak256(
        "ReleaseIdentifier(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account,bytes32 identifier)"
    );
    bytes32 internal constant ROTATE_IDENTIFIER_KEY = keccak256(
        "RotateIdentifierKey(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,uint32 keyVersion,bytes32 keyDigest)"
    );
    bytes32 internal constant DEFINE_NAMESPACE = keccak256(
        "DefineNamespace(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,bytes32 namespace,bytes32 document)"
    );
    bytes32 internal constant DEFINE_COMMON_NAMESPACE = keccak256(
        "DefineCommonNamespace(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 namespace,bytes32 document)"
    );
    bytes32 internal constant CLAIM_IN_NAMESPACE = keccak256(
        "ClaimInNamespace(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 namespace,address account,bytes32 identifier,uint32 keyVersion)"
    );
    bytes32 internal constant LINK_PATIENTS = keccak256(
        "LinkPatients(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address duplicate,address survivor,bytes32 reason)"
    );
    bytes32 internal constant UNLINK_PATIENTS = keccak256(
        "UnlinkPatients(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,address duplicate,bytes32 reason)"
    );
    bytes32 internal constant GRANT = keccak256(
        "Grant(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 grantee,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch,bytes32 envelope)"
    );
    bytes32 internal constant REVOKE = keccak256(
        "Revoke(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 grantee,uint32 epoch,bytes32 envelope)"
    );
    bytes32 internal constant CHANGE_GRANT = keccak256(
        "ChangeGrant(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 grantee,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch)"
    );
    bytes32 internal constant REQUEST_ACCESS = keccak256(
        "RequestAccess(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,bytes32 organization,uint8 access,uint8 purpose,uint64 validUntil,bytes32 reason)"
    );
    bytes32 internal constant APPROVE_REQUEST = keccak256(
        "ApproveRequest(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 request,bytes32 compartment,uint8 access,uint8 purpose,uint64 validFrom,uint64 validUntil,uint32 epoch,bytes32 envelope)"
    );
    bytes32 internal constant DECLINE_REQUEST = keccak256(
        "DeclineRequest(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 request,bytes32 reason)"
    );
    bytes32 internal constant APPOINT_DELEGATE = keccak256(
        "AppointDelegate(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,address delegate,bytes32 compartment,uint8 capacity,uint8 powers,uint64 validUntil,uint32 sequence)"
    );
    bytes32 internal constant DISMISS_DELEGATE = keccak256(
        "DismissDelegate(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,address delegate,bytes32 compartment,uint32 sequence)"
    );
    bytes32 internal constant SWITCH_EMERGENCY = keccak256(
        "SwitchEmergency(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,uint8 allowed,uint32 sequence)"
    );
    bytes32 internal constant OPEN_EMERGENCY = keccak256(
        "OpenEmergency(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 organization,bytes32 reason,uint32 duration)"
    );
    bytes32 internal constant COMMIT = keccak256(
        "Commit(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address patient,bytes32 compartment,uint32 epoch,bytes32 organization,bytes32 commit)"
    );
    bytes32 internal constant CHECKPOINT = keccak256(
        "Checkpoint(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,bytes32 organization,bytes32 workstation,uint64 sequence,bytes32 head)"
    );
}
