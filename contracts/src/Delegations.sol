// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Who may decide for a patient: the patient, and within their limits guardians and delegates.
/// @notice A patient appoints them, for one compartment or for all, with powers and an end. What they grant ends no later than
/// their own appointment.
abstract contract Delegations is Module {
    /// @notice An appointment as it stands; one slot.
    /// @param capacity 1 guardian (of a child, of one who cannot decide), 2 delegate.
    /// @param powers Bits: 1 grant, 2 revoke, 4 switch emergency access off and on. None: dismissed.
    /// @param validUntil First second in which it no longer counts; 0: open end.
    /// @param appointedAt Block's time of the latest appointment.
    /// @param dismissedAt Block's time of the dismissal; 0 while it stands.
    /// @param sequence Highest number that the patient gave to a change of it.
    struct Delegation {
        uint8 capacity;
        uint8 powers;
        uint64 validUntil;
        uint48 appointedAt;
        uint48 dismissedAt;
        uint32 sequence;
    }

    /// @notice Which appointment an entry of a patient's list is.
    struct DelegationKey {
        address delegate;
        bytes32 compartment;
    }

    struct AppointDelegate {
        address patient;
        address delegate;
        bytes32 compartment;
        uint8 capacity;
        uint8 powers;
        uint64 validUntil;
        uint32 sequence;
    }

    /// @notice The account is not a registered patient.
    error PatientUnknown(address patient);
    /// @notice Capacity or powers do not exist, or the delegate is the patient or nobody.
    error DelegationInvalid(address delegate, uint8 capacity, uint8 powers);
    /// @notice The delegate's appointment does not include this power, or has ended.
    error PowerMissing(address delegate, uint8 power);
    /// @notice The delegate cannot grant for longer than the appointment lasts.
    error BeyondDelegation(uint64 validUntil);
    /// @notice A later change is known: number `latest`.
    error SequencePassed(uint32 latest);

    uint8 internal constant POWER_GRANT = 1;
    uint8 internal constant POWER_REVOKE = 2;
    uint8 internal constant POWER_EMERGENCY = 4;
    uint8 private constant ALL_POWERS = 7;
    uint8 private constant LAST_CAPACITY = 2;
    /// @dev An appointment for this "compartment" is one for all of them.
    bytes32 private constant EVERYWHERE = 0;

    Directory internal immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 key => Delegation) private _delegations;
    mapping(address patient => DelegationKey[]) private _delegationKeys;

    /// @notice An appointment; all zero where there never was one.
    /// @param compartment Compartment that it is for; zero for one that is for all.
    function delegationOf(address patient, address delegate, bytes32 compartment)
        external
        view
        returns (Delegation memory)
    {
        return _delegations[_key(patient, delegate, compartment)];
    }

    /// @notice How many different appointments a patient ever made.
    function delegationCountOf(address patient) external view returns (uint256) {
        return _delegationKeys[patient].length;
    }

    /// @notice Delegate and compartment of a patient's appointment, counted from 0 in the order of first appointment.
    function delegationAt(address patient, uint256 index) external view returns (DelegationKey memory) {
        return _delegationKeys[patient][index];
    }

    /// @notice Whether an account has a power over a patient's compartment now.
    function hasPower(address patient, address account, bytes32 compartment, uint8 power) external view returns (bool) {
        if (account == patient) return DIRECTORY.isPatient(patient);
        return _counts(_delegations[_key(patient, account, EVERYWHERE)], power)
            || _counts(_delegations[_key(patient, account, compartment)], power);
    }

    function _appoint(address actor, AppointDelegate memory wanted) internal {
        _requirePatient(actor, wanted.patient);
        bool exists = wanted.capacity != 0 && wanted.capacity <= LAST_CAPACITY && wanted.powers != 0
            && wanted.powers <= ALL_POWERS;
        if (!exists || wanted.delegate == address(0) || wanted.delegate == wanted.patient) {
            revert DelegationInvalid(wanted.delegate, wanted.capacity, wanted.powers);
        }
        Delegation storage delegation = _delegations[_key(wanted.patient, wanted.delegate, wanted.compartment)];
        // Ends every older appointment that a relayer held back until after a dismissal.
        if (wanted.sequence <= delegation.sequence) revert SequencePassed(delegation.sequence);
        if (delegation.appointedAt == 0) {
            _delegationKeys[wanted.patient].push(
                DelegationKey({delegate: wanted.delegate, compartment: wanted.compartment})
            );
        }
        delegation.capacity = wanted.capacity;
        delegation.powers = wanted.powers;
        delegation.validUntil = wanted.validUntil;
        delegation.appointedAt = uint48(block.timestamp);
        delegation.dismissedAt = 0;
        delegation.sequence = wanted.sequence;
    }

    /// @dev By the patient, or by the delegate who resigns. Never fails for them.
    function _dismiss(address actor, address patient, address delegate, bytes32 compartment, uint32 sequence)
        internal
    {
        if (actor != delegate) _requirePatient(actor, patient);
        Delegation storage delegation = _delegations[_key(patient, delegate, compartment)];
        if (delegation.powers != 0) {
            delegation.powers = 0;
            delegation.dismissedAt = uint48(block.timestamp);
        }
        // A delegate does not decide what the patient may still send.
        if (actor == patient && sequence > delegation.sequence) delegation.sequence = sequence;
    }

    function _requirePatient(address actor, address patient) internal view {
        if (actor != patient) revert PatientRequired(patient);
        if (!DIRECTORY.isPatient(patient)) revert PatientUnknown(patient);
    }

    /// @notice Reverts where the actor may not decide this for the patient.
    /// @return validUntil Until when what is decided may count; 0: no limit.
    function _requirePower(address actor, address patient, bytes32 compartment, uint8 power)
        internal
        view
        returns (uint64 validUntil)
    {
        if (!DIRECTORY.isPatient(patient)) {
            if (actor != patient) revert PatientRequired(patient);
            revert PatientUnknown(patient);
        }
        if (actor == patient) return 0;
        Delegation memory everywhere = _delegations[_key(patient, actor, EVERYWHERE)];
        Delegation memory here = _delegations[_key(patient, actor, compartment)];
        // Of two appointments the one that lasts longer; 0 lasts for ever.
        if (_counts(here, power) && (here.validUntil == 0 || !_counts(everywhere, power))) return here.validUntil;
        if (_counts(everywhere, power)) {
            bool longer = _counts(here, power) && everywhere.validUntil != 0 && here.validUntil > everywhere.validUntil;
            return longer ? here.validUntil : everywhere.validUntil;
        }
        if (everywhere.appointedAt == 0 && here.appointedAt == 0) revert PatientRequired(patient);
        revert PowerMissing(actor, power);
    }

    function _counts(Delegation memory delegation, uint8 power) private view returns (bool) {
        // Bounds of days and more; a validator that shifts the block's time by seconds gains nothing.
        return delegation.powers & power == power
            && (delegation.validUntil == 0 || block.timestamp < delegation.validUntil);
    }

    function _key(address patient, address delegate, bytes32 compartment) private pure returns (bytes32) {
        return keccak256(abi.encode(patient, delegate, compartment));
    }
}
