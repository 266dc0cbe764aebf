// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consents} from "../src/Consents.sol";
import {Module} from "../src/Module.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

contract ConsentsTest is Fixture {
    address private patient;
    address private doctor;

    function setUp() public override {
        super.setUp();
        patient = vm.addr(PATIENT);
        doctor = vm.addr(DOCTOR);
    }

    function canWrite(address author, bytes32 organization) private view returns (bool) {
        return consents.canWrite(patient, COMPARTMENT, author, organization, START);
    }

    function canRead(address reader, bytes32 organization) private view returns (bool) {
        return consents.canRead(patient, COMPARTMENT, reader, organization, START);
    }

    function test_GrantToAnOrganizationReachesThoseWhoCare() public {
        mustApply(grant(CLINIC, 3, 0));
        require(canWrite(doctor, CLINIC) && canRead(doctor, CLINIC));
        require(canWrite(vm.addr(REGISTRAR), CLINIC));
        require(!canRead(vm.addr(ADMIN), CLINIC), "an admin has no clinical data by that role");
        require(!canRead(vm.addr(AUDITOR), CLINIC));
        require(!canRead(vm.addr(OTHER_DOCTOR), CLINIC) && !canRead(vm.addr(OTHER_DOCTOR), OTHER_CLINIC));
        require(!canRead(doctor, bytes32(0)), "not as a person");
    }

    function test_GrantToAPersonIsThatPersons() public {
        mustApply(grant(toPerson(DOCTOR), 1, 0));
        require(canRead(doctor, bytes32(0)) && !canWrite(doctor, bytes32(0)));
        require(!canRead(vm.addr(OTHER_DOCTOR), bytes32(0)) && !canRead(doctor, CLINIC));
    }

    function test_PatientNeedsNoGrant() public view {
        require(canRead(patient, bytes32(0)) && canWrite(patient, bytes32(0)));
        address stranger = vm.addr(STRANGER);
        require(!consents.canWrite(stranger, COMPARTMENT, stranger, bytes32(0), START), "unless unregistered");
    }

    function test_OnlyThePatientGrantsAndRevokes() public {
        Operation memory operation = grant(CLINIC, 3, 0);
        operation.actor = doctor;
        bytes memory reason = abi.encodeWithSelector(Module.PatientRequired.selector, patient);
        mustReject(signedBy(operation, DOCTOR), reason);
        operation = revoke(CLINIC, 1);
        operation.actor = vm.addr(OTHER_PATIENT);
        mustReject(signedBy(operation, OTHER_PATIENT), reason);
    }

    function test_GrantOfAnUnregisteredPatientIsRefused() public {
        address stranger = vm.addr(STRANGER);
        Operation memory operation = make(
            Kinds.GRANT,
            STRANGER,
            abi.encode(
                stranger, COMPARTMENT, CLINIC, uint8(3), uint8(1), uint64(0), uint64(0), uint32(0), bytes32(0)
            )
        );
        mustReject(operation, abi.encodeWithSelector(Consents.PatientUnknown.selector, stranger));
    }

    function test_RevocationCountsAtOnceAndTwiceIsAsOnce() public {
        mustApply(grant(CLINIC, 3, 0));
        mustApply(revoke(CLINIC, 1));
        require(!canRead(doctor, CLINIC) && !canWrite(doctor, CLINIC));
        Consents.GrantState memory first = consents.grantOf(patient, COMPARTMENT, CLINIC);
        require(first.access == 0 && first.revokedAt == START);
        vm.warp(START + 60);
        mustApply(revoke(CLINIC, 1));
        Consents.GrantState memory second = consents.grantOf(patient, COMPARTMENT, CLINIC);
        require(keccak256(abi.encode(first)) == keccak256(abi.encode(second)), "only the epoch moves");
        require(consents.epochOf(patient, COMPARTMENT) == 2);
    }

    function test_RevocationInTheSameBatchCountsForWhatFollows() public {
        Operation[] memory batch = new Operation[](4);
        batch[0] = grant(CLINIC, 3, 0);
        batch[1] = commit(DOCTOR, CLINIC, 0, keccak256("before"));
        batch[2] = revoke(CLINIC, 1);
        batch[3] = commit(DOCTOR, CLINIC, 1, keccak256("after"));
        bytes[] memory reasons = submitAll(batch);
        require(reasons[0].length == 0 && reasons[1].length == 0 && reasons[2].length == 0);
        require(bytes4(reasons[3]) == Consents.WriteNotGranted.selector);
    }

    function test_OneRevocationEndsAllGrantsToAGrantee() public {
        mustApply(grant(CLINIC, 3, 0));
        mustApply(grant(CLINIC, 1, 0));
        require(!canWrite(doctor, CLINIC), "the later grant replaced the former");
        mustApply(grant(CLINIC, 3, 0));
        mustApply(revoke(CLINIC, 1));
        require(!canRead(doctor, CLINIC) && !canWrite(doctor, CLINIC));
    }

    function test_GrantHeldBackUntilAfterTheRevocationIsRefused() public {
        Operation memory heldBack = grant(CLINIC, 3, 0);
        mustApply(revoke(CLINIC, 1));
        mustReject(heldBack, abi.encodeWithSelector(Consents.EpochPassed.selector, uint32(1)));
        mustApply(grant(CLINIC, 3, 1));
        require(canWrite(doctor, CLINIC));
    }

    function test_RevocationOfOneLeavesTheOthers() public {
        mustApply(grant(CLINIC, 3, 0));
        mustApply(grant(toPerson(OTHER_DOCTOR), 3, 0));
        mustApply(revoke(CLINIC, 1));
        require(canWrite(vm.addr(OTHER_DOCTOR), bytes32(0)));
    }

    function testFuzz_EpochOnlyGrows(uint32[8] memory claimed) public {
        uint32 before = 0;
        for (uint256 i = 0; i < claimed.length; ++i) {
            mustApply(revoke(CLINIC, claimed[i]));
            uint32 epoch = consents.epochOf(patient, COMPARTMENT);
            bool last = before == type(uint32).max;
            uint32 next = last ? before : before + 1;
            require(epoch == (claimed[i] > next ? claimed[i] : next));
            before = epoch;
        }
    }

    function test_RevocationWorksInTheLastEpoch() public {
        mustApply(revoke(CLINIC, type(uint32).max));
        mustApply(grant(CLINIC, 3, type(uint32).max));
        mustApply(revoke(CLINIC, 0));
        require(!canRead(doctor, CLINIC));
    }

    function testFuzz_GrantCountsWithinItsWindowOnly(uint64 from, uint64 until, uint64 second) public {
        Operation memory operation = grant(CLINIC, 3, from, until, 0);
        if (until != 0 && until <= from) {
            mustReject(operation, abi.encodeWithSelector(Consents.ValidityInvalid.selector, from, until));
            return;
        }
        mustApply(operation);
        bool inside = second >= from && (until == 0 || second < until);
        require(consents.canWrite(patient, COMPARTMENT, doctor, CLINIC, second) == inside);
        require(consents.canRead(patient, COMPARTMENT, doctor, CLINIC, second) == inside);
    }

    function testFuzz_AccessAndPurposeMustExist(uint8 access, uint8 purpose) public {
        Operation memory operation = make(
            Kinds.GRANT,
            PATIENT,
            abi.encode(patient, COMPARTMENT, CLINIC, access, purpose, uint64(0), uint64(0), uint32(0), bytes32(0))
        );
        if (access == 0 || access > 3) {
            mustReject(operation, abi.encodeWithSelector(Consents.AccessInvalid.selector, access));
        } else if (purpose == 0 || purpose > 6) {
            mustReject(operation, abi.encodeWithSelector(Consents.PurposeInvalid.selector, purpose));
        } else {
            mustApply(operation);
            require(canRead(doctor, CLINIC) == (access & 1 != 0) && canWrite(doctor, CLINIC) == (access & 2 != 0));
        }
    }

    function test_SuspensionEndsWhatAGrantAllows() public {
        mustApply(grant(CLINIC, 3, 0));
        mustApply(grant(toPerson(DOCTOR), 3, 0));
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        require(!canWrite(doctor, CLINIC) && !canWrite(doctor, bytes32(0)), "a suspended member");
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 0));
        mustApply(suspendOrganization(CLINIC, 1));
        require(!canWrite(doctor, CLINIC) && !canWrite(doctor, bytes32(0)), "a suspended organization");
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, DOCTOR, ROLE_PRACTITIONER));
        require(canWrite(doctor, bytes32(0)) && !canWrite(doctor, CLINIC), "active elsewhere");
    }
}
