// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../src/AuditTrail.sol";
import {Identifiers} from "../src/Identifiers.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

contract IdentifiersTest is Fixture {
    bytes32 private constant IDENTIFIER = keccak256("a keyed identifier");

    function claim(uint256 actor, uint256 account) private returns (Operation memory) {
        return make(Kinds.CLAIM_IDENTIFIER, actor, abi.encode(vm.addr(account), IDENTIFIER, uint32(1)));
    }

    function release(uint256 actor, uint256 account) private returns (Operation memory) {
        return make(Kinds.RELEASE_IDENTIFIER, actor, abi.encode(vm.addr(account), IDENTIFIER));
    }

    function test_RegistrarClaimsForAPatient() public {
        mustApply(claim(REGISTRAR, PATIENT));
        require(identifiers.accountOf(IDENTIFIER) == vm.addr(PATIENT));
        require(identifiers.claimOf(IDENTIFIER).claimedBy == vm.addr(REGISTRAR));
    }

    function test_PatientClaimsForItself() public {
        mustApply(claim(PATIENT, PATIENT));
    }

    function test_OthersDoNotClaim() public {
        mustReject(claim(DOCTOR, PATIENT), notAuthorized(DOCTOR));
        mustReject(claim(OTHER_PATIENT, PATIENT), notAuthorized(OTHER_PATIENT));
        mustReject(claim(STRANGER, STRANGER), notAuthorized(STRANGER));
        mustApply(suspendMember(CLINIC, ADMIN, REGISTRAR, 1));
        mustReject(claim(REGISTRAR, PATIENT), notAuthorized(REGISTRAR));
    }

    function test_RegistrarOfASuspendedOrganizationDoesNotClaim() public {
        mustApply(suspendOrganization(CLINIC, 1));
        mustReject(claim(REGISTRAR, PATIENT), notAuthorized(REGISTRAR));
    }

    function test_ClaimedIdentifierStaysItsHolders() public {
        mustApply(claim(REGISTRAR, PATIENT));
        mustReject(
            claim(REGISTRAR, OTHER_PATIENT),
            abi.encodeWithSelector(Identifiers.IdentifierClaimed.selector, IDENTIFIER, vm.addr(PATIENT))
        );
        mustApply(claim(REGISTRAR, PATIENT));
        require(identifiers.claimOf(IDENTIFIER).claimCount == 1, "again by the same is no new claim");
    }

    function test_HolderOrClaimingRegistrarReleases() public {
        mustApply(enrol(CLINIC, ADMIN, STRANGER, ROLE_REGISTRAR));
        mustApply(claim(REGISTRAR, PATIENT));
        mustReject(release(STRANGER, PATIENT), notAuthorized(STRANGER));
        mustReject(
            release(REGISTRAR, OTHER_PATIENT),
            abi.encodeWithSelector(Identifiers.IdentifierNotClaimed.selector, IDENTIFIER, vm.addr(OTHER_PATIENT))
        );
        mustApply(release(REGISTRAR, PATIENT));
        require(identifiers.accountOf(IDENTIFIER) == address(0));
        mustApply(claim(STRANGER, OTHER_PATIENT));
        require(identifiers.claimOf(IDENTIFIER).claimCount == 2);
        mustApply(release(OTHER_PATIENT, OTHER_PATIENT));
    }

    function test_WhatThePatientTookOverTheRegistrarDoesNotRelease() public {
        mustApply(claim(REGISTRAR, PATIENT));
        mustApply(claim(PATIENT, PATIENT));
        mustReject(release(REGISTRAR, PATIENT), notAuthorized(REGISTRAR));
    }

    function test_SuspendedRegistrarDoesNotRelease() public {
        mustApply(claim(REGISTRAR, PATIENT));
        mustApply(suspendMember(CLINIC, ADMIN, REGISTRAR, 1));
        mustReject(release(REGISTRAR, PATIENT), notAuthorized(REGISTRAR));
    }
}

contract AuditTrailTest is Fixture {
    bytes32 private constant WORKSTATION = keccak256("a workstation");

    function checkpoint(uint256 actor, uint64 sequence) private returns (Operation memory) {
        return make(Kinds.CHECKPOINT, actor, abi.encode(WORKSTATION, sequence, keccak256(abi.encode(sequence))));
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
}
