// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governance} from "../src/Governance.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Operations} from "../src/Operations.sol";
import {Signers} from "../src/Signers.sol";
import {Fixture} from "./support/Fixture.sol";

contract GovernanceTest is Fixture {
    uint256 private constant FOURTH_GOVERNOR = 0x1004;

    function change(uint256 governor, uint8 governing, uint8 threshold) private returns (Operation memory) {
        return governed(Kinds.CHANGE_GOVERNOR, abi.encode(vm.addr(governor), governing, threshold));
    }

    function invalid() private pure returns (bytes memory) {
        return abi.encodeWithSelector(Governance.GovernorsInvalid.selector);
    }

    /// @dev Each governor's account once, no hole, and each of them is one.
    function listIsRight(uint256 count) private view {
        address[] memory accounts = gateway.governors();
        require(accounts.length == count);
        for (uint256 i = 0; i < count; ++i) {
            require(accounts[i] != address(0) && gateway.isGovernor(accounts[i]));
            for (uint256 j = 0; j < i; ++j) {
                require(accounts[i] != accounts[j]);
            }
        }
    }

    function test_GovernorsChangeByTheirThreshold() public {
        mustApply(change(FOURTH_GOVERNOR, 1, 3));
        listIsRight(4);
        require(gateway.threshold() == 3);
        Operation memory two = draft(
            Kinds.CHANGE_GOVERNOR, vm.addr(GOVERNOR), abi.encode(vm.addr(THIRD_GOVERNOR), uint8(0), uint8(1))
        );
        mustReject(
            signedBy(two, GOVERNOR, FOURTH_GOVERNOR),
            abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 3, 2)
        );
    }

    function testFuzz_WhoeverIsRemovedTheOthersStay(uint8 which) public {
        uint256[3] memory keys = [GOVERNOR, SECOND_GOVERNOR, THIRD_GOVERNOR];
        uint256 removed = keys[which % 3];
        mustApply(change(removed, 0, 2));
        listIsRight(2);
        for (uint256 i = 0; i < 3; ++i) {
            require(gateway.isGovernor(vm.addr(keys[i])) == (keys[i] != removed), "the wrong one was removed");
        }
        Operation memory admission = admitDraft(keccak256("third clinic"), STRANGER);
        uint256 other = removed == GOVERNOR ? SECOND_GOVERNOR : GOVERNOR;
        admission.actor = vm.addr(other);
        mustReject(
            signedBy(admission, other, removed), abi.encodeWithSelector(Signers.SignatureWrong.selector, 1, address(0))
        );
        uint256 third = removed == THIRD_GOVERNOR ? SECOND_GOVERNOR : THIRD_GOVERNOR;
        mustApply(signedBy(admission, other, third));
    }

    function test_ThresholdAloneIsChanged() public {
        mustApply(change(GOVERNOR, 1, 1));
        listIsRight(3);
        require(gateway.threshold() == 1);
        Operation memory again =
            draft(Kinds.CHANGE_GOVERNOR, vm.addr(GOVERNOR), abi.encode(vm.addr(STRANGER), uint8(0), uint8(2)));
        mustApply(signedBy(again, GOVERNOR));
        listIsRight(3);
        require(gateway.threshold() == 2);
    }

    function test_GovernorsStayAbleToGovern() public {
        mustReject(change(THIRD_GOVERNOR, 0, 3), invalid());
        mustReject(change(THIRD_GOVERNOR, 0, 0), invalid());
        mustReject(change(THIRD_GOVERNOR, 2, 2), invalid());
        mustReject(governed(Kinds.CHANGE_GOVERNOR, abi.encode(address(0), uint8(1), uint8(2))), invalid());
        for (uint256 i = 0; i < 13; ++i) {
            mustApply(change(0x8000 + i, 1, 2));
        }
        mustReject(change(STRANGER, 1, 2), invalid());
        listIsRight(16);
    }

    function test_NobodyElseChangesGovernors() public {
        Operation memory operation =
            draft(Kinds.CHANGE_GOVERNOR, vm.addr(STRANGER), abi.encode(vm.addr(STRANGER), uint8(1), uint8(1)));
        mustReject(
            signedBy(operation, STRANGER, GOVERNOR),
            abi.encodeWithSelector(Governance.GovernorRequired.selector, vm.addr(STRANGER))
        );
    }
}

