// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consents} from "../src/Consents.sol";
import {Delegations} from "../src/Delegations.sol";
import {Module} from "../src/Module.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {RoleCache} from "../src/RoleCache.sol";
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
        mustReject(operation, abi.encodeWithSelector(Delegations.PatientUnknown.selector, stranger));
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

    function testFuzz_GrantCountsWithinItsWindowOnly(uint64 from, uint64 until, uint64 second, bool far) public {
        if (!far) (from, until) = (from % (1 << 40), until % (1 << 40));
        Operation memory operation = grant(CLINIC, 3, from, until, 0);
        if ((until != 0 && until <= from) || from > type(uint40).max || until > type(uint40).max) {
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

    function test_GranteeMustNotBeZero() public {
        mustReject(grant(bytes32(0), 3, 0), abi.encodeWithSelector(Consents.GranteeInvalid.selector));
    }

    // --- Change

    function change(uint256 actor, bytes32 grantee, uint8 access, uint32 epoch) private returns (Operation memory) {
        return make(
            Kinds.CHANGE_GRANT,
            actor,
            abi.encode(patient, COMPARTMENT, grantee, access, uint8(4), uint64(0), uint64(START + 50), epoch)
        );
    }

    function test_GrantIsChangedUnderTheSameKeys() public {
        mustApply(grant(CLINIC, 3, 0));
        mustApply(grant(toPerson(OTHER_DOCTOR), 3, 0));
        mustApply(change(PATIENT, CLINIC, 1, 0));
        mustApply(change(PATIENT, toPerson(OTHER_DOCTOR), 2, 0));
        require(canRead(doctor, CLINIC) && !canWrite(doctor, CLINIC));
        require(canWrite(vm.addr(OTHER_DOCTOR), bytes32(0)) && !canRead(vm.addr(OTHER_DOCTOR), bytes32(0)));
        require(!consents.canRead(patient, COMPARTMENT, doctor, CLINIC, START + 50));
        Consents.GrantState memory state = consents.grantOf(patient, COMPARTMENT, CLINIC);
        require(state.purpose == 4 && state.validUntil == START + 50 && state.validFrom == 0 && state.revokedAt == 0);
    }

    function test_OnlyWhatStandsIsChanged() public {
        mustReject(change(PATIENT, CLINIC, 1, 0), abi.encodeWithSelector(Consents.GrantUnknown.selector, CLINIC));
        mustApply(grant(CLINIC, 3, 0));
        Operation memory heldBack = change(PATIENT, CLINIC, 3, 0);
        mustApply(revoke(CLINIC, 1));
        mustReject(heldBack, abi.encodeWithSelector(Consents.EpochPassed.selector, uint32(1)));
        mustReject(change(PATIENT, CLINIC, 3, 1), abi.encodeWithSelector(Consents.GrantUnknown.selector, CLINIC));
    }

    /// @dev The first grantee's terms stand with the epoch, the others' apart: both must obey the same rules.
    function testFuzz_EveryGranteeIsTreatedAlike(uint8 order, uint8 access) public {
        access = access % 3 + 1;
        bytes32[3] memory grantees = [CLINIC, OTHER_CLINIC, toPerson(DOCTOR)];
        for (uint256 i = 0; i < 3; ++i) {
            mustApply(grant(grantees[(i + order) % 3], access, 0));
        }
        for (uint32 i = 0; i < 3; ++i) {
            bytes32 grantee = grantees[(i + uint32(order) * 2) % 3];
            require(consents.grantOf(patient, COMPARTMENT, grantee).access == access);
            mustApply(revoke(grantee, 0));
            require(consents.grantOf(patient, COMPARTMENT, grantee).access == 0);
            require(consents.grantOf(patient, COMPARTMENT, grantee).revokedAt == START);
            require(consents.epochOf(patient, COMPARTMENT) == i + 1);
        }
        require(!canRead(doctor, CLINIC) && !canRead(doctor, bytes32(0)) && !canWrite(doctor, CLINIC));
        for (uint256 i = 0; i < 3; ++i) {
            mustApply(grant(grantees[i], 3, 3));
        }
        require(canWrite(doctor, CLINIC) && canRead(doctor, bytes32(0)));
        require(canWrite(vm.addr(OTHER_DOCTOR), OTHER_CLINIC));
    }

    function testFuzz_NobodyElseOpensACompartment(uint8 who, uint8 kind) public {
        uint256[5] memory others = [OTHER_PATIENT, DOCTOR, ADMIN, REGISTRAR, STRANGER];
        uint256 other = others[who % 5];
        Operation memory operation = grant(CLINIC, 3, 0);
        if (kind % 2 == 1) operation = change(PATIENT, CLINIC, 3, 0);
        operation.actor = vm.addr(other);
        mustReject(signedBy(operation, other), abi.encodeWithSelector(Module.PatientRequired.selector, patient));
        require(!canRead(doctor, CLINIC) && !canWrite(doctor, CLINIC));
    }

    // --- What a batch remembers of roles

    function test_RolesThatChangeInTheBatchCountAtOnce() public {
        mustApply(grant(CLINIC, 3, 0));
        Operation[] memory batch = new Operation[](7);
        batch[0] = commit(DOCTOR, CLINIC, 0, keccak256("one"));
        batch[1] = suspendMember(CLINIC, ADMIN, DOCTOR, 1);
        batch[2] = commit(DOCTOR, CLINIC, 0, keccak256("two"));
        batch[3] = suspendMember(CLINIC, ADMIN, DOCTOR, 0);
        batch[4] = commit(DOCTOR, CLINIC, 0, keccak256("three"));
        batch[5] = suspendOrganization(CLINIC, 1);
        batch[6] = commit(DOCTOR, CLINIC, 0, keccak256("four"));
        bytes[] memory reasons = submitAll(batch);
        require(reasons[0].length == 0 && reasons[4].length == 0, "while active");
        require(bytes4(reasons[2]) == Consents.WriteNotGranted.selector, "suspended member");
        require(bytes4(reasons[6]) == Consents.WriteNotGranted.selector, "suspended organization");
    }

    function test_OnlyTheDirectorySaysThatRolesChanged() public {
        vm.expectRevert(abi.encodeWithSelector(RoleCache.DirectoryRequired.selector, address(this)));
        consents.forgetRoles();
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
