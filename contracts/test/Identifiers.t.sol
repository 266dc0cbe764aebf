// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Duplicates} from "../src/Duplicates.sol";
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

    function test_NothingIsClaimedForNobody() public {
        Operation memory operation =
            make(Kinds.CLAIM_IDENTIFIER, REGISTRAR, abi.encode(address(0), IDENTIFIER, uint32(1)));
        mustReject(operation, abi.encodeWithSelector(Identifiers.ClaimInvalid.selector));
        operation = make(Kinds.CLAIM_IDENTIFIER, REGISTRAR, abi.encode(vm.addr(PATIENT), bytes32(0), uint32(1)));
        mustReject(operation, abi.encodeWithSelector(Identifiers.ClaimInvalid.selector));
        operation = make(Kinds.RELEASE_IDENTIFIER, REGISTRAR, abi.encode(address(0), IDENTIFIER));
        mustReject(
            operation, abi.encodeWithSelector(Identifiers.IdentifierNotClaimed.selector, IDENTIFIER, address(0))
        );
    }

    // --- Versions of the key

    function rotateKey(uint32 version, bytes32 digest) private returns (Operation memory) {
        Operation memory operation =
            draft(Kinds.ROTATE_IDENTIFIER_KEY, vm.addr(GOVERNOR), abi.encode(version, digest));
        return signedBy(operation, GOVERNOR, SECOND_GOVERNOR);
    }

    function test_KeyVersionsFollowOneAnother() public {
        require(identifiers.keyVersion() == 1 && identifiers.keyDigestOf(1) == 0);
        bytes memory reason = abi.encodeWithSelector(Identifiers.KeyVersionWrong.selector, uint32(1), uint32(3));
        mustReject(rotateKey(3, KEY), reason);
        mustReject(rotateKey(2, bytes32(0)), abi.encodeWithSelector(Identifiers.KeyInvalid.selector));
        mustApply(rotateKey(2, KEY));
        require(identifiers.keyVersion() == 2 && identifiers.keyDigestOf(2) == KEY);
    }

    function testFuzz_ClaimsAreMadeWithTheCurrentKeyOrTheOneBefore(uint32 version) public {
        mustApply(rotateKey(2, KEY));
        mustApply(rotateKey(3, KEY));
        for (uint32 i = 0; i < 5; ++i) {
            uint32 used = i < 4 ? i : version;
            Operation memory operation = make(
                Kinds.CLAIM_IDENTIFIER, REGISTRAR, abi.encode(vm.addr(PATIENT), keccak256(abi.encode(i)), used)
            );
            if (used == 2 || used == 3) mustApply(operation);
            else {
                mustReject(
                    operation, abi.encodeWithSelector(Identifiers.KeyVersionWrong.selector, uint32(3), used)
                );
            }
        }
    }

    // --- Namespaces

    bytes32 private constant NAMESPACE = keccak256("a namespace");

    function defineNamespace(uint256 admin, bytes32 organization, bytes32 namespace) private returns (Operation memory) {
        return make(Kinds.DEFINE_NAMESPACE, admin, abi.encode(organization, namespace, KEY));
    }

    function claimIn(bytes32 namespace, uint256 actor) private returns (Operation memory) {
        return make(
            Kinds.CLAIM_IN_NAMESPACE, actor, abi.encode(namespace, vm.addr(PATIENT), IDENTIFIER, uint32(1))
        );
    }

    function test_NamespaceIsItsOrganizations() public {
        mustReject(defineNamespace(REGISTRAR, CLINIC, NAMESPACE), notAuthorized(REGISTRAR));
        mustApply(defineNamespace(ADMIN, CLINIC, NAMESPACE));
        mustReject(
            defineNamespace(OTHER_ADMIN, OTHER_CLINIC, NAMESPACE),
            abi.encodeWithSelector(Identifiers.NamespaceKnown.selector, NAMESPACE)
        );
        require(identifiers.namespaceCount() == 1 && identifiers.namespaceAt(0) == NAMESPACE);
        require(identifiers.namespaceOf(NAMESPACE).organization == CLINIC);
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, STRANGER, ROLE_REGISTRAR));
        mustReject(claimIn(NAMESPACE, STRANGER), notAuthorized(STRANGER));
        mustReject(claimIn(NAMESPACE, PATIENT), notAuthorized(PATIENT));
        mustApply(claimIn(NAMESPACE, REGISTRAR));
        require(identifiers.claimOf(IDENTIFIER).namespace == NAMESPACE);
        bytes memory taken =
            abi.encodeWithSelector(Identifiers.IdentifierClaimed.selector, IDENTIFIER, vm.addr(PATIENT));
        mustReject(claim(REGISTRAR, PATIENT), taken);
        mustReject(release(STRANGER, PATIENT), notAuthorized(STRANGER));
        // Another registrar of the organization, should the one who claimed have left.
        mustApply(enrol(CLINIC, ADMIN, STRANGER, ROLE_REGISTRAR));
        mustApply(release(STRANGER, PATIENT));
        mustApply(claim(REGISTRAR, PATIENT));
    }

    function test_CommonNamespaceIsForAllRegistrars() public {
        Operation memory common =
            draft(Kinds.DEFINE_COMMON_NAMESPACE, vm.addr(GOVERNOR), abi.encode(NAMESPACE, KEY));
        mustReject(claimIn(NAMESPACE, REGISTRAR), abi.encodeWithSelector(Identifiers.NamespaceUnknown.selector, NAMESPACE));
        mustApply(signedBy(common, GOVERNOR, THIRD_GOVERNOR));
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, STRANGER, ROLE_REGISTRAR));
        mustApply(claimIn(NAMESPACE, STRANGER));
        mustApply(claimIn(NAMESPACE, PATIENT));
        require(identifiers.claimOf(IDENTIFIER).claimedBy == vm.addr(PATIENT), "taken over by its holder");
        mustReject(release(STRANGER, PATIENT), notAuthorized(STRANGER));
        mustReject(defineNamespace(ADMIN, CLINIC, bytes32(0)), abi.encodeWithSelector(Identifiers.NamespaceInvalid.selector));
    }

    // --- Duplicates

    uint256 private constant THIRD_PATIENT = 0x4003;

    function link(uint256 actor, uint256 duplicate, uint256 survivor) private returns (Operation memory) {
        return make(
            Kinds.LINK_PATIENTS, actor, abi.encode(CLINIC, vm.addr(duplicate), vm.addr(survivor), KEY)
        );
    }

    function unlink(uint256 actor, uint256 duplicate) private returns (Operation memory) {
        return make(Kinds.UNLINK_PATIENTS, actor, abi.encode(CLINIC, vm.addr(duplicate), KEY));
    }

    function test_DuplicatesAreLinkedAndUnlinkedWithTheirHistory() public {
        address patient = vm.addr(PATIENT);
        address other = vm.addr(OTHER_PATIENT);
        mustApply(claim(REGISTRAR, OTHER_PATIENT));
        mustApply(grant(CLINIC, 3, 0));
        mustApply(link(REGISTRAR, OTHER_PATIENT, PATIENT));
        require(identifiers.survivorOf(other) == patient && identifiers.duplicateCountOf(patient) == 1);
        require(identifiers.accountOf(IDENTIFIER) == other, "identifiers stay");
        require(consents.canRead(patient, COMPARTMENT, vm.addr(DOCTOR), CLINIC, START), "consents stay");
        require(!consents.canRead(other, COMPARTMENT, vm.addr(DOCTOR), CLINIC, START), "and are not shared");
        vm.warp(START + 10);
        mustApply(unlink(REGISTRAR, OTHER_PATIENT));
        require(identifiers.survivorOf(other) == other && identifiers.duplicateCountOf(patient) == 0);
        mustApply(link(REGISTRAR, PATIENT, OTHER_PATIENT));
        require(identifiers.linkCountOf(other) == 1 && identifiers.linkCountOf(patient) == 1);
        Duplicates.Link memory first = identifiers.linkAt(other, 0);
        require(first.survivor == patient && first.linkedAt == START && first.unlinkedAt == START + 10);
    }

    function test_OnlyPatientsAreLinkedAndWithoutChains() public {
        mustApply(register(THIRD_PATIENT));
        mustReject(link(DOCTOR, OTHER_PATIENT, PATIENT), notAuthorized(DOCTOR));
        bytes4 invalid = Duplicates.LinkInvalid.selector;
        address patient = vm.addr(PATIENT);
        mustReject(link(REGISTRAR, STRANGER, PATIENT), abi.encodeWithSelector(invalid, vm.addr(STRANGER), patient));
        mustReject(link(REGISTRAR, PATIENT, STRANGER), abi.encodeWithSelector(invalid, patient, vm.addr(STRANGER)));
        mustReject(link(REGISTRAR, PATIENT, PATIENT), abi.encodeWithSelector(invalid, patient, patient));
        mustApply(link(REGISTRAR, OTHER_PATIENT, PATIENT));
        address other = vm.addr(OTHER_PATIENT);
        bytes memory linked = abi.encodeWithSelector(Duplicates.LinkedBefore.selector, other, patient);
        mustReject(link(REGISTRAR, OTHER_PATIENT, THIRD_PATIENT), linked);
        mustReject(link(REGISTRAR, THIRD_PATIENT, OTHER_PATIENT), linked);
        mustReject(
            link(REGISTRAR, PATIENT, THIRD_PATIENT),
            abi.encodeWithSelector(Duplicates.LinkChained.selector, patient, uint256(1))
        );
        mustReject(unlink(DOCTOR, OTHER_PATIENT), notAuthorized(DOCTOR));
        mustReject(
            unlink(REGISTRAR, PATIENT), abi.encodeWithSelector(Duplicates.LinkUnknown.selector, patient)
        );
    }
}
