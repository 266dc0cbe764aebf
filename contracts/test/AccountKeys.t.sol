// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountKeys} from "../src/AccountKeys.sol";
import {Directory} from "../src/Directory.sol";
import {Governance} from "../src/Governance.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Operations} from "../src/Operations.sol";
import {Signers} from "../src/Signers.sol";
import {Fixture} from "./support/Fixture.sol";

contract AccountKeysTest is Fixture {
    uint256 private constant NEW_KEY = 0x6001;
    uint256 private constant NEWER_KEY = 0x6002;
    uint256 private constant GUARDIAN = 0x7001;
    uint256 private constant SECOND_GUARDIAN = 0x7002;
    uint256 private constant THIRD_GUARDIAN = 0x7003;
    bytes32 private constant NEW_ENCRYPTION_KEY = keccak256("a new X25519 key");

    address private patient;
    address private doctor;

    function setUp() public override {
        super.setUp();
        patient = vm.addr(PATIENT);
        doctor = vm.addr(DOCTOR);
    }

    /// @dev A grant by the patient's account, signed with any key.
    function grantWith(uint256 key) private returns (Operation memory) {
        return signedBy(grant(CLINIC, 3, consents.epochOf(patient, COMPARTMENT)), key);
    }

    function wrongSignature(uint256 index, address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Signers.SignatureWrong.selector, index, signer);
    }

    // --- Rotation

    function test_NewKeySignsAndTheOldOneDoesNot() public {
        Operation memory before = grantWith(PATIENT);
        mustApply(before);
        vm.roll(150);
        mustApply(rotate(PATIENT, PATIENT, NEW_KEY));
        mustReject(grantWith(PATIENT), wrongSignature(0, patient));
        Operation memory afterwards = grantWith(NEW_KEY);
        mustApply(afterwards);
        require(gateway.signedWith(before.opId) == 0 && gateway.signedWith(afterwards.opId) == 1);
        require(gateway.keyIndexOf(patient) == 1 && gateway.signerOf(patient) == vm.addr(NEW_KEY));
        require(gateway.accountOf(vm.addr(NEW_KEY)) == patient && gateway.accountOf(patient) == patient);
        require(directory.isPatient(patient) && !directory.isPatient(vm.addr(NEW_KEY)), "the account is the same");
    }

    function test_HistoryOfKeysIsKept() public {
        vm.roll(150);
        mustApply(rotate(PATIENT, PATIENT, NEW_KEY));
        vm.warp(START + 50);
        mustApply(rotate(PATIENT, NEW_KEY, NEWER_KEY));
        require(directory.keyCountOf(patient) == 3);
        require(directory.keyOf(patient, 0).signer == patient && directory.keyOf(patient, 0).encryptionKey == KEY);
        AccountKeys.Key memory second = directory.keyOf(patient, 1);
        require(second.signer == vm.addr(NEW_KEY) && second.rotatedAt == START && second.blockNumber == 150);
        require(directory.keyOf(patient, 2).signer == vm.addr(NEWER_KEY));
        require(directory.patientKeyOf(patient) == keccak256(abi.encode(NEWER_KEY)));
        require(gateway.accountOf(vm.addr(NEW_KEY)) == patient, "a key of the past is still its account's");
    }

    function test_MembersKeyRotatesInAllOrganizations() public {
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, DOCTOR, ROLE_PRACTITIONER));
        mustApply(rotate(DOCTOR, DOCTOR, NEW_KEY));
        bytes32 rotated = keccak256(abi.encode(NEW_KEY));
        require(directory.memberOf(CLINIC, doctor).encryptionKey == rotated);
        require(directory.memberOf(OTHER_CLINIC, doctor).encryptionKey == rotated);
        require(directory.memberOf(CLINIC, vm.addr(STRANGER)).encryptionKey == 0);
        require(directory.keyOf(doctor, 0).encryptionKey == 0);
        mustApply(grant(CLINIC, 3, 0));
        mustApply(signedBy(commit(DOCTOR, CLINIC, 0, keccak256("by the new key")), NEW_KEY));
    }

    function test_RotationNeedsBothKeys() public {
        mustReject(rotate(PATIENT, PATIENT, PATIENT), abi.encodeWithSelector(AccountKeys.SignerKnown.selector, patient));
        Operation memory operation = rotate(PATIENT, PATIENT, NEW_KEY);
        mustReject(signedBy(operation, PATIENT, STRANGER), wrongSignature(1, vm.addr(NEW_KEY)));
        mustReject(signedBy(operation, NEW_KEY, NEW_KEY), wrongSignature(0, patient));
        mustReject(
            signedBy(operation, PATIENT), abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 2, 1)
        );
    }

    function test_NoKeyComesBackOrServesTwoAccounts() public {
        mustApply(rotate(PATIENT, PATIENT, NEW_KEY));
        mustReject(
            rotate(OTHER_PATIENT, OTHER_PATIENT, NEW_KEY),
            abi.encodeWithSelector(Signers.SignerTaken.selector, vm.addr(NEW_KEY), patient)
        );
        mustReject(
            rotate(PATIENT, NEW_KEY, NEW_KEY),
            abi.encodeWithSelector(Signers.SignerTaken.selector, vm.addr(NEW_KEY), patient)
        );
        mustReject(
            rotate(OTHER_PATIENT, OTHER_PATIENT, DOCTOR),
            abi.encodeWithSelector(AccountKeys.SignerKnown.selector, doctor)
        );
        // A member who left is no longer known by roles; its own key is still not to come back to it.
        mustApply(rotate(DOCTOR, DOCTOR, NEWER_KEY));
        mustApply(changeMember(CLINIC, ADMIN, DOCTOR, 0));
        mustReject(
            rotate(OTHER_PATIENT, OTHER_PATIENT, DOCTOR),
            abi.encodeWithSelector(Signers.SignerTaken.selector, doctor, doctor)
        );
    }

    function test_GovernorMayRotateAndStillGoverns() public {
        mustApply(rotate(SECOND_GOVERNOR, SECOND_GOVERNOR, NEW_KEY));
        Operation memory admission = admitDraft(keccak256("third clinic"), STRANGER);
        mustReject(signedBy(admission, GOVERNOR, SECOND_GOVERNOR), wrongSignature(1, address(0)));
        mustApply(signedBy(admission, GOVERNOR, NEW_KEY));
        // Not twice, under either key's name.
        Operation memory second = admitDraft(keccak256("fourth clinic"), NEWER_KEY);
        second.actor = vm.addr(SECOND_GOVERNOR);
        mustReject(
            signedBy(second, NEW_KEY, NEW_KEY),
            abi.encodeWithSelector(Governance.GovernorRepeated.selector, vm.addr(SECOND_GOVERNOR))
        );
    }

    function test_OnlyWhoTakesPartRotates() public {
        mustReject(rotate(STRANGER, STRANGER, NEW_KEY), notAuthorized(STRANGER));
        mustApply(suspendMember(CLINIC, ADMIN, DOCTOR, 1));
        mustReject(rotate(DOCTOR, DOCTOR, NEW_KEY), notAuthorized(DOCTOR));
    }

    function test_EncryptionKeyIsNeeded() public {
        Operation memory operation = draft(Kinds.ROTATE_KEYS, patient, abi.encode(vm.addr(NEW_KEY), bytes32(0)));
        mustReject(
            signedBy(operation, PATIENT, NEW_KEY), abi.encodeWithSelector(AccountKeys.AccountInvalid.selector, patient)
        );
    }

    function test_RotatedKeyIsNoAccountToEnrolOrRegister() public {
        mustApply(rotate(PATIENT, PATIENT, NEW_KEY));
        bytes memory reason =
            abi.encodeWithSelector(AccountKeys.SignerOfAccount.selector, vm.addr(NEW_KEY), patient);
        mustReject(register(NEW_KEY), reason);
        mustReject(enrol(CLINIC, ADMIN, NEW_KEY, ROLE_AUDITOR), reason);
    }

    function test_OnlyTheDirectorySetsSigners() public {
        vm.expectRevert(abi.encodeWithSelector(Operations.ModuleRequired.selector, uint8(0), address(this)));
        gateway.setSigner(patient, vm.addr(NEW_KEY));
    }

    // --- Recovery

    function setRecovery(uint256 actor, address[5] memory guardians, uint8 threshold, uint32 delay, uint32 round)
        private
        returns (Operation memory)
    {
        return make(Kinds.SET_RECOVERY, actor, abi.encode(guardians, threshold, delay, round));
    }

    function three() private pure returns (address[5] memory guardians) {
        guardians[0] = vm.addr(GUARDIAN);
        guardians[1] = vm.addr(SECOND_GUARDIAN);
        guardians[2] = vm.addr(THIRD_GUARDIAN);
    }

    function twoOfThree() private {
        mustApply(setRecovery(PATIENT, three(), 2, 3 days, 0));
    }

    function propose(uint256 guardian, uint256 newKey) private returns (Operation memory) {
        Operation memory operation = draft(
            Kinds.PROPOSE_RECOVERY, vm.addr(guardian), abi.encode(patient, vm.addr(newKey), NEW_ENCRYPTION_KEY)
        );
        return signedBy(operation, guardian, newKey);
    }

    function approve(uint256 guardian, bytes32 proposal) private returns (Operation memory) {
        return make(Kinds.APPROVE_RECOVERY, guardian, abi.encode(patient, proposal));
    }

    function complete(uint256 actor, bytes32 proposal) private returns (Operation memory) {
        return make(Kinds.COMPLETE_RECOVERY, actor, abi.encode(patient, proposal));
    }

    function veto(uint256 actor) private returns (Operation memory) {
        return make(Kinds.VETO_RECOVERY, actor, abi.encode(patient));
    }

    function proposed() private returns (bytes32) {
        Operation memory operation = propose(GUARDIAN, NEW_KEY);
        mustApply(operation);
        return operation.opId;
    }

    function unknown(bytes32 proposal) private view returns (bytes memory) {
        return abi.encodeWithSelector(AccountKeys.ProposalUnknown.selector, patient, proposal);
    }

    function notReady(uint48 readyAt) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccountKeys.ProposalNotReady.selector, readyAt);
    }

    function test_TwoOfThreeGuardiansRecoverAfterTheDelay() public {
        twoOfThree();
        require(directory.recoveryOf(patient).guardians[2] == vm.addr(THIRD_GUARDIAN));
        bytes32 proposal = proposed();
        mustReject(complete(GUARDIAN, proposal), notReady(0));
        mustReject(
            approve(GUARDIAN, proposal),
            abi.encodeWithSelector(AccountKeys.ApprovedBefore.selector, vm.addr(GUARDIAN))
        );
        mustApply(approve(SECOND_GUARDIAN, proposal));
        uint48 readyAt = uint48(START + 3 days);
        require(directory.proposalOf(proposal).readyAt == readyAt);
        vm.warp(readyAt - 1);
        mustReject(complete(SECOND_GUARDIAN, proposal), notReady(readyAt));
        mustApply(approve(THIRD_GUARDIAN, proposal));
        require(directory.proposalOf(proposal).readyAt == readyAt, "further agreement does not put it off");
        vm.warp(readyAt);
        mustReject(complete(STRANGER, proposal), notAuthorized(STRANGER));
        mustApply(complete(NEW_KEY, proposal));
        require(gateway.signerOf(patient) == vm.addr(NEW_KEY));
        require(directory.patientKeyOf(patient) == NEW_ENCRYPTION_KEY);
        mustReject(grantWith(PATIENT), wrongSignature(0, patient));
        mustApply(grantWith(NEW_KEY));
        mustReject(complete(GUARDIAN, proposal), unknown(proposal));
    }

    function test_OldKeyVetoes() public {
        twoOfThree();
        bytes32 proposal = proposed();
        mustApply(approve(SECOND_GUARDIAN, proposal));
        mustReject(veto(GUARDIAN), notAuthorized(GUARDIAN));
        mustApply(veto(PATIENT));
        vm.warp(START + 10 days);
        mustReject(complete(GUARDIAN, proposal), unknown(proposal));
        mustReject(approve(THIRD_GUARDIAN, proposal), unknown(proposal));
        require(gateway.signerOf(patient) == patient);
    }

    function test_OtherGuardiansOrKeysEndOpenProposals() public {
        twoOfThree();
        bytes32 proposal = proposed();
        mustApply(setRecovery(PATIENT, three(), 3, 1 days, 1));
        mustReject(approve(SECOND_GUARDIAN, proposal), unknown(proposal));
        proposal = proposed();
        mustApply(rotate(PATIENT, PATIENT, NEWER_KEY));
        mustReject(approve(SECOND_GUARDIAN, proposal), unknown(proposal));
    }

    function test_OnlyGuardiansRecover() public {
        twoOfThree();
        mustReject(propose(STRANGER, NEW_KEY), notAuthorized(STRANGER));
        bytes32 proposal = proposed();
        mustReject(approve(STRANGER, proposal), notAuthorized(STRANGER));
        mustReject(approve(SECOND_GUARDIAN, keccak256("no proposal")), unknown(keccak256("no proposal")));
        Operation memory nobody =
            make(Kinds.APPROVE_RECOVERY, SECOND_GUARDIAN, abi.encode(address(0), keccak256("no proposal")));
        mustReject(
            nobody,
            abi.encodeWithSelector(AccountKeys.ProposalUnknown.selector, address(0), keccak256("no proposal"))
        );
        // Where no guardians are named, nobody is one.
        Operation memory other = draft(
            Kinds.PROPOSE_RECOVERY,
            vm.addr(GUARDIAN),
            abi.encode(vm.addr(OTHER_PATIENT), vm.addr(NEW_KEY), NEW_ENCRYPTION_KEY)
        );
        mustReject(signedBy(other, GUARDIAN, NEW_KEY), notAuthorized(GUARDIAN));
    }

    function test_OneGuardianCanBeEnoughWhereThePersonWantsIt() public {
        mustApply(setRecovery(PATIENT, three(), 1, 1 days, 0));
        bytes32 proposal = proposed();
        vm.warp(START + 1 days);
        mustApply(complete(THIRD_GUARDIAN, proposal));
    }

    function test_RecoveryIsSwitchedOff() public {
        twoOfThree();
        address[5] memory none;
        mustApply(setRecovery(PATIENT, none, 0, 0, 1));
        mustReject(propose(GUARDIAN, NEW_KEY), notAuthorized(GUARDIAN));
    }

    function test_OlderChoiceOfGuardiansHeldBackIsRefused() public {
        Operation memory heldBack = setRecovery(PATIENT, three(), 1, 1 days, 0);
        twoOfThree();
        mustReject(heldBack, abi.encodeWithSelector(AccountKeys.RoundPassed.selector, uint32(1)));
    }

    function test_OnlyWhoTakesPartNamesGuardians() public {
        mustReject(setRecovery(STRANGER, three(), 2, 3 days, 0), notAuthorized(STRANGER));
    }

    function testFuzz_ThresholdAndDelayMustFit(uint8 threshold, uint32 delay, bool small) public {
        if (small) (threshold, delay) = (threshold % 5, uint32(delay % 100 days));
        bool fits = threshold >= 1 && threshold <= 3 && delay >= 1 days && delay <= 90 days;
        Operation memory operation = setRecovery(PATIENT, three(), threshold, delay, 0);
        if (fits) mustApply(operation);
        else mustReject(operation, abi.encodeWithSelector(AccountKeys.RecoveryInvalid.selector));
    }

    function test_GuardiansAreDistinctWithoutGapsAndNotTheAccount() public {
        bytes memory reason = abi.encodeWithSelector(AccountKeys.RecoveryInvalid.selector);
        address[5] memory guardians = three();
        guardians[4] = vm.addr(STRANGER);
        mustReject(setRecovery(PATIENT, guardians, 2, 3 days, 0), reason);
        guardians = three();
        guardians[2] = guardians[0];
        mustReject(setRecovery(PATIENT, guardians, 2, 3 days, 0), reason);
        guardians[2] = patient;
        mustReject(setRecovery(PATIENT, guardians, 2, 3 days, 0), reason);
        guardians = [vm.addr(1), vm.addr(2), vm.addr(3), vm.addr(4), vm.addr(5)];
        mustApply(setRecovery(PATIENT, guardians, 5, 3 days, 0));
        address[5] memory none;
        mustReject(setRecovery(PATIENT, none, 1, 1 days, 1), reason);
        mustReject(setRecovery(PATIENT, none, 0, 1 days, 1), reason);
    }

    function testFuzz_FewerThanTheThresholdNeverRecover(uint8 asked) public {
        twoOfThree();
        uint256[3] memory guardians = [GUARDIAN, SECOND_GUARDIAN, THIRD_GUARDIAN];
        Operation memory operation = propose(guardians[asked % 3], NEW_KEY);
        mustApply(operation);
        vm.warp(START + 90 days);
        mustReject(complete(guardians[asked % 3], operation.opId), notReady(0));
        require(gateway.signerOf(patient) == patient);
    }

    // --- Keys of organizations

    function rotateOrganizationKey(uint256 actor, uint8 purpose, bytes32 key) private returns (Operation memory) {
        return make(Kinds.ROTATE_ORGANIZATION_KEY, actor, abi.encode(CLINIC, purpose, key, bytes32(0)));
    }

    function test_AdminRotatesTheOrganizationsKeys() public {
        mustReject(rotateOrganizationKey(REGISTRAR, 1, NEW_ENCRYPTION_KEY), notAuthorized(REGISTRAR));
        mustApply(rotateOrganizationKey(ADMIN, 1, NEW_ENCRYPTION_KEY));
        mustApply(rotateOrganizationKey(ADMIN, 2, KEY));
        Directory.Organization memory clinic = directory.organizationOf(CLINIC);
        require(clinic.organizationKey == NEW_ENCRYPTION_KEY && clinic.keyVersion == 1);
        require(clinic.emergencyKey == KEY && clinic.emergencyKeyVersion == 1);
        bytes4 invalid = Directory.OrganizationKeyInvalid.selector;
        mustReject(rotateOrganizationKey(ADMIN, 3, KEY), abi.encodeWithSelector(invalid, CLINIC, uint8(3)));
        mustReject(rotateOrganizationKey(ADMIN, 0, KEY), abi.encodeWithSelector(invalid, CLINIC, uint8(0)));
        mustReject(rotateOrganizationKey(ADMIN, 1, bytes32(0)), abi.encodeWithSelector(invalid, CLINIC, uint8(1)));
    }
}
