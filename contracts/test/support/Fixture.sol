// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../src/AuditTrail.sol";
import {Consents} from "../../src/Consents.sol";
import {Directory} from "../../src/Directory.sol";
import {Identifiers} from "../../src/Identifiers.sol";
import {Module} from "../../src/Module.sol";
import {Operation} from "../../src/Operation.sol";
import {OperationKinds as Kinds} from "../../src/OperationKinds.sol";
import {Operations} from "../../src/Operations.sol";
import {Records} from "../../src/Records.sol";
import {Vm} from "./Vm.sol";

/// @dev A ledger with two clinics, their staff and two patients; and the making, signing and sending of operations.
abstract contract Fixture {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint64 internal constant START = 1_800_000_000;
    uint64 internal constant FAR = type(uint64).max;

    // Private keys, by who holds them.
    uint256 internal constant GOVERNOR = 0x1001;
    uint256 internal constant SECOND_GOVERNOR = 0x1002;
    uint256 internal constant THIRD_GOVERNOR = 0x1003;
    uint256 internal constant ADMIN = 0x2001;
    uint256 internal constant REGISTRAR = 0x2002;
    uint256 internal constant DOCTOR = 0x2003;
    uint256 internal constant AUDITOR = 0x2004;
    uint256 internal constant OTHER_ADMIN = 0x3001;
    uint256 internal constant OTHER_DOCTOR = 0x3003;
    uint256 internal constant PATIENT = 0x4001;
    uint256 internal constant OTHER_PATIENT = 0x4002;
    uint256 internal constant STRANGER = 0x5001;

    bytes32 internal constant CLINIC = keccak256("clinic");
    bytes32 internal constant OTHER_CLINIC = keccak256("other clinic");
    bytes32 internal constant KEY = keccak256("an X25519 key");
    bytes32 internal constant COMPARTMENT = keccak256("a compartment");

    uint8 internal constant ROLE_ADMIN = 1;
    uint8 internal constant ROLE_REGISTRAR = 2;
    uint8 internal constant ROLE_PRACTITIONER = 4;
    uint8 internal constant ROLE_AUDITOR = 8;

    Operations internal gateway;
    Directory internal directory;
    Identifiers internal identifiers;
    Consents internal consents;
    Records internal records;
    AuditTrail internal auditTrail;
    /// @dev Domain that operations are sent from; zero: this network's own.
    bytes32 internal predecessor;
    uint256 private _opCount;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(100);
        gateway = deployGateway(2);
        installModules(gateway);
        directory = Directory(gateway.module(0));
        identifiers = Identifiers(gateway.module(1));
        consents = Consents(gateway.module(2));
        records = Records(gateway.module(3));
        auditTrail = AuditTrail(gateway.module(4));

        mustApply(admit(CLINIC, ADMIN));
        mustApply(admit(OTHER_CLINIC, OTHER_ADMIN));
        mustApply(enrol(CLINIC, ADMIN, REGISTRAR, ROLE_REGISTRAR));
        mustApply(enrol(CLINIC, ADMIN, DOCTOR, ROLE_PRACTITIONER));
        mustApply(enrol(CLINIC, ADMIN, AUDITOR, ROLE_AUDITOR));
        mustApply(enrol(OTHER_CLINIC, OTHER_ADMIN, OTHER_DOCTOR, ROLE_PRACTITIONER));
        mustApply(register(PATIENT));
        mustApply(register(OTHER_PATIENT));
    }

    // --- Deployment

    /// @dev Asked of the test runner: these are the bytes that are deployed, compiled as such, and the tests compile fast.
    function initCodes() internal view returns (bytes[5] memory) {
        return [
            vm.getCode("contracts/src/Directory.sol:Directory"),
            vm.getCode("contracts/src/Identifiers.sol:Identifiers"),
            vm.getCode("contracts/src/Consents.sol:Consents"),
            vm.getCode("contracts/src/Records.sol:Records"),
            vm.getCode("contracts/src/AuditTrail.sol:AuditTrail")
        ];
    }

    function codeHashes() internal view returns (bytes32[5] memory hashes) {
        bytes[5] memory codes = initCodes();
        for (uint256 i = 0; i < 5; ++i) {
            hashes[i] = keccak256(codes[i]);
        }
    }

    function governorAccounts() internal pure returns (address[] memory accounts) {
        accounts = new address[](3);
        accounts[0] = vm.addr(GOVERNOR);
        accounts[1] = vm.addr(SECOND_GOVERNOR);
        accounts[2] = vm.addr(THIRD_GOVERNOR);
    }

    function deployGateway(uint256 threshold) internal returns (Operations) {
        return deployGateway(governorAccounts(), threshold);
    }

    function deployGateway(address[] memory governors, uint256 threshold) internal returns (Operations deployed) {
        bytes memory initCode = abi.encodePacked(
            vm.getCode("contracts/src/Operations.sol:Operations"), abi.encode(governors, threshold, codeHashes())
        );
        assembly ("memory-safe") {
            deployed := create(0, add(initCode, 0x20), mload(initCode))
            if iszero(deployed) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function installModules(Operations target) internal {
        bytes[5] memory codes = initCodes();
        for (uint8 i = 0; i < 5; ++i) {
            target.installModule(i, codes[i]);
        }
    }

    // --- Operations

    /// @dev An operation with a fresh identifier and no signatures yet.
    function draft(uint8 kind, address actor, bytes memory payload) internal returns (Operation memory operation) {
        operation.kind = kind;
        operation.opId = keccak256(abi.encode("operation", ++_opCount));
        operation.actor = actor;
        operation.issuedAt = START;
        operation.deadline = FAR;
        operation.payload = payload;
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function signedBy(Operation memory operation, uint256 key) internal view returns (Operation memory) {
        return signedBy(gateway, operation, key);
    }

    function signedBy(Operations target, Operation memory operation, uint256 key)
        internal
        view
        returns (Operation memory)
    {
        operation.signatures = new bytes[](1);
        operation.signatures[0] = signature(key, target.digestOf(operation));
        return operation;
    }

    function signedBy(Operation memory operation, uint256 first, uint256 second)
        internal
        view
        returns (Operation memory)
    {
        bytes32 digest = gateway.digestOf(operation);
        operation.signatures = new bytes[](2);
        operation.signatures[0] = signature(first, digest);
        operation.signatures[1] = signature(second, digest);
        return operation;
    }

    function make(uint8 kind, uint256 key, bytes memory payload) internal returns (Operation memory) {
        return signedBy(draft(kind, vm.addr(key), payload), key);
    }

    function admitDraft(bytes32 organization, uint256 admin) internal returns (Operation memory) {
        return draft(
            Kinds.ADMIT_ORGANIZATION,
            vm.addr(GOVERNOR),
            abi.encode(organization, vm.addr(admin), KEY, KEY, bytes32(0), bytes32(0), bytes32(0))
        );
    }

    function admit(bytes32 organization, uint256 admin) internal returns (Operation memory) {
        return signedBy(admitDraft(organization, admin), GOVERNOR, SECOND_GOVERNOR);
    }

    function suspendOrganization(bytes32 organization, uint8 flag) internal returns (Operation memory) {
        Operation memory operation =
            draft(Kinds.SUSPEND_ORGANIZATION, vm.addr(GOVERNOR), abi.encode(organization, flag));
        return signedBy(operation, GOVERNOR, THIRD_GOVERNOR);
    }

    function enrol(bytes32 organization, uint256 actor, uint256 member, uint8 roles)
        internal
        returns (Operation memory)
    {
        return make(
            Kinds.ENROL_MEMBER, actor, abi.encode(organization, vm.addr(member), roles, KEY, bytes32(0), bytes32(0))
        );
    }

    function changeMember(bytes32 organization, uint256 actor, uint256 member, uint8 roles)
        internal
        returns (Operation memory)
    {
        return make(Kinds.CHANGE_MEMBER, actor, abi.encode(organization, vm.addr(member), roles));
    }

    function suspendMember(bytes32 organization, uint256 actor, uint256 member, uint8 flag)
        internal
        returns (Operation memory)
    {
        return make(Kinds.SUSPEND_MEMBER, actor, abi.encode(organization, vm.addr(member), flag));
    }

    function register(uint256 patient) internal returns (Operation memory) {
        Operation memory operation =
            draft(Kinds.REGISTER_PATIENT, vm.addr(REGISTRAR), abi.encode(CLINIC, vm.addr(patient), KEY));
        return signedBy(operation, REGISTRAR, patient);
    }

    function toPerson(uint256 key) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(vm.addr(key))));
    }

    function grant(bytes32 grantee, uint8 access, uint32 epoch) internal returns (Operation memory) {
        return grant(grantee, access, 0, 0, epoch);
    }

    function grant(bytes32 grantee, uint8 access, uint64 validFrom, uint64 validUntil, uint32 epoch)
        internal
        returns (Operation memory)
    {
        return make(
            Kinds.GRANT,
            PATIENT,
            abi.encode(
                vm.addr(PATIENT), COMPARTMENT, grantee, access, uint8(1), validFrom, validUntil, epoch, bytes32(0)
            )
        );
    }

    function revoke(bytes32 grantee, uint32 epoch) internal returns (Operation memory) {
        return make(
            Kinds.REVOKE, PATIENT, abi.encode(vm.addr(PATIENT), COMPARTMENT, grantee, epoch, bytes32(0))
        );
    }

    function commit(uint256 author, bytes32 organization, uint32 epoch, bytes32 digest)
        internal
        returns (Operation memory)
    {
        return make(
            Kinds.COMMIT, author, abi.encode(vm.addr(PATIENT), COMPARTMENT, epoch, organization, digest)
        );
    }

    function openEmergency(uint256 practitioner, bytes32 organization, uint32 duration)
        internal
        returns (Operation memory)
    {
        return make(
            Kinds.OPEN_EMERGENCY,
            practitioner,
            abi.encode(vm.addr(PATIENT), organization, keccak256("a reason"), duration)
        );
    }

    function governed(uint8 kind, bytes memory payload) internal returns (Operation memory) {
        return signedBy(draft(kind, vm.addr(GOVERNOR), payload), GOVERNOR, SECOND_GOVERNOR);
    }

    function rotate(uint256 account, uint256 oldKey, uint256 newKey) internal returns (Operation memory) {
        Operation memory operation =
            draft(Kinds.ROTATE_KEYS, vm.addr(account), abi.encode(vm.addr(newKey), keccak256(abi.encode(newKey))));
        return signedBy(operation, oldKey, newKey);
    }

    // --- Sending

    /// @dev Gas of one operation sent alone, which must be applied.
    function gasOf(Operation memory operation) internal returns (uint256 used) {
        Operation[] memory operations = new Operation[](1);
        operations[0] = operation;
        // Encoded before: what the test's own memory costs grows with the test.
        bytes memory data = abi.encodeCall(Operations.submit, (operations));
        address target = address(gateway);
        bool success;
        assembly ("memory-safe") {
            used := gas()
            success := call(gas(), target, 0, add(data, 0x20), mload(data), 0, 0)
            used := sub(used, gas())
        }
        require(success, "taken");
        require(gateway.appliedAt(operation.opId) == block.number, "applied");
    }

    function isOutcome(bytes32 topic) private pure returns (bool) {
        return topic == Operations.OperationApplied.selector || topic == Operations.OperationRejected.selector;
    }

    /// @dev Submits operations in one batch; gives each one's rejection reason, empty where it was applied.
    function submitAll(Operation[] memory operations) internal returns (bytes[] memory reasons) {
        vm.recordLogs();
        if (predecessor == 0) gateway.submit(operations);
        else gateway.submitFrom(predecessor, operations);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        reasons = new bytes[](operations.length);
        uint256 next = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(gateway) || !isOutcome(logs[i].topics[0])) continue;
            require(logs[i].topics[1] == operations[next].opId, "one event for each operation, in order");
            if (logs[i].topics[0] == Operations.OperationRejected.selector) {
                reasons[next] = abi.decode(logs[i].data, (bytes));
            }
            ++next;
        }
        require(next == operations.length, "an event for every operation");
    }

    function submit(Operation memory operation) internal returns (bytes memory reason) {
        Operation[] memory operations = new Operation[](1);
        operations[0] = operation;
        return submitAll(operations)[0];
    }

    function mustApply(Operation memory operation) internal {
        bytes memory reason = submit(operation);
        require(reason.length == 0, string(abi.encodePacked("refused: ", reason)));
        require(gateway.appliedAt(operation.opId) == block.number, "noted with its block");
    }

    function mustReject(Operation memory operation, bytes memory expected) internal {
        bytes memory reason = submit(operation);
        require(reason.length != 0, "applied, but should have been refused");
        require(keccak256(reason) == keccak256(expected), "refused for another reason");
    }

    function notAuthorized(uint256 key) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Module.NotAuthorized.selector, vm.addr(key));
    }
}
