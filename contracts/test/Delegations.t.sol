// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessRequests} from "../src/AccessRequests.sol";
import {Consents} from "../src/Consents.sol";
import {Delegations} from "../src/Delegations.sol";
import {Emergencies} from "../src/Emergencies.sol";
import {Module} from "../src/Module.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

contract DelegationsTest is Fixture {
    uint256 private constant DELEGATE = 0x9001;
    address private patient;
    address private delegate;

    function setUp() public override {
        super.setUp();
        patient = vm.addr(PATIENT);
        delegate = vm.addr(DELEGATE);
    }

    function appoint(bytes32 compartment, uint8 powers, uint64 until, uint32 sequence)
        private
        returns (Operation memory)
    {
        return make(
            Kinds.APPOINT_DELEGATE, PATIENT, abi.encode(patient, delegate, compartment, uint8(2), powers, until, sequence)
        );
    }

    function dismiss(uint256 actor, bytes32 compartment, uint32 sequence) private returns (Operation memory) {
        return make(Kinds.DISMISS_DELEGATE, actor, abi.encode(patient, delegate, compartment, sequence));
    }

    function byDelegate(Operation memory operation) private view returns (Operation memory) {
        operation.actor = delegate;
        return signedBy(operation, DELEGATE);
    }

    function grantUntil(uint64 until) private returns (Operation memory) {
        return byDelegate(grant(CLINIC, 3, 0, until, consents.epochOf(patient, COMPARTMENT)));
    }

    function patientRequired() private view returns (bytes memory) {
        return abi.encodeWithSelector(Module.PatientRequired.selector, patient);
    }

    function powerMissing(uint8 power) private view returns (bytes memory) {
        return abi.encodeWithSelector(Delegations.PowerMissing.selector, delegate, power);
    }

    function test_DelegateGrantsAndRevokesWithinItsPowers() public {
        mustReject(grantUntil(0), patientRequired());
        mustApply(appoint(COMPARTMENT, 1, 0, 1));
        mustApply(grantUntil(0));
        mustReject(byDelegate(revoke(CLINIC, 1)), powerMissing(2));
        mustApply(appoint(COMPARTMENT, 3, 0, 2));
        mustApply(byDelegate(revoke(CLINIC, 1)));
        require(!consents.canRead(patient, COMPARTMENT, vm.addr(DOCTOR), CLINIC, START));
        require(consents.delegationCountOf(patient) == 1, "the same appointment, changed");
        require(consents.delegationAt(patient, 0).delegate == delegate);
        require(consents.delegationAt(patient, 0).compartment == COMPARTMENT);
    }

    function test_DelegateOfOneCompartmentHasNoOther() public {
        mustApply(appoint(keccak256("another compartment"), 3, 0, 1));
        mustReject(grantUntil(0), patientRequired());
        require(!consents.hasPower(patient, delegate, COMPARTMENT, 1));
        mustApply(appoint(bytes32(0), 3, 0, 1));
        require(consents.hasPower(patient, delegate, COMPARTMENT, 1));
        mustApply(grantUntil(0));
    }

    function test_PatientHasAllPowers() public view {
        require(consents.hasPower(patient, patient, COMPARTMENT, 7));
        require(!consents.hasPower(delegate, delegate, COMPARTMENT, 1));
        require(!consents.hasPower(patient, delegate, COMPARTMENT, 1));
    }

    function testFuzz_WhatADelegateGrantsEndsWithTheAppointment(uint40 until, uint40 second) public {
        uint64 limit = START + 1000;
        mustApply(appoint(bytes32(0), 3, limit, 1));
        Operation memory operation = grantUntil(until);
        if (until == 0 || until > limit) {
            mustReject(operation, abi.encodeWithSelector(Delegations.BeyondDelegation.selector, limit));
            return;
        }
        mustApply(operation);
        require(second < limit || !consents.canRead(patient, COMPARTMENT, vm.addr(DOCTOR), CLINIC, second));
    }

    function testFuzz_OfTwoAppointmentsTheLongerCounts(uint16 everywhere, uint16 here) public {
        mustApply(appoint(bytes32(0), 1, everywhere == 0 ? 0 : START + everywhere, 1));
        mustApply(appoint(COMPARTMENT, 1, here == 0 ? 0 : START + here, 1));
        if (everywhere == 0 || here == 0) {
            mustApply(grantUntil(0));
            return;
        }
        uint64 longer = START + (everywhere > here ? everywhere : here);
        mustReject(grantUntil(0), abi.encodeWithSelector(Delegations.BeyondDelegation.selector, longer));
        mustApply(grantUntil(longer));
    }

    function test_LongerOfTwoAppointments() public {
        mustApply(appoint(bytes32(0), 1, START + 10, 1));
        mustApply(appoint(COMPARTMENT, 1, START + 20, 1));
        mustApply(grantUntil(START + 20));
        mustApply(appoint(COMPARTMENT, 1, 0, 2));
        mustApply(grantUntil(0));
        mustApply(appoint(COMPARTMENT, 1, START + 5, 3));
        mustReject(grantUntil(0), abi.encodeWithSelector(Delegations.BeyondDelegation.selector, START + 10));
        mustApply(grantUntil(START + 10));
    }

    function test_AppointmentEnds() public {
        mustApply(appoint(COMPARTMENT, 3, START + 10, 1));
        vm.warp(START + 9);
        mustApply(grantUntil(START + 10));
        vm.warp(START + 10);
        mustReject(grantUntil(START + 10), powerMissing(1));
        require(!consents.hasPower(patient, delegate, COMPARTMENT, 1));
    }

    function test_ChangeNeedsBothPowers() public {
        mustApply(appoint(COMPARTMENT, 1, START + 100, 1));
        mustApply(grantUntil(START + 50));
        bytes memory payload = abi.encode(
            patient, COMPARTMENT, CLINIC, uint8(1), uint8(1), uint64(0), uint64(START + 200), uint32(0)
        );
        mustReject(make(Kinds.CHANGE_GRANT, DELEGATE, payload), powerMissing(3));
        mustApply(appoint(COMPARTMENT, 3, START + 100, 2));
        mustReject(
            make(Kinds.CHANGE_GRANT, DELEGATE, payload),
            abi.encodeWithSelector(Delegations.BeyondDelegation.selector, uint64(START + 100))
        );
    }

    function test_DismissalCountsAtOnceAndTwiceIsAsOnce() public {
        mustApply(appoint(COMPARTMENT, 3, 0, 1));
        mustReject(dismiss(STRANGER, COMPARTMENT, 2), patientRequired());
        mustApply(dismiss(PATIENT, COMPARTMENT, 2));
        mustReject(grantUntil(0), powerMissing(1));
        Delegations.Delegation memory first = consents.delegationOf(patient, delegate, COMPARTMENT);
        require(first.powers == 0 && first.dismissedAt == START && first.sequence == 2);
        vm.warp(START + 5);
        mustApply(dismiss(PATIENT, COMPARTMENT, 1));
        Delegations.Delegation memory second = consents.delegationOf(patient, delegate, COMPARTMENT);
        require(keccak256(abi.encode(first)) == keccak256(abi.encode(second)));
    }

    function test_AppointmentHeldBackUntilAfterTheDismissalIsRefused() public {
        Operation memory heldBack = appoint(COMPARTMENT, 3, 0, 1);
        mustApply(dismiss(PATIENT, COMPARTMENT, 1));
        mustReject(heldBack, abi.encodeWithSelector(Delegations.SequencePassed.selector, uint32(1)));
        mustApply(appoint(COMPARTMENT, 3, 0, 2));
    }

    function test_DelegateResigns() public {
        mustApply(appoint(COMPARTMENT, 3, 0, 1));
        mustApply(dismiss(DELEGATE, COMPARTMENT, type(uint32).max));
        require(consents.delegationOf(patient, delegate, COMPARTMENT).powers == 0);
        mustApply(appoint(COMPARTMENT, 3, 0, 2));
    }

    function test_DelegateDoesNotAppoint() public {
        mustApply(appoint(bytes32(0), 7, 0, 1));
        mustReject(
            make(
                Kinds.APPOINT_DELEGATE,
                DELEGATE,
                abi.encode(patient, vm.addr(STRANGER), COMPARTMENT, uint8(2), uint8(7), uint64(0), uint32(1))
            ),
            patientRequired()
        );
    }

    function testFuzz_CapacityAndPowersMustExist(uint8 capacity, uint8 powers) public {
        capacity %= 4;
        bytes memory payload = abi.encode(patient, delegate, COMPARTMENT, capacity, powers, uint64(0), uint32(1));
        Operation memory operation = make(Kinds.APPOINT_DELEGATE, PATIENT, payload);
        if (capacity == 1 || capacity == 2) {
            if (powers >= 1 && powers <= 7) {
                mustApply(operation);
                return;
            }
        }
        mustReject(
            operation, abi.encodeWithSelector(Delegations.DelegationInvalid.selector, delegate, capacity, powers)
        );
    }

    function test_DelegateIsSomebodyElse() public {
        address[2] memory wrong = [address(0), patient];
        for (uint256 i = 0; i < 2; ++i) {
            mustReject(
                make(
                    Kinds.APPOINT_DELEGATE,
                    PATIENT,
                    abi.encode(patient, wrong[i], COMPARTMENT, uint8(1), uint8(1), uint64(0), uint32(1))
                ),
                abi.encodeWithSelector(Delegations.DelegationInvalid.selector, wrong[i], uint8(1), uint8(1))
            );
        }
    }

    function test_OnlyARegisteredPatientDecides() public {
        address stranger = vm.addr(STRANGER);
        mustReject(
            make(
                Kinds.APPOINT_DELEGATE,
                STRANGER,
                abi.encode(stranger, delegate, COMPARTMENT, uint8(1), uint8(1), uint64(0), uint32(1))
            ),
            abi.encodeWithSelector(Delegations.PatientUnknown.selector, stranger)
        );
        mustReject(
            make(Kinds.REVOKE, DELEGATE, abi.encode(stranger, COMPARTMENT, CLINIC, uint32(1), bytes32(0))),
            abi.encodeWithSelector(Module.PatientRequired.selector, stranger)
        );
    }

    // --- Requests

    function requestAccess(uint256 actor, bytes32 organization, uint8 access, uint8 purpose)
        private
        returns (Operation memory)
    {
        return make(
            Kinds.REQUEST_ACCESS,
            actor,
            abi.encode(patient, COMPARTMENT, organization, access, purpose, uint64(0), keccak256("a reason"))
        );
    }

    function approveRequest(uint256 actor, bytes32 request) private returns (Operation memory) {
        return make(
            Kinds.APPROVE_REQUEST,
            actor,
            abi.encode(
                patient, request, COMPARTMENT, uint8(1), uint8(1), uint64(0), uint64(0), uint32(0), bytes32(0)
            )
        );
    }

    function declineRequest(uint256 actor, bytes32 request) private returns (Operation memory) {
        return make(Kinds.DECLINE_REQUEST, actor, abi.encode(patient, request, bytes32(0)));
    }

    function notOpen(bytes32 request, uint8 state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessRequests.RequestNotOpen.selector, request, state);
    }

    function test_RequestOpensNothingUntilItIsApproved() public {
        Operation memory asked = requestAccess(OTHER_DOCTOR, OTHER_CLINIC, 3, 1);
        mustApply(asked);
        address other = vm.addr(OTHER_DOCTOR);
        require(!consents.canRead(patient, COMPARTMENT, other, OTHER_CLINIC, START));
        require(consents.requestOf(asked.opId).state == 1 && consents.requestOf(asked.opId).grantee == OTHER_CLINIC);
        require(consents.requestCountOf(patient) == 1 && consents.requestAt(patient, 0) == asked.opId);
        mustReject(approveRequest(OTHER_DOCTOR, asked.opId), patientRequired());
        mustApply(approveRequest(PATIENT, asked.opId));
        require(consents.canRead(patient, COMPARTMENT, other, OTHER_CLINIC, START), "what the patient approved");
        require(!consents.canWrite(patient, COMPARTMENT, other, OTHER_CLINIC, START), "not all that was asked for");
        mustReject(approveRequest(PATIENT, asked.opId), notOpen(asked.opId, 2));
        mustReject(declineRequest(PATIENT, asked.opId), notOpen(asked.opId, 2));
    }

    function test_DeclinedRequestStaysDeclined() public {
        Operation memory asked = requestAccess(DOCTOR, bytes32(0), 1, 1);
        mustApply(asked);
        require(consents.requestOf(asked.opId).grantee == toPerson(DOCTOR));
        mustReject(declineRequest(STRANGER, asked.opId), patientRequired());
        mustApply(declineRequest(PATIENT, asked.opId));
        mustReject(approveRequest(PATIENT, asked.opId), notOpen(asked.opId, 3));
    }

    function test_RequestIsAnsweredByItsPatient() public {
        Operation memory asked = requestAccess(DOCTOR, CLINIC, 1, 1);
        mustApply(asked);
        Operation memory answer = make(
            Kinds.DECLINE_REQUEST, OTHER_PATIENT, abi.encode(vm.addr(OTHER_PATIENT), asked.opId, bytes32(0))
        );
        mustReject(answer, notOpen(asked.opId, 1));
        mustApply(appoint(COMPARTMENT, 1, 0, 1));
        mustApply(declineRequest(DELEGATE, asked.opId));
    }

    function test_OnlyThoseWhoCareAsk() public {
        mustReject(requestAccess(AUDITOR, CLINIC, 1, 1), notAuthorized(AUDITOR));
        mustReject(requestAccess(STRANGER, bytes32(0), 1, 1), notAuthorized(STRANGER));
        mustReject(
            requestAccess(DOCTOR, CLINIC, 0, 1), abi.encodeWithSelector(Consents.AccessInvalid.selector, uint8(0))
        );
        mustReject(
            requestAccess(DOCTOR, CLINIC, 1, 7), abi.encodeWithSelector(Consents.PurposeInvalid.selector, uint8(7))
        );
        patient = vm.addr(STRANGER);
        mustReject(
            requestAccess(DOCTOR, CLINIC, 1, 1), abi.encodeWithSelector(Delegations.PatientUnknown.selector, patient)
        );
    }

    // --- Emergency

    function switchEmergency(uint256 actor, uint8 allowed, uint32 sequence) private returns (Operation memory) {
        return make(Kinds.SWITCH_EMERGENCY, actor, abi.encode(patient, allowed, sequence));
    }

    function test_EmergencyOpensForAShortTimeAndIsRecorded() public {
        address doctor = vm.addr(OTHER_DOCTOR);
        require(!consents.canRead(patient, COMPARTMENT, doctor, OTHER_CLINIC, START));
        mustApply(openEmergency(OTHER_DOCTOR, OTHER_CLINIC, 60));
        require(consents.canRead(patient, COMPARTMENT, doctor, OTHER_CLINIC, START));
        require(consents.canWrite(patient, keccak256("any"), doctor, OTHER_CLINIC, START + 59));
        require(!consents.canRead(patient, COMPARTMENT, doctor, OTHER_CLINIC, START + 60), "bounded");
        require(!consents.canRead(patient, COMPARTMENT, doctor, OTHER_CLINIC, START - 1), "not before");
        require(!consents.canRead(patient, COMPARTMENT, doctor, bytes32(0), START), "not as a person");
        require(!consents.canRead(patient, COMPARTMENT, vm.addr(DOCTOR), CLINIC, START), "for nobody else");
        require(consents.emergencyCountOf(patient) == 1);
        Emergencies.Emergency memory kept = consents.emergencyAt(patient, 0);
        require(kept.practitioner == doctor && kept.organization == OTHER_CLINIC && kept.endsAt == START + 60);
        mustApply(suspendMember(OTHER_CLINIC, OTHER_ADMIN, OTHER_DOCTOR, 1));
        require(!consents.canRead(patient, COMPARTMENT, doctor, OTHER_CLINIC, START), "a suspended one cannot");
    }

    function test_OnlyAPractitionerBreaksTheGlass() public {
        uint256[4] memory others = [REGISTRAR, ADMIN, AUDITOR, STRANGER];
        for (uint256 i = 0; i < 4; ++i) {
            mustReject(openEmergency(others[i], CLINIC, 60), notAuthorized(others[i]));
        }
        mustReject(openEmergency(DOCTOR, OTHER_CLINIC, 60), notAuthorized(DOCTOR));
        mustReject(
            make(Kinds.OPEN_EMERGENCY, DOCTOR, abi.encode(vm.addr(STRANGER), CLINIC, KEY, uint32(60))),
            abi.encodeWithSelector(Delegations.PatientUnknown.selector, vm.addr(STRANGER))
        );
    }

    function testFuzz_EmergencyIsBoundedAndHasAReason(uint32 duration) public {
        bytes4 invalid = Emergencies.EmergencyInvalid.selector;
        mustReject(
            make(Kinds.OPEN_EMERGENCY, DOCTOR, abi.encode(patient, CLINIC, bytes32(0), uint32(60))),
            abi.encodeWithSelector(invalid, bytes32(0), uint32(60), uint32(1 days))
        );
        for (uint256 i = 0; i < 2; ++i) {
            if (i == 1) duration %= 1 days + 2;
            Operation memory operation = openEmergency(DOCTOR, CLINIC, duration);
            if (duration == 0 || duration > 1 days) {
                mustReject(
                    operation, abi.encodeWithSelector(invalid, keccak256("a reason"), duration, uint32(1 days))
                );
            } else {
                mustApply(operation);
            }
        }
    }

    function test_PatientSwitchesEmergencyAccessOffAndOn() public {
        mustApply(openEmergency(DOCTOR, CLINIC, 60));
        mustApply(switchEmergency(PATIENT, 0, 1));
        require(!consents.emergencyAllowed(patient));
        require(!consents.canRead(patient, COMPARTMENT, vm.addr(DOCTOR), CLINIC, START), "what is open ends too");
        bytes memory off = abi.encodeWithSelector(Emergencies.EmergencySwitchedOff.selector, patient);
        mustReject(openEmergency(DOCTOR, CLINIC, 60), off);
        mustReject(
            switchEmergency(PATIENT, 1, 1), abi.encodeWithSelector(Delegations.SequencePassed.selector, uint32(1))
        );
        mustApply(switchEmergency(PATIENT, 1, 2));
        mustApply(openEmergency(DOCTOR, CLINIC, 60));
        mustApply(switchEmergency(PATIENT, 0, 0));
        mustReject(openEmergency(DOCTOR, CLINIC, 60), off);
        mustReject(
            switchEmergency(PATIENT, 2, 9), abi.encodeWithSelector(Emergencies.SwitchInvalid.selector, uint8(2))
        );
    }

    function test_DelegateSwitchesWithThatPowerOnly() public {
        mustReject(switchEmergency(DELEGATE, 0, 1), patientRequired());
        mustApply(appoint(bytes32(0), 3, 0, 1));
        mustReject(switchEmergency(DELEGATE, 0, 1), powerMissing(4));
        mustApply(appoint(bytes32(0), 7, 0, 2));
        mustApply(switchEmergency(DELEGATE, 0, 1));
    }
}
