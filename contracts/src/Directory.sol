// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountKeys} from "./AccountKeys.sol";
import {IRoleCache} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Who takes part: organizations, their members with roles, and patients.
/// @notice Governors admit and suspend organizations; an organization's admins enrol, change and suspend its members; its
/// registrars register patients, who co-sign. That governors and patients signed is checked by the gateway.
contract Directory is AccountKeys {
    /// @notice An organization as it stands.
    /// @param admittedAt Block's time of its admission; 0 where it was never admitted.
    /// @param suspended While true, none of its members can do anything in its name.
    /// @param adminCount Members that are admins and not suspended.
    /// @param keyVersion How often the organization's key was rotated.
    /// @param emergencyKeyVersion How often the emergency key was set.
    /// @param organizationKey X25519 key that its members share.
    /// @param profile Digest of the document that describes it.
    /// @param emergencyKey X25519 key that is opened in an emergency only; zero until it is set.
    struct Organization {
        uint64 admittedAt;
        bool suspended;
        uint32 adminCount;
        uint32 keyVersion;
        uint32 emergencyKeyVersion;
        bytes32 organizationKey;
        bytes32 profile;
        bytes32 emergencyKey;
    }

    /// @notice A membership as it stands.
    /// @param enrolledAt Block's time of the latest enrolment; 0 where there was none.
    /// @param roles Role bits: 1 admin, 2 registrar, 4 practitioner, 8 auditor. None: the member has left.
    /// @param suspended While true, the roles do not count.
    /// @param encryptionKey X25519 key of the member: that of the enrolment, or the one it was rotated to.
    /// @param profile Digest of the document that describes the member.
    struct Member {
        uint64 enrolledAt;
        uint8 roles;
        bool suspended;
        bytes32 encryptionKey;
        bytes32 profile;
    }

    struct AdmitOrganization {
        bytes32 organization;
        address admin;
        bytes32 encryptionKey;
        bytes32 organizationKey;
        bytes32 profile;
        bytes32 adminProfile;
        bytes32 keyEnvelope;
    }

    struct EnrolMember {
        bytes32 organization;
        address member;
        uint8 roles;
        bytes32 encryptionKey;
        bytes32 profile;
        bytes32 keyEnvelope;
    }

    /// @notice The identifier could be taken for an account's: its first 12 bytes are zero.
    error OrganizationIdInvalid(bytes32 organization);
    /// @notice The organization was admitted before.
    error OrganizationKnown(bytes32 organization);
    /// @notice No such organization was admitted.
    error OrganizationUnknown(bytes32 organization);
    /// @notice The account is a member already.
    error MemberKnown(bytes32 organization, address member);
    /// @notice The account is not a member.
    error MemberUnknown(bytes32 organization, address member);
    /// @notice The organization would be left without an active admin.
    error LastAdmin(bytes32 organization, address member);
    /// @notice Role bits that do not exist, or none where some are needed.
    error RolesInvalid(uint8 roles);
    /// @notice A flag must be 0 or 1.
    error FlagInvalid(uint8 flag);
    /// @notice The account is an active member of as many organizations as one can be.
    error MembershipsExhausted(address member, uint256 limit);
    /// @notice The patient was registered before.
    error PatientKnown(address patient);
    /// @notice A key must not be zero, and its purpose is 1 (members) or 2 (emergency).
    error OrganizationKeyInvalid(bytes32 organization, uint8 purpose);

    uint8 private constant ADMIN = 1;
    uint8 private constant REGISTRAR = 2;
    uint8 private constant ALL_ROLES = 15;
    uint8 private constant MEMBERS_KEY = 1;
    uint8 private constant EMERGENCY_KEY = 2;
    /// @dev Bounds the loop over an account's organizations; one organization can take only one of the places.
    uint256 private constant MAX_MEMBERSHIPS = 16;

    /// @dev Remembers roles within a transaction, and is told when they change.
    IRoleCache private immutable ROLE_CACHE = IRoleCache(GATEWAY.moduleAddress(OperationKinds.CONSENTS));

    mapping(bytes32 organization => Organization) private _organizations;
    mapping(bytes32 organization => mapping(address member => Member)) private _members;
    /// @dev Organizations in which an account has roles and is not suspended; the organization itself may be.
    mapping(address member => bytes32[]) private _memberships;
    /// @dev A patient's X25519 key; zero where the account is not a registered patient.
    mapping(address patient => bytes32 encryptionKey) private _patients;
    // In the order in which they came; nobody is ever taken out.
    bytes32[] private _organizationIds;
    mapping(bytes32 organization => address[]) private _memberAccounts;
    address[] private _patientAccounts;

    /// @notice An organization; all zero where it was never admitted.
    function organizationOf(bytes32 organization) external view returns (Organization memory) {
        return _organizations[organization];
    }

    /// @notice A membership; all zero where there never was one.
    function memberOf(bytes32 organization, address member) external view returns (Member memory) {
        Member memory found = _members[organization][member];
        if (found.enrolledAt != 0) found.encryptionKey = _encryptionKeyOf(member, found.encryptionKey);
        return found;
    }

    /// @notice How many organizations were ever admitted.
    function organizationCount() external view returns (uint256) {
        return _organizationIds.length;
    }

    /// @notice An organization's id, counted from 0 in the order of admission.
    function organizationAt(uint256 index) external view returns (bytes32) {
        return _organizationIds[index];
    }

    /// @notice How many accounts were ever members of an organization.
    function memberCountOf(bytes32 organization) external view returns (uint256) {
        return _memberAccounts[organization].length;
    }

    /// @notice A present or past member of an organization, counted from 0 in the order of first enrolment.
    function memberAt(bytes32 organization, uint256 index) external view returns (address) {
        return _memberAccounts[organization][index];
    }

    /// @notice How many patients are registered.
    function patientCount() external view returns (uint256) {
        return _patientAccounts.length;
    }

    /// @notice A patient, counted from 0 in the order of registration.
    function patientAt(uint256 index) external view returns (address) {
        return _patientAccounts[index];
    }

    /// @notice Organizations in which the account has roles and is not suspended, at most 16, in no order.
    function membershipsOf(address member) external view returns (bytes32[] memory) {
        return _memberships[member];
    }

    /// @notice Encryption key that a registered patient has now; zero where the account is none.
    function patientKeyOf(address patient) external view returns (bytes32) {
        bytes32 first = _patients[patient];
        return first == 0 ? first : _encryptionKeyOf(patient, first);
    }

    /// @notice Whether the account is a registered patient.
    function isPatient(address account) external view returns (bool) {
        return _patients[account] != 0;
    }

    /// @notice Roles that count now in one organization: none while the member or the organization is suspended.
    function activeRolesIn(bytes32 organization, address member) external view returns (uint8) {
        return _activeRolesIn(organization, member);
    }

    /// @notice Roles that count now, of all the account's organizations together.
    function activeRolesOf(address member) public view returns (uint8 roles) {
        bytes32[] storage organizations = _memberships[member];
        uint256 count = organizations.length; // at most MAX_MEMBERSHIPS
        for (uint256 i = 0; i < count; ++i) {
            roles |= _activeRolesIn(organizations[i], member);
        }
    }

    function _apply(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        internal
        override
        returns (bytes21)
    {
        if (kind == OperationKinds.REGISTER_PATIENT) {
            (bytes32 organization, address patient, bytes32 encryptionKey) =
                abi.decode(payload, (bytes32, address, bytes32));
            _registerPatient(actor, organization, patient, encryptionKey);
        } else if (kind == OperationKinds.ENROL_MEMBER) {
            _enrolMember(actor, abi.decode(payload, (EnrolMember)));
        } else if (kind == OperationKinds.CHANGE_MEMBER) {
            (bytes32 organization, address member, uint8 roles) = abi.decode(payload, (bytes32, address, uint8));
            _requireAdmin(organization, actor);
            if (roles > ALL_ROLES) revert RolesInvalid(roles);
            _changeMember(organization, member, roles, _knownMember(organization, member).suspended);
        } else if (kind == OperationKinds.SUSPEND_MEMBER) {
            (bytes32 organization, address member, uint8 flag) = abi.decode(payload, (bytes32, address, uint8));
            _requireAdmin(organization, actor);
            _changeMember(organization, member, _knownMember(organization, member).roles, _toBool(flag));
        } else if (kind == OperationKinds.ADMIT_ORGANIZATION) {
            _admitOrganization(abi.decode(payload, (AdmitOrganization)));
        } else if (kind == OperationKinds.SUSPEND_ORGANIZATION) {
            (bytes32 organization, uint8 flag) = abi.decode(payload, (bytes32, uint8));
            if (_organizations[organization].admittedAt == 0) revert OrganizationUnknown(organization);
            _organizations[organization].suspended = _toBool(flag);
            ROLE_CACHE.forgetRoles();
        } else if (kind == OperationKinds.ROTATE_ORGANIZATION_KEY) {
            (bytes32 organization, uint8 purpose, bytes32 publicKey,) =
                abi.decode(payload, (bytes32, uint8, bytes32, bytes32));
            _requireAdmin(organization, actor);
            _rotateOrganizationKey(organization, purpose, publicKey);
        } else {
            _applyToKeys(kind, opId, actor, payload);
        }
        return 0;
    }

    function _applyToKeys(uint8 kind, bytes32 opId, address actor, bytes calldata payload) private {
        if (kind == OperationKinds.ROTATE_KEYS) {
            (address signer, bytes32 encryptionKey) = abi.decode(payload, (address, bytes32));
            _rotateKeys(actor, signer, encryptionKey);
        } else if (kind == OperationKinds.SET_RECOVERY) {
            _setRecovery(actor, abi.decode(payload, (SetRecovery)));
        } else if (kind == OperationKinds.PROPOSE_RECOVERY) {
            (address account, address signer, bytes32 encryptionKey) =
                abi.decode(payload, (address, address, bytes32));
            _proposeRecovery(opId, actor, account, signer, encryptionKey);
        } else if (kind == OperationKinds.APPROVE_RECOVERY) {
            (address account, bytes32 proposal) = abi.decode(payload, (address, bytes32));
            _approveRecovery(actor, account, proposal);
        } else if (kind == OperationKinds.VETO_RECOVERY) {
            _vetoRecovery(actor, abi.decode(payload, (address)));
        } else if (kind == OperationKinds.COMPLETE_RECOVERY) {
            (address account, bytes32 proposal) = abi.decode(payload, (address, bytes32));
            _completeRecovery(actor, account, proposal);
        } else {
            revert KindNotHeld(kind);
        }
    }

    function _rotateOrganizationKey(bytes32 organization, uint8 purpose, bytes32 publicKey) private {
        bool known = purpose == MEMBERS_KEY || purpose == EMERGENCY_KEY;
        if (publicKey == 0 || !known) revert OrganizationKeyInvalid(organization, purpose);
        Organization storage own = _organizations[organization];
        if (purpose == MEMBERS_KEY) {
            own.organizationKey = publicKey;
            ++own.keyVersion;
        } else {
            own.emergencyKey = publicKey;
            ++own.emergencyKeyVersion;
        }
    }

    function _admitOrganization(AdmitOrganization memory admission) private {
        bytes32 organization = admission.organization;
        // A grantee is an account or an organization; which of them, its upper bytes say.
        if (uint256(organization) <= type(uint160).max) revert OrganizationIdInvalid(organization);
        Organization storage admitted = _organizations[organization];
        if (admitted.admittedAt != 0) revert OrganizationKnown(organization);
        admitted.admittedAt = uint64(block.timestamp);
        _organizationIds.push(organization);
        admitted.organizationKey = admission.organizationKey;
        admitted.profile = admission.profile;
        _addMember(organization, admission.admin, ADMIN, admission.encryptionKey, admission.adminProfile);
    }

    function _enrolMember(address actor, EnrolMember memory enrolment) private {
        _requireAdmin(enrolment.organization, actor);
        if (enrolment.roles == 0 || enrolment.roles > ALL_ROLES) revert RolesInvalid(enrolment.roles);
        // One who has left may be enrolled again; one who is suspended may not get around it so.
        if (_members[enrolment.organization][enrolment.member].roles != 0) {
            revert MemberKnown(enrolment.organization, enrolment.member);
        }
        _addMember(
            enrolment.organization, enrolment.member, enrolment.roles, enrolment.encryptionKey, enrolment.profile
        );
    }

    function _addMember(
        bytes32 organization,
        address account,
        uint8 roles,
        bytes32 encryptionKey,
        bytes32 profile
    ) private {
        if (account == address(0) || encryptionKey == 0) revert AccountInvalid(account);
        _requireOwnKey(account);
        Member storage member = _members[organization][account];
        if (member.enrolledAt == 0) _memberAccounts[organization].push(account);
        member.enrolledAt = uint64(block.timestamp);
        member.encryptionKey = encryptionKey;
        member.profile = profile;
        _changeMember(organization, account, roles, false);
    }

    /// @dev Sets roles and suspension, and keeps the number of admins and the account's list in step.
    function _changeMember(bytes32 organization, address account, uint8 roles, bool suspended) private {
        Member storage member = _members[organization][account];
        uint8 before = member.suspended ? 0 : member.roles;
        uint8 afterwards = suspended ? 0 : roles;
        member.roles = roles;
        member.suspended = suspended;
        ROLE_CACHE.forgetRoles();

        if (before & ADMIN != afterwards & ADMIN) {
            Organization storage own = _organizations[organization];
            if (afterwards & ADMIN != 0) {
                ++own.adminCount;
            } else {
                if (own.adminCount == 1) revert LastAdmin(organization, account);
                --own.adminCount;
            }
        }
        if (before == 0 && afterwards != 0) _list(organization, account);
        else if (before != 0 && afterwards == 0) _unlist(organization, account);
    }

    function _list(bytes32 organization, address account) private {
        bytes32[] storage organizations = _memberships[account];
        if (organizations.length == MAX_MEMBERSHIPS) revert MembershipsExhausted(account, MAX_MEMBERSHIPS);
        organizations.push(organization);
    }

    function _unlist(bytes32 organization, address account) private {
        bytes32[] storage organizations = _memberships[account];
        uint256 last = organizations.length - 1; // at most MAX_MEMBERSHIPS, and the organization is among them
        for (uint256 i = 0; i <= last; ++i) {
            if (organizations[i] == organization) {
                organizations[i] = organizations[last];
                organizations.pop();
                return;
            }
        }
    }

    function _registerPatient(address actor, bytes32 organization, address patient, bytes32 encryptionKey) private {
        if (_activeRolesIn(organization, actor) & REGISTRAR == 0) revert NotAuthorized(actor);
        if (patient == address(0) || encryptionKey == 0) revert AccountInvalid(patient);
        if (_patients[patient] != 0) revert PatientKnown(patient);
        _requireOwnKey(patient);
        _patients[patient] = encryptionKey;
        _patientAccounts.push(patient);
    }

    function _firstEncryptionKey(address account) internal view override returns (bytes32) {
        return _patients[account];
    }

    function _takesPart(address account) internal view override returns (bool) {
        return _patients[account] != 0 || activeRolesOf(account) != 0 || GATEWAY.isGovernor(account);
    }

    function _requireAdmin(bytes32 organization, address actor) private view {
        if (_activeRolesIn(organization, actor) & ADMIN == 0) revert NotAuthorized(actor);
    }

    function _knownMember(bytes32 organization, address account) private view returns (Member storage member) {
        member = _members[organization][account];
        if (member.enrolledAt == 0) revert MemberUnknown(organization, account);
    }

    function _activeRolesIn(bytes32 organization, address account) private view returns (uint8) {
        Member storage member = _members[organization][account];
        if (member.suspended || _organizations[organization].suspended) return 0;
        return member.roles;
    }

    function _toBool(uint8 flag) private pure returns (bool) {
        if (flag > 1) revert FlagInvalid(flag);
        return flag == 1;
    }
}
