// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {AccessRequests} from "./AccessRequests.sol";
import {Directory} from "./Directory.sol";
import {Emergencies} from "./Emergencies.sol";
import {Compartment, GrantTerms, Terms} from "./GrantTerms.sol";
import {OperationKinds} from "./OperationKinds.sol";
import {RoleCache} from "./RoleCache.sol";

/// @title What patients allow: who may read and write which compartment of their record, for what purpose and how long.
/// @notice There is one grant per patient, compartment and grantee, so that one revocation always ends it. The digest of the
/// key envelope that goes with a grant or revocation is in the gateway's event.
contract Consents is Emergencies, AccessRequests, RoleCache {
    /// @notice A grant as it stands.
    /// @param access Bits: 1 read, 2 write. None: there is no consent (any more).
    /// @param purpose 1 treatment, 2 payment, 3 operations, 4 research, 5 public health, 6 emergency.
    /// @param validFrom First second in which it counts; 0: at once.
    /// @param validUntil First second in which it no longer counts; 0: open end. Of a revoked one: `revokedAt`.
    /// @param revokedAt Block's time of the revocation; 0 where it was not revoked.
    struct GrantState {
        uint8 access;
        uint8 purpose;
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

    struct ApproveRequest {
        address patient;
        bytes32 request;
        bytes32 compartment;
        uint8 access;
        uint8 purpose;
        uint64 validFrom;
        uint64 validUntil;
        uint32 epoch;
        bytes32 envelope;
    }

    struct ChangeGrant {
        address patient;
        bytes32 compartment;
        bytes32 grantee;
        uint8 access;
        uint8 purpose;
        uint64 validFrom;
        uint64 validUntil;
        uint32 epoch;
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
    /// @notice Access bits that do not exist, or none.
    error AccessInvalid(uint8 access);
    /// @notice No such purpose.
    error PurposeInvalid(uint8 purpose);
    /// @notice The window ends before it begins, or lies beyond the year 36,000.
    error ValidityInvalid(uint64 validFrom, uint64 validUntil);
    /// @notice A grantee must not be zero.
    error GranteeInvalid();
    /// @notice There is no grant to change.
    error GrantUnknown(bytes32 grantee);
    /// @notice The author may not write there: no grant, not valid now, or membership suspended.
    error WriteNotGranted(address author, bytes32 organization);

    uint8 private constant READ = 1;
    uint8 private constant WRITE = 2;
    uint8 private constant LAST_PURPOSE = 6;

    mapping(bytes32 place => Compartment) private _compartments;
    mapping(bytes32 key => Terms) private _grants;

    /// @notice Current key epoch of a compartment; the first is 0.
    function epochOf(address patient, bytes32 compartment) external view returns (uint32) {
        return _compartments[_placeOf(patient, compartment)].epochOf();
    }

    /// @notice The grant to a grantee: an organization's id, or an account left-padded with zeros.
    function grantOf(address patient, bytes32 compartment, bytes32 grantee) external view returns (GrantState memory) {
        bytes32 id = _placeOf(patient, compartment);
        Terms terms = _termsOf(_compartments[id], _grantKey(id, grantee));
        return GrantState({
            access: terms.accessOf(),
            purpose: terms.purposeOf(),
            validFrom: terms.validFromOf(),
            validUntil: terms.validUntilOf(),
            revokedAt: terms.accessOf() == 0 ? terms.validUntilOf() : 0
        });
    }

    /// @notice Whether `author` may write at second `time`, memberships being as they are now.
    /// @param organization The organization on whose grant the author acts; zero for the author's own grant, or the patient.
    function canWrite(address patient, bytes32 compartment, address author, bytes32 organization, uint64 time)
        external
        view
        returns (bool)
    {
        return _mayNow(WRITE, patient, compartment, author, organization, time);
    }

    /// @notice Whether `reader` may read at second `time`, memberships being as they are now.
    /// @param organization The organization on whose grant the reader acts; zero for the reader's own grant, or the patient.
    function canRead(address patient, bytes32 compartment, address reader, bytes32 organization, uint64 time)
        external
        view
        returns (bool)
    {
        return _mayNow(READ, patient, compartment, reader, organization, time);
    }

    /// @notice Reverts with {EpochPassed} or {WriteNotGranted} where `author` may not write now under `epoch`.
    /// @dev Changes nothing but what is remembered until the end of the transaction.
    /// @return id Hash of patient and compartment, which names the place.
    function requireWrite(address patient, bytes32 compartment, uint32 epoch, address author, bytes32 organization)
        external
        returns (bytes32 id)
    {
        id = _placeOf(patient, compartment);
        Compartment place = _compartments[id];
        bool may;
        if (organization == 0) {
            may = _mayAlone(WRITE, place, id, patient, author, uint64(block.timestamp));
        } else if (_termsOf(place, _grantKey(id, organization)).allow(WRITE, uint64(block.timestamp))) {
            may = _activeRolesIn(organization, author) & CARING_ROLES != 0;
        } else {
            may = _isEmergency(patient, organization, author, uint64(block.timestamp));
        }
        if (!may) revert WriteNotGranted(author, organization);
        if (epoch != place.epochOf()) revert EpochPassed(place.epochOf());
    }

    function _apply(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        internal
        override
        returns (bytes21)
    {
        if (kind == OperationKinds.GRANT) _grant(actor, abi.decode(payload, (Grant)));
        else if (kind == OperationKinds.REVOKE) _revoke(actor, abi.decode(payload, (Revoke)));
        else if (kind == OperationKinds.CHANGE_GRANT) _change(actor, abi.decode(payload, (ChangeGrant)));
        else if (kind == OperationKinds.APPROVE_REQUEST) _approve(actor, abi.decode(payload, (ApproveRequest)));
        else _applyOthers(kind, opId, actor, payload);
        return 0;
    }

    function _applyOthers(uint8 kind, bytes32 opId, address actor, bytes calldata payload) private {
        if (kind == OperationKinds.REQUEST_ACCESS) {
            RequestAccess memory wanted = abi.decode(payload, (RequestAccess));
            _requireTerms(wanted.access, wanted.purpose, 0, wanted.validUntil);
            _request(opId, actor, wanted);
        } else if (kind == OperationKinds.DECLINE_REQUEST) {
            (address patient, bytes32 request,) = abi.decode(payload, (address, bytes32, bytes32));
            _declineRequest(actor, patient, request);
        } else if (kind == OperationKinds.APPOINT_DELEGATE) {
            _appoint(actor, abi.decode(payload, (AppointDelegate)));
        } else if (kind == OperationKinds.DISMISS_DELEGATE) {
            (address patient, address delegate, bytes32 compartment, uint32 sequence) =
                abi.decode(payload, (address, address, bytes32, uint32));
            _dismiss(actor, patient, delegate, compartment, sequence);
        } else if (kind == OperationKinds.SWITCH_EMERGENCY) {
            (address patient, uint8 allowed, uint32 sequence) = abi.decode(payload, (address, uint8, uint32));
            _switchEmergency(actor, patient, allowed, sequence);
        } else if (kind == OperationKinds.OPEN_EMERGENCY) {
            (address patient, bytes32 organization, bytes32 reason, uint32 duration) =
                abi.decode(payload, (address, bytes32, bytes32, uint32));
            _openEmergency(actor, patient, organization, reason, duration);
        } else {
            revert KindNotHeld(kind);
        }
    }

    function _approve(address actor, ApproveRequest memory approval) private {
        bytes32 grantee = _approveRequest(approval.patient, approval.request);
        _grant(
            actor,
            Grant({
                patient: approval.patient,
                compartment: approval.compartment,
                grantee: grantee,
                access: approval.access,
                purpose: approval.purpose,
                validFrom: approval.validFrom,
                validUntil: approval.validUntil,
                epoch: approval.epoch,
                envelope: approval.envelope
            })
        );
    }

    function _grant(address actor, Grant memory grant) private {
        uint64 limit = _requirePower(actor, grant.patient, grant.compartment, POWER_GRANT);
        if (grant.grantee == 0) revert GranteeInvalid();
        Terms terms = _requireTerms(grant.access, grant.purpose, grant.validFrom, grant.validUntil);
        _requireWithin(limit, grant.validUntil);
        bytes32 id = _placeOf(grant.patient, grant.compartment);
        Compartment place = _compartments[id];
        // Ends every older grant that a relayer held back until after a revocation.
        if (grant.epoch != place.epochOf()) revert EpochPassed(place.epochOf());
        bytes32 key = _grantKey(id, grant.grantee);
        if (_isApart(place, key)) _grants[key] = terms;
        else _compartments[id] = place.withTerms(_tagOf(key), terms);
    }

    /// @dev Other terms under the same keys: no envelope goes with it.
    function _change(address actor, ChangeGrant memory change) private {
        uint64 limit = _requirePower(actor, change.patient, change.compartment, POWER_GRANT | POWER_REVOKE);
        Terms terms = _requireTerms(change.access, change.purpose, change.validFrom, change.validUntil);
        _requireWithin(limit, change.validUntil);
        bytes32 id = _placeOf(change.patient, change.compartment);
        Compartment place = _compartments[id];
        if (change.epoch != place.epochOf()) revert EpochPassed(place.epochOf());
        bytes32 key = _grantKey(id, change.grantee);
        if (_termsOf(place, key).accessOf() == 0) revert GrantUnknown(change.grantee);
        if (_isApart(place, key)) _grants[key] = terms;
        else _compartments[id] = place.withTerms(_tagOf(key), terms);
    }

    /// @dev Never fails for a registered patient: that there is nothing (left) to revoke is no reason to refuse.
    function _revoke(address actor, Revoke memory revocation) private {
        _requirePower(actor, revocation.patient, revocation.compartment, POWER_REVOKE);
        bytes32 id = _placeOf(revocation.patient, revocation.compartment);
        Compartment place = _compartments[id];
        // The last epoch stays the last: the revocation counts all the same.
        uint32 next = place.epochOf() == type(uint32).max ? place.epochOf() : place.epochOf() + 1;
        if (revocation.epoch > next) next = revocation.epoch;
        place = place.withEpoch(next);
        bytes32 key = _grantKey(id, revocation.grantee);
        Terms terms = _termsOf(place, key);
        if (terms.accessOf() != 0) {
            terms = terms.revoked(uint40(block.timestamp));
            if (_isApart(place, key)) _grants[key] = terms;
            else place = place.withTerms(_tagOf(key), terms);
        }
        _compartments[id] = place;
        emit EpochAdvanced(revocation.patient, revocation.compartment, next);
    }

    function _termsOf(Compartment place, bytes32 key) private view returns (Terms) {
        return place.tagOf() == _tagOf(key) ? place.termsOf() : _grants[key];
    }

    /// @dev Whether a grant's terms do not stand in the compartment's word: that is another grantee's, who came first.
    function _isApart(Compartment place, bytes32 key) private pure returns (bool) {
        return place.tagOf() != 0 && place.tagOf() != _tagOf(key);
    }

    function _mayNow(
        uint8 access,
        address patient,
        bytes32 compartment,
        address account,
        bytes32 organization,
        uint64 time
    ) private view returns (bool) {
        bytes32 id = _placeOf(patient, compartment);
        Compartment place = _compartments[id];
        if (organization == 0) return _mayAlone(access, place, id, patient, account, time);
        if (_termsOf(place, _grantKey(id, organization)).allow(access, time)) {
            return DIRECTORY.activeRolesIn(organization, account) & CARING_ROLES != 0;
        }
        return _isEmergency(patient, organization, account, time);
    }

    /// @dev Whether an account may as a person: as the patient, or by a grant of its own.
    function _mayAlone(
        uint8 access,
        Compartment place,
        bytes32 id,
        address patient,
        address account,
        uint64 time
    ) private view returns (bool) {
        if (account == patient) return DIRECTORY.isPatient(patient);
        bytes32 person = bytes32(uint256(uint160(account)));
        // A grant to a person counts while that person is an active member anywhere.
        return _termsOf(place, _grantKey(id, person)).allow(access, time) && DIRECTORY.activeRolesOf(account) != 0;
    }

    function _requireTerms(uint8 access, uint8 purpose, uint64 validFrom, uint64 validUntil)
        private
        pure
        returns (Terms)
    {
        if (access == 0 || access > READ | WRITE) revert AccessInvalid(access);
        if (purpose == 0 || purpose > LAST_PURPOSE) revert PurposeInvalid(purpose);
        bool empty = validUntil != 0 && validUntil <= validFrom;
        if (empty || validFrom > type(uint40).max || validUntil > type(uint40).max) {
            revert ValidityInvalid(validFrom, validUntil);
        }
        return GrantTerms.pack(access, purpose, uint40(validFrom), uint40(validUntil));
    }

    function _directory() internal view override returns (Directory) {
        return DIRECTORY;
    }

    function _requireWithin(uint64 limit, uint64 validUntil) private pure {
        if (limit != 0 && (validUntil == 0 || validUntil > limit)) revert BeyondDelegation(limit);
    }

    /// @dev 128 bits of a key's hash: nobody finds a second grantee with the tag of a given one.
    function _tagOf(bytes32 key) private pure returns (uint128) {
        return uint128(uint256(key));
    }

    function _grantKey(bytes32 id, bytes32 grantee) private pure returns (bytes32) {
        return Hashes.efficientKeccak256(id, grantee);
    }

    function _placeOf(address patient, bytes32 compartment) private pure returns (bytes32) {
        return Hashes.efficientKeccak256(bytes32(uint256(uint160(patient))), compartment);
    }
}