contract PredecessorsTest is Fixture {
    Operations private oldNetwork;
    bytes32 private domain;

    function setUp() public override {
        super.setUp();
        oldNetwork = deployGateway(1);
        domain = oldNetwork.domainSeparator();
    }

    function recognize(bytes32 organization, bytes32 which, uint64 until) private returns (Operation memory) {
        return governed(Kinds.RECOGNIZE_PREDECESSOR, abi.encode(organization, which, until));
    }

    /// @dev An operation as it was signed in the old network.
    function oldEnrolment(bytes32 organization, uint256 admin) private returns (Operation memory operation) {
        operation = signedBy(oldNetwork, enrol(organization, admin, STRANGER, ROLE_PRACTITIONER), admin);
    }

    function oldCommit() private returns (Operation memory operation) {
        operation = commit(DOCTOR, CLINIC, 0, keccak256("an old commit"));
        operation.deadline = START - 1000;
        operation = signedBy(oldNetwork, operation, DOCTOR);
    }

    function test_OperationsOfARecognizedPredecessorAreTakenAsSigned() public {
        mustApply(recognize(CLINIC, domain, START + 1 days));
        Operation memory oldGrant = signedBy(oldNetwork, grant(CLINIC, 3, 0), PATIENT);
        Operation memory record = oldCommit();
        predecessor = domain;
        mustApply(oldEnrolment(CLINIC, ADMIN));
        mustApply(oldGrant);
        mustApply(record);
        require(records.anchoredAt(vm.addr(PATIENT), COMPARTMENT, keccak256("an old commit")) == 100);
        mustReject(record, abi.encodeWithSelector(Operations.OpIdUsed.selector, record.opId, uint64(100)));
        predecessor = 0;
        require(gateway.predecessorCount() == 1 && gateway.predecessorAt(0) == domain);
        require(gateway.predecessorOf(domain).organization == CLINIC);
    }

    function test_NothingIsTakenFromAnUnknownDomain() public {
        Operation memory operation = oldEnrolment(CLINIC, ADMIN);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, vm.addr(ADMIN)));
        predecessor = domain;
        mustReject(operation, abi.encodeWithSelector(Governance.PredecessorUnknown.selector, domain));
    }

    function test_PredecessorIsTakenForATimeOnly() public {
        mustApply(recognize(CLINIC, domain, START + 10));
        Operation memory operation = oldEnrolment(CLINIC, ADMIN);
        vm.warp(START + 11);
        predecessor = domain;
        mustReject(operation, abi.encodeWithSelector(Governance.PredecessorClosed.selector, domain, START + 10));
        predecessor = 0;
        mustApply(recognize(CLINIC, domain, START + 20));
        predecessor = domain;
        mustApply(operation);
    }

    function test_PredecessorSpeaksForItsOrganizationOnly() public {
        mustApply(recognize(CLINIC, domain, START + 10));
        Operation memory operation = oldEnrolment(OTHER_CLINIC, OTHER_ADMIN);
        predecessor = domain;
        mustReject(
            operation, abi.encodeWithSelector(Operations.PredecessorOfAnother.selector, CLINIC, OTHER_CLINIC)
        );
    }

    function test_PredecessorDoesNotGovern() public {
        mustApply(recognize(CLINIC, domain, START + 10));
        Operation memory operation = admitDraft(keccak256("third clinic"), STRANGER);
        bytes32 digest = oldNetwork.digestOf(operation);
        operation.signatures = new bytes[](2);
        operation.signatures[0] = signature(GOVERNOR, digest);
        operation.signatures[1] = signature(SECOND_GOVERNOR, digest);
        predecessor = domain;
        mustReject(
            operation, abi.encodeWithSelector(Operations.PredecessorCannotGovern.selector, Kinds.ADMIT_ORGANIZATION)
        );
    }

    function test_SignaturesAreStillChecked() public {
        mustApply(recognize(CLINIC, domain, START + 10));
        Operation memory here = enrol(CLINIC, ADMIN, STRANGER, ROLE_AUDITOR);
        predecessor = domain;
        mustReject(here, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, vm.addr(ADMIN)));
    }

    function test_DomainHasOneOrganization() public {
        mustApply(recognize(CLINIC, domain, START + 10));
        mustReject(
            recognize(OTHER_CLINIC, domain, START + 10),
            abi.encodeWithSelector(Governance.PredecessorKnown.selector, domain, CLINIC)
        );
        bytes4 invalid = Governance.PredecessorInvalid.selector;
        mustReject(recognize(CLINIC, bytes32(0), START), abi.encodeWithSelector(invalid, bytes32(0), CLINIC));
        mustReject(recognize(bytes32(0), domain, START), abi.encodeWithSelector(invalid, domain, bytes32(0)));
        bytes32 own = gateway.domainSeparator();
        mustReject(recognize(CLINIC, own, START), abi.encodeWithSelector(invalid, own, CLINIC));
    }

    function test_MissingModulesAreToldBeforeTheDomain() public {
        gateway = deployGateway(2);
        predecessor = domain;
        mustReject(
            draft(Kinds.COMMIT, address(1), ""), abi.encodeWithSelector(Operations.ModulesMissing.selector, uint8(0))
        );
    }
}
