// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consents} from "../src/Consents.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Operations} from "../src/Operations.sol";
import {Records} from "../src/Records.sol";
import {Fixture} from "./support/Fixture.sol";

contract RecordsTest is Fixture {
    bytes32 private constant DIGEST = keccak256("a commit");
    address private patient;

    function setUp() public override {
        super.setUp();
        patient = vm.addr(PATIENT);
        mustApply(grant(CLINIC, 3, 0));
    }

    /// @dev A commit whose operation has the commit's digest as its identifier.
    function cheapCommit(bytes32 digest) private returns (Operation memory operation) {
        operation = commit(DOCTOR, CLINIC, 0, digest);
        operation.opId = digest;
        return signedBy(operation, DOCTOR);
    }

    function notGranted(uint256 author, bytes32 organization) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consents.WriteNotGranted.selector, vm.addr(author), organization);
    }

    function test_CommitIsAnchoredWithItsBlock() public {
        mustApply(commit(DOCTOR, CLINIC, 0, DIGEST));
        require(records.anchoredAt(patient, COMPARTMENT, DIGEST) == 100);
        require(records.anchoredAt(patient, keccak256("elsewhere"), DIGEST) == 0);
        require(records.commitCount() == 1);
    }

    function test_CommitIsAnchoredOncePerCompartment() public {
        bytes memory reason = abi.encodeWithSelector(Records.CommitAnchored.selector, DIGEST, uint64(100));
        mustApply(commit(DOCTOR, CLINIC, 0, DIGEST));
        vm.roll(101);
        mustReject(commit(DOCTOR, CLINIC, 0, DIGEST), reason);
        mustReject(cheapCommit(DIGEST), abi.encodeWithSelector(Operations.OpIdUsed.selector, DIGEST, uint64(100)));
        mustReject(commit(PATIENT, bytes32(0), 0, DIGEST), reason);
        require(records.commitCount() == 1);
    }

    function test_CommitWhoseDigestIsItsIdentifierIsAnchoredOnceToo() public {
        Operation memory operation = cheapCommit(DIGEST);
        mustApply(operation);
        require(records.anchoredAt(patient, COMPARTMENT, DIGEST) == 100);
        require(records.anchoredAt(patient, keccak256("elsewhere"), DIGEST) == 0);
        mustReject(operation, abi.encodeWithSelector(Operations.OpIdUsed.selector, DIGEST, uint64(100)));
        mustReject(
            commit(DOCTOR, CLINIC, 0, DIGEST),
            abi.encodeWithSelector(Records.CommitAnchored.selector, DIGEST, uint64(100))
        );
        require(records.commitCount() == 1);
    }

    function test_IdentifierTakenByAnotherOperationDoesNotKeepTheCommitOut() public {
        Operation memory squatter = make(
            Kinds.CLAIM_IDENTIFIER, OTHER_PATIENT, abi.encode(vm.addr(OTHER_PATIENT), DIGEST, uint32(1))
        );
        squatter.opId = DIGEST;
        mustApply(signedBy(squatter, OTHER_PATIENT));
        require(submit(cheapCommit(DIGEST)).length != 0);
        mustApply(commit(DOCTOR, CLINIC, 0, DIGEST));
        require(records.anchoredAt(patient, COMPARTMENT, DIGEST) == 100);
        mustReject(
            commit(DOCTOR, CLINIC, 0, DIGEST),
            abi.encodeWithSelector(Records.CommitAnchored.selector, DIGEST, uint64(100))
        );
        require(gateway.kindOf(DIGEST) == Kinds.CLAIM_IDENTIFIER, "the identifier is still the other operation's");
    }

    function test_ReservedIdentifierIsNoOperation() public {
        mustApply(commit(DOCTOR, CLINIC, 0, DIGEST));
        require(gateway.appliedAt(DIGEST) == 0 && gateway.kindOf(DIGEST) == 0);
    }

    function test_OnlyRecordsReservesIdentifiers() public {
        vm.expectRevert(abi.encodeWithSelector(Operations.ModuleRequired.selector, uint8(3), address(this)));
        gateway.reserve(DIGEST, bytes21(0));
    }

    function test_CommitIsWrittenInAnEmergency() public {
        mustReject(commit(OTHER_DOCTOR, OTHER_CLINIC, 0, DIGEST), notGranted(OTHER_DOCTOR, OTHER_CLINIC));
        mustApply(openEmergency(OTHER_DOCTOR, OTHER_CLINIC, 3600));
        mustApply(commit(OTHER_DOCTOR, OTHER_CLINIC, 0, DIGEST));
        vm.warp(START + 3600);
        mustReject(
            commit(OTHER_DOCTOR, OTHER_CLINIC, 0, keccak256("late")), notGranted(OTHER_DOCTOR, OTHER_CLINIC)
        );
    }

    /// @dev A commit's cost is that of its digest: what it holds, one version or 2,000, is not on the ledger.
    function test_CommitCostsTheSameHoweverMuchItHolds() public {
        mustApply(commit(DOCTOR, CLINIC, 0, keccak256("warm up")));
        uint256 one = gasOf(commit(DOCTOR, CLINIC, 0, keccak256(new bytes(1))));
        uint256 many = gasOf(commit(DOCTOR, CLINIC, 0, keccak256(new bytes(2000 * 64))));
        require(one > many ? one - many < 1000 : many - one < 1000);
    }

    function test_AuthorNeedsWriteConsent() public {
        mustReject(commit(OTHER_DOCTOR, CLINIC, 0, DIGEST), notGranted(OTHER_DOCTOR, CLINIC));
        mustReject(commit(OTHER_DOCTOR, OTHER_CLINIC, 0, DIGEST), notGranted(OTHER_DOCTOR, OTHER_CLINIC));
        mustReject(commit(DOCTOR, bytes32(0), 0, DIGEST), notGranted(DOCTOR, bytes32(0)));
        mustReject(commit(ADMIN, CLINIC, 0, DIGEST), notGranted(ADMIN, CLINIC));
        mustReject(commit(OTHER_PATIENT, bytes32(0), 0, DIGEST), notGranted(OTHER_PATIENT, bytes32(0)));
        mustApply(grant(toPerson(OTHER_DOCTOR), 2, 0));
        mustApply(commit(OTHER_DOCTOR, bytes32(0), 0, DIGEST));
    }

    function test_ReadConsentIsNotEnough() public {
        mustApply(grant(CLINIC, 1, 0));
        mustReject(commit(DOCTOR, CLINIC, 0, DIGEST), notGranted(DOCTOR, CLINIC));
    }

    function test_PatientWritesOwnRecord() public {
        mustApply(commit(PATIENT, bytes32(0), 0, DIGEST));
    }

    function test_ConsentMustBeValidInTheBlock() public {
        mustApply(grant(CLINIC, 3, START, START + 100, 0));
        vm.warp(START + 100);
        mustReject(commit(DOCTOR, CLINIC, 0, DIGEST), notGranted(DOCTOR, CLINIC));
        vm.warp(START + 99);
        mustApply(commit(DOCTOR, CLINIC, 0, DIGEST));
    }

    function testFuzz_EpochMustBeTheCurrentOne(uint32 epoch) public {
        mustApply(revoke(OTHER_CLINIC, 7));
        if (epoch == 7) mustApply(commit(DOCTOR, CLINIC, epoch, DIGEST));
        else {
            mustReject(
                commit(DOCTOR, CLINIC, epoch, DIGEST),
                abi.encodeWithSelector(Consents.EpochPassed.selector, uint32(7))
            );
        }
    }

    function test_SuspendedCannotCommit() public {
        mustApply(grant(toPerson(DOCTOR), 3, 0));
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        mustReject(commit(DOCTOR, CLINIC, 0, DIGEST), notGranted(DOCTOR, CLINIC));
        mustReject(commit(DOCTOR, bytes32(0), 0, DIGEST), notGranted(DOCTOR, bytes32(0)));
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 0));
        mustApply(suspendOrganization(CLINIC, 1));
        mustReject(commit(DOCTOR, CLINIC, 0, DIGEST), notGranted(DOCTOR, CLINIC));
        mustReject(commit(DOCTOR, bytes32(0), 0, DIGEST), notGranted(DOCTOR, bytes32(0)));
    }

    function test_CommitDigestIsNotZero() public {
        mustReject(commit(DOCTOR, CLINIC, 0, bytes32(0)), abi.encodeWithSelector(Records.CommitInvalid.selector));
    }
}
