// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev Patient, delegate and others act in any order, and each operation is sent again later; the model says what may follow.
contract Household is Fixture {
    uint256 private constant DELEGATE = 0x9001;
    uint256[4] private _people = [PATIENT, DELEGATE, OTHER_PATIENT, DOCTOR];

    // The model.
    bool public granted;
    uint8 public powers;
    uint64 public delegationEnds;
    uint32 public sequence;
    uint64 public emergencyEnds;
    bool public emergencyOff;
    uint32 public epoch;
    uint256 public emergencies;
    uint64 private _now = START;
    bool public wrong;

    Operation[] private _sent;
    uint256 private _keyCount = 1;
    uint256 private _patientKey = PATIENT;

    constructor() {
        setUp();
    }

    function setUp() public override {
        if (address(gateway) == address(0)) super.setUp();
    }

    /// @dev Sends what may be applied only where the model says so.
    function send(Operation memory operation, bool expected) private {
        bool applied = submit(operation).length == 0;
        if (applied != expected) wrong = true;
        if (applied) _sent.push(operation);
    }

    function keyOf(uint8 who) private view returns (address account, uint256 key) {
        key = _people[who % 4];
        account = vm.addr(key);
        if (key == PATIENT) key = _patientKey;
    }

    function has(uint8 who, uint8 power) private view returns (bool) {
        if (who % 4 == 0) return true;
        return who % 4 == 1 && powers & power == power && (delegationEnds == 0 || _now < delegationEnds);
    }

    function open(uint8 who, uint32 length) external {
        (address account, uint256 key) = keyOf(who);
        uint64 until = length == 0 ? 0 : _now + length;
        Operation memory operation = grant(CLINIC, 3, 0, until, epoch);
        operation.actor = account;
        bool within = who % 4 == 0 || delegationEnds == 0 || (until != 0 && until <= delegationEnds);
        bool expected = has(who, 1) && within;
        send(signedBy(operation, key), expected);
        if (expected) granted = until == 0;
    }

    function close(uint8 who) external {
        (address account, uint256 key) = keyOf(who);
        Operation memory operation = revoke(CLINIC, 0);
        operation.actor = account;
        bool expected = has(who, 2);
        send(signedBy(operation, key), expected);
        if (!expected) return;
        granted = false;
        ++epoch;
    }

    function appoint(uint8 newPowers, uint32 length, uint8 number) external {
        newPowers = newPowers % 8;
        uint64 until = length == 0 ? 0 : _now + length;
        Operation memory operation = draft(
            Kinds.APPOINT_DELEGATE,
            vm.addr(PATIENT),
            abi.encode(vm.addr(PATIENT), vm.addr(DELEGATE), COMPARTMENT, uint8(1), newPowers, until, uint32(number))
        );
        bool expected = newPowers != 0 && number > sequence;
        send(signedBy(operation, _patientKey), expected);
        if (!expected) return;
        (powers, delegationEnds, sequence) = (newPowers, until, number);
    }

    function dismiss(uint8 number) external {
        Operation memory operation = draft(
            Kinds.DISMISS_DELEGATE,
            vm.addr(PATIENT),
            abi.encode(vm.addr(PATIENT), vm.addr(DELEGATE), COMPARTMENT, uint32(number))
        );
        send(signedBy(operation, _patientKey), true);
        powers = 0;
        if (number > sequence) sequence = number;
    }

    function breakTheGlass(uint32 duration) external {
        duration = duration % 2 days;
        bool expected = !emergencyOff && duration != 0 && duration <= 1 days;
        send(openEmergency(OTHER_DOCTOR, OTHER_CLINIC, duration), expected);
        if (!expected) return;
        emergencyEnds = _now + duration;
        ++emergencies;
    }

    function switchOff() external {
        Operation memory operation = draft(
            Kinds.SWITCH_EMERGENCY, vm.addr(PATIENT), abi.encode(vm.addr(PATIENT), uint8(0), uint32(0))
        );
        send(signedBy(operation, _patientKey), true);
        emergencyOff = true;
    }

    function rotateKeys() external {
        uint256 next = 0xAA000 + _keyCount;
        send(rotate(PATIENT, _patientKey, next), true);
        _patientKey = next;
        ++_keyCount;
    }

    function replay(uint256 which) external {
        if (_sent.length != 0) send(_sent[which % _sent.length], false);
    }

    function wait(uint16 time) external {
        _now += time;
        vm.warp(_now);
        granted = granted && consents.grantOf(vm.addr(PATIENT), COMPARTMENT, CLINIC).validUntil == 0;
    }

    function reads(uint256 doctor, bytes32 organization) public view returns (bool) {
        return consents.canRead(vm.addr(PATIENT), COMPARTMENT, vm.addr(doctor), organization, _now);
    }

    function grantReaches() external view returns (bool) {
        return !granted || reads(DOCTOR, CLINIC);
    }

    function emergencyIsRight() external view returns (bool) {
        return reads(OTHER_DOCTOR, OTHER_CLINIC) == (!emergencyOff && _now < emergencyEnds);
    }

    function historyIsWhole() external view returns (bool) {
        return consents.emergencyCountOf(vm.addr(PATIENT)) == emergencies
            && directory.keyCountOf(vm.addr(PATIENT)) == _keyCount
            && consents.epochOf(vm.addr(PATIENT), COMPARTMENT) == epoch && directory.patientCount() == 2;
    }

    function othersStayOut() external view returns (bool) {
        return !consents.canRead(vm.addr(OTHER_PATIENT), COMPARTMENT, vm.addr(DOCTOR), CLINIC, _now)
            && !reads(DELEGATE, bytes32(0)) && !reads(AUDITOR, CLINIC) && !reads(DOCTOR, OTHER_CLINIC);
    }
}

contract AccessInvariantsTest {
    Household private household;

    function setUp() public {
        household = new Household();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(household);
    }

    /// @dev Only the patient, a guardian within limits, or an emergency opens; a revocation always counts; nothing replays.
    function invariant_EveryOperationDoesWhatTheModelSays() public view {
        require(!household.wrong());
    }

    function invariant_GrantsReachAndEmergenciesEnd() public view {
        require(household.grantReaches() && household.emergencyIsRight());
    }

    function invariant_NothingIsDeletedAndVersionsOnlyGrow() public view {
        require(household.historyIsWhole());
    }

    function invariant_OthersStayOut() public view {
        require(household.othersStayOut());
    }
}
