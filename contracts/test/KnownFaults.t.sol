// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "../src/Directory.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Operations} from "../src/Operations.sol";
import {Signers} from "../src/Signers.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev Faults found in published systems of this kind, each as a test that they are not here.
contract KnownFaultsTest is Fixture {
    /// @dev "Anyone registers himself as a doctor."
    function testFuzz_NobodyAssignsRolesToHimself(uint8 roles, uint8 who) public {
        uint256[5] memory people = [REGISTRAR, DOCTOR, AUDITOR, PATIENT, STRANGER];
        uint256 person = people[who % 5];
        uint8 before = directory.activeRolesOf(vm.addr(person));
        require(submit(enrol(CLINIC, person, person, roles)).length != 0);
        require(submit(changeMember(CLINIC, person, person, roles)).length != 0);
        Operation memory admission = admitDraft(keccak256("own clinic"), person);
        admission.actor = vm.addr(person);
        require(submit(signedBy(admission, person, person)).length != 0);
        require(directory.activeRolesOf(vm.addr(person)) == before);
    }

    /// @dev "A disabled custodian is enabled again by whoever calls."
    function test_WhatIsSuspendedIsNotReenabledByOthers() public {
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        uint256[5] memory others = [DOCTOR, REGISTRAR, STRANGER, OTHER_ADMIN, PATIENT];
        for (uint256 i = 0; i < 5; ++i) {
            mustReject(suspendMember(CLINIC, others[i], DOCTOR, 0), notAuthorized(others[i]));
            mustReject(changeMember(CLINIC, others[i], DOCTOR, ROLE_PRACTITIONER), notAuthorized(others[i]));
        }
        mustApply(suspendOrganization(CLINIC, 1));
        mustReject(suspendMember(CLINIC, ADMIN, DOCTOR, 0), notAuthorized(ADMIN));
        Operation memory reenable =
            draft(Kinds.SUSPEND_ORGANIZATION, vm.addr(ADMIN), abi.encode(CLINIC, uint8(0)));
        require(submit(signedBy(reenable, ADMIN, ADMIN)).length != 0);
        require(directory.organizationOf(CLINIC).suspended);
    }

    /// @dev "Two must sign" that is checked for one only.
    function test_OneSignerOfTwoIsNotEnough() public {
        Operation[4] memory operations = [
            register(STRANGER),
            rotate(PATIENT, PATIENT, 0xA001),
            admit(keccak256("third clinic"), STRANGER),
            governed(Kinds.CHANGE_GOVERNOR, abi.encode(vm.addr(STRANGER), uint8(1), uint8(1)))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            bytes[] memory both = operations[i].signatures;
            operations[i].signatures = new bytes[](1);
            for (uint256 j = 0; j < 2; ++j) {
                operations[i].signatures[0] = both[j];
                mustReject(
                    operations[i], abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 2, 1)
                );
            }
            operations[i].signatures = new bytes[](2);
            for (uint256 j = 0; j < 2; ++j) {
                operations[i].signatures[0] = both[j];
                operations[i].signatures[1] = both[j];
                require(submit(operations[i]).length != 0, "one who signs twice");
            }
        }
    }

    /// @dev "The second grant survives the revocation of the first."
    function testFuzz_NoGrantSurvivesARevocation(uint8[6] memory accesses) public {
        for (uint256 i = 0; i < 6; ++i) {
            mustApply(grant(i % 2 == 0 ? CLINIC : toPerson(DOCTOR), accesses[i] % 3 + 1, 0));
        }
        mustApply(revoke(CLINIC, 1));
        address doctor = vm.addr(DOCTOR);
        require(!consents.canRead(vm.addr(PATIENT), COMPARTMENT, doctor, CLINIC, START));
        require(!consents.canWrite(vm.addr(PATIENT), COMPARTMENT, doctor, CLINIC, START));
        mustApply(revoke(toPerson(DOCTOR), 2));
        require(!consents.canRead(vm.addr(PATIENT), COMPARTMENT, doctor, bytes32(0), START));
        require(!consents.canWrite(vm.addr(PATIENT), COMPARTMENT, doctor, bytes32(0), START));
    }

    /// @dev "Deleting leaves a hole", and "the last element goes instead of the one meant".
    function testFuzz_ListsHaveNoHolesAndLoseTheRightOne(uint8[8] memory which) public {
        bytes32[4] memory clinics = [CLINIC, OTHER_CLINIC, keccak256("third clinic"), keccak256("fourth clinic")];
        uint256[4] memory admins = [ADMIN, OTHER_ADMIN, 0xB003, 0xB004];
        bool[4] memory active = [true, false, false, false];
        mustApply(admit(clinics[2], admins[2]));
        mustApply(admit(clinics[3], admins[3]));
        for (uint256 i = 1; i < 4; ++i) {
            mustApply(enrol(clinics[i], admins[i], DOCTOR, ROLE_PRACTITIONER));
            active[i] = true;
        }
        for (uint256 i = 0; i < 8; ++i) {
            uint256 place = which[i] % 4;
            active[place] = !active[place];
            mustApply(suspendMember(clinics[place], admins[place], DOCTOR, active[place] ? 0 : 1));
            bytes32[] memory list = directory.membershipsOf(vm.addr(DOCTOR));
            uint256 expected = 0;
            for (uint256 j = 0; j < 4; ++j) {
                bool found = false;
                for (uint256 k = 0; k < list.length; ++k) {
                    require(list[k] != 0, "a hole");
                    if (list[k] == clinics[j]) found = true;
                }
                require(found == active[j], "the wrong one is gone");
                if (active[j]) ++expected;
            }
            require(list.length == expected);
        }
    }

    /// @dev "Nonces of one chain count on its copy": the signature names chain and contract.
    function testFuzz_NothingReplaysElsewhere(uint64 chain) public {
        vm.assume(chain != 0);
        Operation memory operation = grant(CLINIC, 3, 0);
        uint256 here = block.chainid;
        vm.assume(chain != here);
        vm.chainId(chain);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, vm.addr(PATIENT)));
        vm.chainId(here);
        mustApply(operation);
        mustReject(operation, abi.encodeWithSelector(Operations.OpIdUsed.selector, operation.opId, uint64(100)));
    }

    // --- Nothing grows

    /// @dev Gas of the frequent operations must not depend on how much there is already.
    function test_GasDoesNotGrowWithTheData() public {
        uint256[6] memory few = costs(0);
        for (uint256 i = 0; i < 60; ++i) {
            bytes32 clinic = keccak256(abi.encode("clinic", i));
            mustApply(admit(clinic, 0xC000 + i));
            mustApply(enrol(CLINIC, ADMIN, 0xD000 + i, ROLE_PRACTITIONER));
            mustApply(register(0xE000 + i));
            mustApply(grant(toPerson(0xD000 + i), 3, 0));
            mustApply(commit(DOCTOR, CLINIC, 0, keccak256(abi.encode("commit", i))));
        }
        uint256[6] memory many = costs(1);
        for (uint256 i = 0; i < 6; ++i) {
            require(many[i] <= few[i] + 2500, "costs more with more data");
        }
        require(directory.organizationCount() == 64 && directory.patientCount() == 64);
        require(directory.memberCountOf(CLINIC) == 66 && directory.memberAt(CLINIC, 65) == vm.addr(0xF101));
        require(directory.organizationAt(0) == CLINIC && directory.patientAt(0) == vm.addr(PATIENT));
    }

    function costs(uint256 round) private returns (uint256[6] memory gasUsed) {
        uint256 base = 0xF000 + round * 0x100;
        if (round == 0) mustApply(grant(CLINIC, 3, 0));
        gasUsed[0] = gasOf(admit(keccak256(abi.encode("measured", round)), base));
        gasUsed[1] = gasOf(enrol(CLINIC, ADMIN, base + 1, ROLE_PRACTITIONER));
        gasUsed[2] = gasOf(register(base + 2));
        gasUsed[3] = gasOf(grant(toPerson(base + 3), 3, 0));
        gasUsed[4] = gasOf(commit(DOCTOR, CLINIC, 0, keccak256(abi.encode("measured", round))));
        gasUsed[5] = gasOf(
            make(
                Kinds.CLAIM_IDENTIFIER,
                REGISTRAR,
                abi.encode(vm.addr(PATIENT), keccak256(abi.encode("identifier", round)), uint32(1))
            )
        );
    }
}
