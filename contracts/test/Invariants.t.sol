// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Operation} from "../src/Operation.sol";
import {Fixture} from "./support/Fixture.sol";

/// @dev Does what people do, in any order, and keeps its own simple account of what must follow from it.
contract Clinic is Fixture {
    uint256 public anchored;
    uint256 public writtenWithoutConsent;
    uint32 public currentEpoch;
    bool public granted;
    uint256[4] private _staff = [ADMIN, REGISTRAR, DOCTOR, AUDITOR];

    constructor() {
        setUp();
    }

    /// @dev Once: it is in reach of the calls that the runner makes up.
    function setUp() public override {
        if (address(gateway) == address(0)) super.setUp();
    }

    function grantOrReplace(uint8 access) external {
        access = access % 4;
        bool applied = submit(grant(CLINIC, access, currentEpoch)).length == 0;
        require(applied == (access != 0));
        if (applied) granted = access & 2 != 0;
    }

    function revokeAll(uint8 ahead) external {
        uint32 claimed = currentEpoch + ahead % 4;
        mustApply(revoke(CLINIC, claimed));
        currentEpoch = claimed > currentEpoch + 1 ? claimed : currentEpoch + 1;
        granted = false;
    }

    function write(uint8 content, bool cheap) external {
        bytes32 digest = keccak256(abi.encode(content % 32));
        Operation memory operation = commit(DOCTOR, CLINIC, currentEpoch, digest);
        if (cheap) {
            operation.opId = digest;
            operation = signedBy(operation, DOCTOR);
        }
        bool before = records.anchoredAt(vm.addr(PATIENT), COMPARTMENT, digest) != 0;
        if (submit(operation).length != 0) return;
        require(!before, "anchored twice");
        ++anchored;
        if (!granted || directory.activeRolesIn(CLINIC, vm.addr(DOCTOR)) & 6 == 0) ++writtenWithoutConsent;
    }

    function changeRoles(uint8 by, uint8 whom, uint8 roles) external {
        submit(changeMember(CLINIC, _staff[by % 4], _staff[whom % 4], roles % 16));
    }

    function suspend(uint8 by, uint8 whom, uint8 flag) external {
        submit(suspendMember(CLINIC, _staff[by % 4], _staff[whom % 4], flag % 2));
    }

    function suspendClinic(uint8 flag) external {
        mustApply(suspendOrganization(CLINIC, flag % 2));
    }

    /// @dev Admins that are not suspended, counted one by one.
    function activeAdmins() external view returns (uint256 count) {
        for (uint256 i = 0; i < 4; ++i) {
            if (
                !directory.memberOf(CLINIC, vm.addr(_staff[i])).suspended
                    && directory.memberOf(CLINIC, vm.addr(_staff[i])).roles & ROLE_ADMIN != 0
            ) ++count;
        }
    }

    function adminCount() external view returns (uint256) {
        return directory.organizationOf(CLINIC).adminCount;
    }

    function epoch() external view returns (uint32) {
        return consents.epochOf(vm.addr(PATIENT), COMPARTMENT);
    }

    function commitCount() external view returns (uint256) {
        return records.commitCount();
    }

    /// @dev Whether each one's list names the clinic exactly while there are roles and no suspension.
    function listsAreRight() external view returns (bool) {
        for (uint256 i = 0; i < 4; ++i) {
            address account = vm.addr(_staff[i]);
            bool active = !directory.memberOf(CLINIC, account).suspended
                && directory.memberOf(CLINIC, account).roles != 0;
            if (directory.membershipsOf(account).length != (active ? 1 : 0)) return false;
        }
        return true;
    }
}

contract InvariantsTest {
    Clinic private clinic;

    function setUp() public {
        clinic = new Clinic();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(clinic);
    }

    function invariant_NothingIsWrittenWithoutConsent() public view {
        require(clinic.writtenWithoutConsent() == 0);
    }

    function invariant_CommitsAreCountedOnce() public view {
        require(clinic.commitCount() == clinic.anchored());
    }

    function invariant_OrganizationKeepsAnActiveAdmin() public view {
        require(clinic.activeAdmins() != 0 && clinic.activeAdmins() == clinic.adminCount());
    }

    function invariant_EpochIsTheLatestRevocations() public view {
        require(clinic.epoch() == clinic.currentEpoch());
    }

    function invariant_MembershipListsAreRight() public view {
        require(clinic.listsAreRight());
    }
}
