// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../src/AuditTrail.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

contract AuditTrailTest is Fixture {
    bytes32 private constant WORKSTATION = keccak256("a workstation");

    function checkpoint(uint256 actor, uint64 sequence) private returns (Operation memory) {
        return checkpoint(actor, CLINIC, sequence);
    }

    function checkpoint(uint256 actor, bytes32 organization, uint64 sequence) private returns (Operation memory) {
        return make(
            Kinds.CHECKPOINT, actor, abi.encode(organization, WORKSTATION, sequence, keccak256(abi.encode(sequence)))
        );
    }

    function testFuzz_SequenceGrows(uint64 first, uint64 second) public {
        vm.assume(first != 0);
        mustApply(checkpoint(DOCTOR, first));
        if (second > first) mustApply(checkpoint(REGISTRAR, second));
        else {
            mustReject(
                checkpoint(REGISTRAR, second),
                abi.encodeWithSelector(AuditTrail.SequenceNotGrowing.selector, first, second)
            );
        }
        uint64 latest = second > first ? second : first;
        require(auditTrail.latestOf(WORKSTATION).sequence == latest);
        require(auditTrail.latestOf(WORKSTATION).head == keccak256(abi.encode(latest)));
    }

    function test_OnlyActiveMembersRecordCheckpoints() public {
        mustReject(checkpoint(STRANGER, 1), notAuthorized(STRANGER));
        mustReject(checkpoint(PATIENT, 1), notAuthorized(PATIENT));
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        mustReject(checkpoint(DOCTOR, 1), notAuthorized(DOCTOR));
    }

    function test_WorkstationStaysWithItsOrganization() public {
        mustApply(checkpoint(DOCTOR, 1));
        mustReject(checkpoint(OTHER_DOCTOR, 2), notAuthorized(OTHER_DOCTOR));
        mustReject(
            checkpoint(OTHER_DOCTOR, OTHER_CLINIC, 2),
            abi.encodeWithSelector(AuditTrail.WorkstationOfAnother.selector, WORKSTATION, CLINIC)
        );
        require(auditTrail.workstationCountOf(CLINIC) == 1 && auditTrail.workstationCountOf(OTHER_CLINIC) == 0);
        require(auditTrail.workstationAt(CLINIC, 0) == WORKSTATION);
        require(auditTrail.latestOf(WORKSTATION).organization == CLINIC);
    }
}
