// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Delegations} from "./Delegations.sol";

/// @title Emergency access ("break the glass").
/// @notice A practitioner of an organization opens a patient's compartments without consent, for a reason and a short time,
/// never unseen. A patient may switch this off, which also ends what is open.
abstract contract Emergencies is Delegations {
    /// @notice One opening, kept for the patient to see.
    /// @param practitioner Who opened.
    /// @param openedAt Block's time of the opening.
    /// @param endsAt First second in which it no longer counts.
    /// @param organization In whose name.
    /// @param reason Digest of the reason given.
    struct Emergency {
        address practitioner;
        uint48 openedAt;
        uint48 endsAt;
        bytes32 organization;
        bytes32 reason;
    }

    /// @dev Latest opening of one practitioner in the name of one organization.
    struct Window {
        uint64 openedAt;
        uint64 endsAt;
    }

    struct Switch {
        bool off;
        uint32 sequence;
    }

    /// @notice A practitioner opened a patient's compartments without consent.
    event EmergencyOpened(
        address indexed patient,
        address indexed practitioner,
        bytes32 indexed organization,
        bytes32 reason,
        uint64 endsAt
    );

    /// @notice The patient switched emergency access off.
    error EmergencySwitchedOff(address patient);
    /// @notice A reason must be given, and a duration between 1 and `limit` seconds.
    error EmergencyInvalid(bytes32 reason, uint32 duration, uint32 limit);
    /// @notice A flag must be 0 or 1.
    error SwitchInvalid(uint8 allowed);

    uint32 private constant MAX_DURATION = 24 hours;
    uint8 private constant PRACTITIONER = 4;

    mapping(address patient => Switch) private _switches;
    mapping(address patient => Emergency[]) private _emergencies;
    mapping(bytes32 key => Window) private _windows;

    /// @notice Whether a patient allows emergency access; so it is until it is switched off.
    function emergencyAllowed(address patient) external view returns (bool) {
        return !_switches[patient].off;
    }

    /// @notice How often a patient's compartments were opened in an emergency.
    function emergencyCountOf(address patient) external view returns (uint256) {
        return _emergencies[patient].length;
    }

    /// @notice An opening, counted from 0 in the order in which they were recorded.
    function emergencyAt(address patient, uint256 index) external view returns (Emergency memory) {
        return _emergencies[patient][index];
    }

    /// @dev Switching off never fails for the patient; switching on is refused where a later change is known.
    function _switchEmergency(address actor, address patient, uint8 allowed, uint32 sequence) internal {
        _requirePower(actor, patient, bytes32(0), POWER_EMERGENCY);
        if (allowed > 1) revert SwitchInvalid(allowed);
        Switch storage current = _switches[patient];
        if (allowed == 1 && sequence <= current.sequence) revert SequencePassed(current.sequence);
        current.off = allowed == 0;
        if (sequence > current.sequence) current.sequence = sequence;
    }

    function _openEmergency(address actor, address patient, bytes32 organization, bytes32 reason, uint32 duration)
        internal
    {
        if (DIRECTORY.activeRolesIn(organization, actor) & PRACTITIONER == 0) revert NotAuthorized(actor);
        if (!DIRECTORY.isPatient(patient)) revert PatientUnknown(patient);
        if (_switches[patient].off) revert EmergencySwitchedOff(patient);
        if (reason == 0 || duration == 0 || duration > MAX_DURATION) {
            revert EmergencyInvalid(reason, duration, MAX_DURATION);
        }
        uint64 openedAt = uint64(block.timestamp);
        uint64 endsAt = openedAt + duration;
        _windows[_windowKey(patient, organization, actor)] = Window({openedAt: openedAt, endsAt: endsAt});
        _emergencies[patient].push(
            Emergency({
                practitioner: actor,
                openedAt: uint48(openedAt),
                endsAt: uint48(endsAt),
                organization: organization,
                reason: reason
            })
        );
        emit EmergencyOpened(patient, actor, organization, reason, endsAt);
    }

    /// @dev Whether an emergency is open at second `time` for an account that acts for an organization.
    function _isEmergency(address patient, bytes32 organization, address account, uint64 time)
        internal
        view
        returns (bool)
    {
        Window memory window = _windows[_windowKey(patient, organization, account)];
        if (time < window.openedAt || time >= window.endsAt || _switches[patient].off) return false;
        return DIRECTORY.activeRolesIn(organization, account) & PRACTITIONER != 0;
    }

    function _windowKey(address patient, bytes32 organization, address practitioner) private pure returns (bytes32) {
        return keccak256(abi.encode(patient, organization, practitioner));
    }
}
