// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountKeys} from "../src/AccountKeys.sol";
import {Directory} from "../src/Directory.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Fixture} from "./support/Fixture.sol";

contract DirectoryTest is Fixture {
    function test_AdmissionMakesOneAdmin() public view {
        require(directory.organizationOf(CLINIC).admittedAt == START);
        require(directory.organizationOf(CLINIC).adminCount == 1);
        require(directory.activeRolesIn(CLINIC, vm.addr(ADMIN)) == ROLE_ADMIN);
        require(directory.memberOf(CLINIC, vm.addr(ADMIN)).encryptionKey == KEY);
    }

    function test_OrganizationIsAdmittedOnce() public {
        mustReject(admit(CLINIC, STRANGER), abi.encodeWithSelector(Directory.OrganizationKnown.selector, CLINIC));
    }

    function test_OrganizationIdCannotBeTakenForAnAccount() public {
        bytes32 id = toPerson(DOCTOR);
        mustReject(admit(id, STRANGER), abi.encodeWithSelector(Directory.OrganizationIdInvalid.selector, id));
    }

    function testFuzz_NobodyButAnAdminGivesRoles(uint8 roles) public {
        uint256[5] memory others = [REGISTRAR, DOCTOR, AUDITOR, STRANGER, OTHER_ADMIN];
        for (uint256 i = 0; i < others.length; ++i) {
            mustReject(enrol(CLINIC, others[i], others[i], roles), notAuthorized(others[i]));
            mustReject(changeMember(CLINIC, others[i], others[i], roles), notAuthorized(others[i]));
        }
        mustReject(enrol(keccak256("no such clinic"), STRANGER, STRANGER, roles), notAuthorized(STRANGER));
    }

    function testFuzz_RolesMustExist(uint8 roles) public {
        if (roles == 0 || roles > 15) {
            mustReject(
                enrol(CLINIC, ADMIN, STRANGER, roles), abi.encodeWithSelector(Directory.RolesInvalid.selector, roles)
            );
        } else {
            mustApply(enrol(CLINIC, ADMIN, STRANGER, roles));
            require(directory.activeRolesIn(CLINIC, vm.addr(STRANGER)) == roles);
            require(directory.activeRolesOf(vm.addr(STRANGER)) == roles);
        }
    }

    function test_RolesAreChangedToSuchAsExist() public {
        mustReject(
            changeMember(CLINIC, ADMIN, DOCTOR, 16), abi.encodeWithSelector(Directory.RolesInvalid.selector, uint8(16))
        );
    }

    function test_AccountsAndTheirKeysAreNotZero() public {
        bytes4 invalid = AccountKeys.AccountInvalid.selector;
        address stranger = vm.addr(STRANGER);
        bytes memory nobody = abi.encode(CLINIC, address(0), ROLE_AUDITOR, KEY, bytes32(0), bytes32(0));
        mustReject(make(Kinds.ENROL_MEMBER, ADMIN, nobody), abi.encodeWithSelector(invalid, address(0)));
        bytes memory keyless = abi.encode(CLINIC, stranger, ROLE_AUDITOR, bytes32(0), bytes32(0), bytes32(0));
        mustReject(make(Kinds.ENROL_MEMBER, ADMIN, keyless), abi.encodeWithSelector(invalid, stranger));
        Operation memory registration =
            draft(Kinds.REGISTER_PATIENT, vm.addr(REGISTRAR), abi.encode(CLINIC, stranger, bytes32(0)));
        mustReject(signedBy(registration, REGISTRAR, STRANGER), abi.encodeWithSelector(invalid, stranger));
        require(directory.patientKeyOf(stranger) == 0);
    }

    function test_MemberIsEnrolledOnce() public {
        mustReject(
            enrol(CLINIC, ADMIN, DOCTOR, ROLE_ADMIN),
            abi.encodeWithSelector(Directory.MemberKnown.selector, CLINIC, vm.addr(DOCTOR))
        );
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        mustReject(
            enrol(CLINIC, ADMIN, DOCTOR, ROLE_PRACTITIONER),
            abi.encodeWithSelector(Directory.MemberKnown.selector, CLINIC, vm.addr(DOCTOR))
        );
    }

    function test_MemberWhoLeftMayComeBack() public {
        mustApply(changeMember(CLINIC, ADMIN, DOCTOR, 0));
        require(directory.activeRolesOf(vm.addr(DOCTOR)) == 0);
        require(directory.membershipsOf(vm.addr(DOCTOR)).length == 0);
        mustApply(enrol(CLINIC, ADMIN, DOCTOR, ROLE_REGISTRAR));
        require(directory.activeRolesOf(vm.addr(DOCTOR)) == ROLE_REGISTRAR);
    }

    function test_LastActiveAdminStays() public {
        bytes memory reason = abi.encodeWithSelector(Directory.LastAdmin.selector, CLINIC, vm.addr(ADMIN));
        mustReject(suspendMember(CLINIC, ADMIN, ADMIN, 1), reason);
        mustReject(changeMember(CLINIC, ADMIN, ADMIN, 0), reason);
        mustReject(changeMember(CLINIC, ADMIN, ADMIN, ROLE_REGISTRAR), reason);
        mustApply(changeMember(CLINIC, ADMIN, DOCTOR, ROLE_ADMIN | ROLE_PRACTITIONER));
        mustApply(suspendMember(CLINIC, DOCTOR, ADMIN, 1));
        mustReject(
            suspendMember(CLINIC, DOCTOR, DOCTOR, 1),
            abi.encodeWithSelector(Directory.LastAdmin.selector, CLINIC, vm.addr(DOCTOR))
        );
        mustReject(enrol(CLINIC, ADMIN, STRANGER, ROLE_AUDITOR), notAuthorized(ADMIN));
    }

    function test_SuspendedMemberCanDoNothing() public {
        mustApply(suspendMember(CLINIC, ADMIN, REGISTRAR, 1));
        mustReject(register(STRANGER), notAuthorized(REGISTRAR));
        mustApply(suspendMember(CLINIC, ADMIN, REGISTRAR, 0));
        mustApply(register(STRANGER));
    }

    function test_ChangingASuspendedMemberLeavesTheSuspension() public {
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        mustApply(changeMember(CLINIC, ADMIN, DOCTOR, ROLE_ADMIN));
        require(directory.activeRolesIn(CLINIC, vm.addr(DOCTOR)) == 0);
        require(directory.organizationOf(CLINIC).adminCount == 1);
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 0));
        require(directory.organizationOf(CLINIC).adminCount == 2);
    }

    function test_MembersOfASuspendedOrganizationCanDoNothing() public {
        mustApply(suspendOrganization(CLINIC, 1));
        mustReject(register(STRANGER), notAuthorized(REGISTRAR));
        mustReject(enrol(CLINIC, ADMIN, STRANGER, ROLE_AUDITOR), notAuthorized(ADMIN));
        require(directory.activeRolesOf(vm.addr(DOCTOR)) == 0);
        mustApply(suspendOrganization(CLINIC, 0));
        mustApply(register(STRANGER));
    }

    function test_SuspensionFlagIsZeroOrOne() public {
        mustReject(suspendOrganization(CLINIC, 2), abi.encodeWithSelector(Directory.FlagInvalid.selector, uint8(2)));
        mustReject(
            suspendMember(CLINIC, ADMIN, DOCTOR, 2), abi.encodeWithSelector(Directory.FlagInvalid.selector, uint8(2))
        );
        mustReject(
            suspendOrganization(keccak256("no such clinic"), 1),
            abi.encodeWithSelector(Directory.OrganizationUnknown.selector, keccak256("no such clinic"))
        );
        mustReject(
            suspendMember(CLINIC, ADMIN, STRANGER, 1),
            abi.encodeWithSelector(Directory.MemberUnknown.selector, CLINIC, vm.addr(STRANGER))
        );
    }

    function test_AccountMayBeMemberOfSeveralOrganizations() public {
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, DOCTOR, ROLE_REGISTRAR));
        address doctor = vm.addr(DOCTOR);
        require(directory.activeRolesOf(doctor) == ROLE_PRACTITIONER | ROLE_REGISTRAR);
        mustApply(suspendOrganization(CLINIC, 1));
        require(directory.activeRolesOf(doctor) == ROLE_REGISTRAR);
        require(directory.activeRolesIn(CLINIC, doctor) == 0);
    }

    function test_MembershipsAreLimitedAndOneLeftMakesRoom() public {
        for (uint256 i = 0; i < 15; ++i) {
            bytes32 id = keccak256(abi.encode("clinic", i));
            mustApply(admit(id, OTHER_ADMIN + 0x100 + i));
            mustApply(enrol(id, OTHER_ADMIN + 0x100 + i, DOCTOR, ROLE_PRACTITIONER));
        }
        Operation memory oneMore = enrol(OTHER_CLINIC, OTHER_ADMIN, DOCTOR, ROLE_PRACTITIONER);
        mustReject(
            oneMore, abi.encodeWithSelector(Directory.MembershipsExhausted.selector, vm.addr(DOCTOR), uint256(16))
        );
        mustApply(changeMember(CLINIC, ADMIN, DOCTOR, 0));
        mustApply(oneMore);
        require(directory.membershipsOf(vm.addr(DOCTOR)).length == 16);
    }

    function test_PatientIsRegisteredOnce() public {
        require(directory.patientKeyOf(vm.addr(PATIENT)) == KEY);
        mustReject(register(PATIENT), abi.encodeWithSelector(Directory.PatientKnown.selector, vm.addr(PATIENT)));
    }

    function test_OnlyARegistrarRegisters() public {
        uint256[3] memory others = [DOCTOR, ADMIN, STRANGER];
        for (uint256 i = 0; i < others.length; ++i) {
            Operation memory operation =
                draft(Kinds.REGISTER_PATIENT, vm.addr(others[i]), abi.encode(CLINIC, vm.addr(STRANGER), KEY));
            mustReject(signedBy(operation, others[i], STRANGER), notAuthorized(others[i]));
        }
        // A registrar of one organization is none of another.
        Operation memory elsewhere =
            draft(Kinds.REGISTER_PATIENT, vm.addr(REGISTRAR), abi.encode(OTHER_CLINIC, vm.addr(STRANGER), KEY));
        mustReject(signedBy(elsewhere, REGISTRAR, STRANGER), notAuthorized(REGISTRAR));
    }
}
