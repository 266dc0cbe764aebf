// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title What patients allow: who may read and write which compartment of their record, for what purpose and how long.
/// @notice There is one grant per patient, compartment and grantee, so that one revocation always ends it. The digest of the
/// key envelope that goes with a grant or revocation is in the gateway's event.
contract Consents is Module {
    /// @notice A grant as it stands; one slot.
    /// @param access Bits: 1 read, 2 write. None: there is no consent (any more).
    /// @param purpose 1 treatment, 2 payment, 3 operations, 4 research, 5 public health, 6 emergency.
    /// @param epoch Key epoch of the compartment at the time of the grant.
    /// @param validFrom First second in which it counts; 0: at once.
    /// @param validUntil First second in which it no longer counts; 0: open end.
    /// @param revokedAt Block's time of the revocation; 0 where it was not revoked.
    struct GrantState {
        uint8 access;
        uint8 purpose;
        uint32 epoch;
        uint64 validFrom;
        uint64 validUntil;
        uint64 revokedAt;
    }

    struct Grant {
        address patient;
        bytes32 compartment;
        bytes32 grantee;
        uint8 access;
        uint8 purpose;
        uint64 validFrom;
        uint64 validUntil;
        uint32 epoch;
        bytes32 envelope;
    }

    struct Revoke {
        address patient;
        bytes32 compartment;
        bytes32 grantee;
        uint32 epoch;
        bytes32 envelope;
    }

    /// @notice A compartment's keys moved on to a new epoch.
    event EpochAdvanced(address indexed patient, bytes32 indexed compartment, uint32 epoch);

    /// @notice The compartment's epoch is `current`, not the one named.
    error EpochPassed(uint32 current);
    /// @notice The account is not a registered patient.
    error PatientUnknown(address patient);
    /// @notice Access bits that do not exist, or none.
    error AccessInvalid(uint8 access);
    /// @notice No such purpose.
    error PurposeInvalid(uint8 purpose);
    /// @notice The window ends before it begins.
    error ValidityInvalid(uint64 validFrom, uint64 validUntil);
    /// @notice A grantee must not be zero.
    error GranteeInvalid();
    /// @notice The author may not write there: no grant, not valid now, or membership suspended.
    error WriteNotGranted(address author, bytes32 organization);

    uint8 private constant READ = 1;
    uint8 private constant WRITE = 2;
    uint8 private constant LAST_PURPOSE = 6;
    /// @dev Roles that act on an organization's grants: registrar and practitioner.
    uint8 private constant CARING_ROLES = 6;

    Directory private immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 key => GrantState) private _grants;
    mapping(address patient => mapping(bytes32 compartment => uint32)) private _epochs;

    /// @notice Current key epoch of a compartment; the first is 0.
    function epochOf(address patient, bytes32 compartment) external view returns (uint32) {
        return _epochs[patient][compartment];
    }

    /// @notice The grant to a grantee: an organization's id, or an account left-padded with zeros.
    function grantOf(address patient, bytes32 compartment, bytes32 grantee) external view returns (GrantState memory) {
        return _grants[_grantKey(patient, compartment, grantee)];
    }

    /// @notice Whether `author` may write at second `time`, memberships being as they are now.
    /// @param organization The organization on whose grant the author acts; zero for the author's own grant, or the patient.
    function canWrite(address patient, bytes32 compartment, address author, bytes32 organization, uint64 time)
        external
        view
        returns (bool)
    {
        return _can(WRITE, patient, compartment, author, organization, time);
    }

    /// @notice Whether `reader` may read at second `time`, memberships being as they are now.
    /// @param organization The organization on whose grant the reader acts; zero for the reader's own grant, or the patient.
    function canRead(address patient, bytes32 compartment, address reader, bytes32 organization, uint64 time)
        external
        view
        returns (bool)
    {
        return _can(READ, patient, compartment, reader, organization, time);
    }

    /// @notice Reverts with {EpochPassed} or {WriteNotGranted} where `author` may not write now under `epoch`.
    function requireWrite(address patient, bytes32 compartment, uint32 epoch, address author, bytes32 organization)
        external
        view
    {
        if (!_can(WRITE, patient, compartment, author, organization, uint64(block.timestamp))) {
            revert WriteNotGranted(author, organization);
        }
        _requireEpoch(patient, compartment, epoch);
    }

    function _apply(uint8 kind, bytes32, address actor, bytes calldata payload) internal override returns (bytes23) {
        if (kind == OperationKinds.GRANT) _grant(actor, abi.decode(payload, (Grant)));
        else if (kind == OperationKinds.REVOKE) _revoke(actor, abi.decode(payload, (Revoke)));
        else revert KindNotHeld(kind);
        return 0;
    }

    function _grant(address actor, Grant memory grant) private {
        _requirePatient(actor, grant.patient);
        if (grant.grantee == 0) revert GranteeInvalid();
        if (grant.access == 0 || grant.access > READ | WRITE) revert AccessInvalid(grant.access);
        if (grant.purpose == 0 || grant.purpose > LAST_PURPOSE) revert PurposeInvalid(grant.purpose);
        if (grant.validUntil != 0 && grant.validUntil <= grant.validFrom) {
            revert ValidityInvalid(grant.validFrom, grant.validUntil);
        }
        // Ends every older grant that a relayer held back until after a revocation.
        _requireEpoch(grant.patient, grant.compartment, grant.epoch);
        _grants[_grantKey(grant.patient, grant.compartment, grant.grantee)] = GrantState({
            access: grant.access,
            purpose: grant.purpose,
            epoch: grant.epoch,
            validFrom: grant.validFrom,
            validUntil: grant.validUntil,
            revokedAt: 0
        });
    }

    /// @dev Never fails for a registered patient: that there is nothing (left) to revoke is no reason to refuse.
    function _revoke(address actor, Revoke memory revocation) private {
        _requirePatient(actor, revocation.patient);
        GrantState storage state =
            _grants[_grantKey(revocation.patient, revocation.compartment, revocation.grantee)];
        if (state.access != 0) {
            state.access = 0;
            state.revokedAt = uint64(block.timestamp);
        }
        uint32 current = _epochs[revocation.patient][revocation.compartment];
        // The last epoch stays the last: the revocation counts all the same.
        uint32 next = current == type(uint32).max ? current : current + 1;
        if (revocation.epoch > next) next = revocation.epoch;
        _epochs[revocation.patient][revocation.compartment] = next;
        emit EpochAdvanced(revocation.patient, revocation.compartment, next);
    }

    function _requirePatient(address actor, address patient) private view {
        if (actor != patient) revert PatientRequired(patient);
        if (!DIRECTORY.isPatient(patient)) revert PatientUnknown(patient);
    }

    function _requireEpoch(address patient, bytes32 compartment, uint32 epoch) private view {
        uint32 current = _epochs[patient][compartment];
        if (epoch != current) revert EpochPassed(current);
    }

    function _can(
        uint8 access,
        address patient,
        bytes32 compartment,
        address account,
        bytes32 organization,
        uint64 time
    ) private view returns (bool) {
        if (account == patient && organization == 0) return DIRECTORY.isPatient(patient);
        bytes32 grantee = organization == 0 ? bytes32(uint256(uint160(account))) : organization;
        GrantState memory grant = _grants[_grantKey(patient, compartment, grantee)];
        if (grant.access & access == 0 || time < grant.validFrom) return false;
        if (grant.validUntil != 0 && time >= grant.validUntil) return false;
        // A grant to a person counts while that person is an active member anywhere.
        if (organization == 0) return DIRECTORY.activeRolesOf(account) != 0;
        return DIRECTORY.activeRolesIn(organization, account) & CARING_ROLES != 0;
    }

    function _grantKey(address patient, bytes32 compartment, bytes32 grantee) private pure returns (bytes32) {
        return keccak256(abi.encode(patient, compartment, grantee));
    }
}
