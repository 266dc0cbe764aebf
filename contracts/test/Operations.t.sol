// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BoundedCall} from "../src/BoundedCall.sol";
import {Module} from "../src/Module.sol";
import {Operation} from "../src/Operation.sol";
import {OperationKinds as Kinds} from "../src/OperationKinds.sol";
import {Governance} from "../src/Governance.sol";
import {Operations} from "../src/Operations.sol";
import {Signers} from "../src/Signers.sol";
import {BombAccount, BurningAccount, OwnedAccount} from "./support/Accounts.sol";
import {Fixture} from "./support/Fixture.sol";
import {Vm} from "./support/Vm.sol";

contract OperationsTest is Fixture {
    function test_BadOperationsDoNotStopTheirNeighbours() public {
        Operation[] memory batch = new Operation[](5);
        batch[0] = grant(CLINIC, 3, 0);
        batch[1] = commit(STRANGER, bytes32(0), 0, keccak256("forged"));
        batch[2] = commit(DOCTOR, CLINIC, 0, keccak256("good"));
        batch[3] = commit(DOCTOR, CLINIC, 0, keccak256("unknown kind"));
        batch[3].kind = 99;
        batch[4] = commit(DOCTOR, CLINIC, 0, keccak256("good too"));
        bytes[] memory reasons = submitAll(batch);
        require(reasons[0].length == 0 && reasons[2].length == 0 && reasons[4].length == 0, "the good are applied");
        require(reasons[1].length != 0 && reasons[3].length != 0, "the bad are refused");
        require(keccak256(reasons[3]) == keccak256(abi.encodeWithSelector(Operations.KindUnknown.selector, 99)));
        require(records.commitCount() == 2);
    }

    function test_OperationIsAppliedOnce() public {
        Operation memory operation = grant(CLINIC, 3, 0);
        mustApply(operation);
        vm.roll(101);
        mustReject(operation, abi.encodeWithSelector(Operations.OpIdUsed.selector, operation.opId, uint64(100)));
        require(gateway.appliedAt(operation.opId) == 100);
        require(gateway.kindOf(operation.opId) == Kinds.GRANT);
    }

    function test_SameOperationTwiceInOneBatchIsAppliedOnce() public {
        Operation[] memory batch = new Operation[](2);
        batch[0] = revoke(CLINIC, 1);
        batch[1] = batch[0];
        bytes[] memory reasons = submitAll(batch);
        require(reasons[0].length == 0 && reasons[1].length != 0);
        require(consents.epochOf(vm.addr(PATIENT), COMPARTMENT) == 1);
    }

    function test_RejectedOperationMayBeSentAgain() public {
        Operation memory operation = commit(DOCTOR, CLINIC, 0, keccak256("early"));
        require(submit(operation).length != 0, "no grant yet");
        mustApply(grant(CLINIC, 3, 0));
        mustApply(operation);
    }

    function test_OperationOfAnotherChainIsRefused() public {
        Operation memory operation = grant(CLINIC, 3, 0);
        vm.chainId(4242);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, vm.addr(PATIENT)));
    }

    function test_OperationOfAnotherGatewayIsRefused() public {
        Operations other = deployGateway(1);
        require(address(other) != address(gateway));
        Operation memory operation = signedBy(other, grant(CLINIC, 3, 0), PATIENT);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, vm.addr(PATIENT)));
    }

    function test_DeadlineIsTheLastSecond() public {
        Operation memory operation = grant(CLINIC, 3, 0);
        operation.deadline = START;
        operation = signedBy(operation, PATIENT);
        vm.warp(START + 1);
        mustReject(operation, abi.encodeWithSelector(Operations.DeadlinePassed.selector, START, uint256(START) + 1));
        vm.warp(START);
        mustApply(operation);
    }

    function testFuzz_AnyChangedPartBreaksTheSignature(uint8 part, uint256 change) public {
        vm.assume(change != 0);
        Operation memory operation = commit(PATIENT, bytes32(0), 0, keccak256("signed"));
        part = part % 5;
        if (part == 0) operation.opId = bytes32(uint256(operation.opId) ^ change);
        else if (part == 1) operation.actor = address(uint160(operation.actor) ^ (uint160(change) | 1));
        else if (part == 2) operation.issuedAt ^= uint64(change) | 1;
        else if (part == 3) operation.deadline = START + uint64(change % 1_000_000);
        else operation.payload = abi.encode(vm.addr(PATIENT), COMPARTMENT, uint32(0), bytes32(0), bytes32(change));
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, operation.actor));
    }

    function testFuzz_GarbageNeverStopsTheBatch(uint8 kind, address actor, bytes memory payload, bytes memory proof)
        public
    {
        Operation[] memory batch = new Operation[](2);
        batch[0] = draft(kind, actor, payload);
        batch[0].signatures = new bytes[](1);
        batch[0].signatures[0] = proof;
        batch[1] = grant(CLINIC, 3, 0);
        bytes[] memory reasons = submitAll(batch);
        require(reasons[0].length != 0 && reasons[1].length == 0);
    }

    function testFuzz_PayloadMustHaveExactlyItsLength(uint16 length) public {
        vm.assume(length != 160);
        Operation memory operation = make(Kinds.COMMIT, PATIENT, new bytes(length));
        mustReject(operation, abi.encodeWithSelector(Operations.PayloadLengthWrong.selector, 160, uint256(length)));
    }

    function testFuzz_DirtyUpperBitsAreRefused(uint256 dirt, uint8 which) public {
        vm.assume(dirt != 0);
        // The grant's narrow fields, by index, and their widths.
        uint256[6] memory fields = [uint256(0), 3, 4, 5, 6, 7];
        uint256[6] memory widths = [uint256(160), 8, 8, 64, 64, 32];
        uint256 field = fields[which % 6];
        uint256 shift = widths[which % 6];
        dirt <<= shift;
        vm.assume(dirt != 0);
        Operation memory operation = grant(CLINIC, 3, 0);
        bytes memory payload = operation.payload;
        assembly ("memory-safe") {
            let place := add(add(payload, 0x20), mul(field, 0x20))
            mstore(place, or(mload(place), dirt))
        }
        mustReject(
            signedBy(operation, PATIENT), abi.encodeWithSelector(Operations.PayloadValueOutOfRange.selector, field)
        );
    }

    function test_SignatureCountIsExact() public {
        Operation memory operation = signedBy(grant(CLINIC, 3, 0), PATIENT, STRANGER);
        mustReject(operation, abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 1, 2));
        operation.signatures = new bytes[](0);
        mustReject(operation, abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 1, 0));
    }

    function test_PatientMustSignTheRegistration() public {
        Operation memory operation = register(STRANGER);
        operation = signedBy(operation, REGISTRAR, REGISTRAR);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 1, vm.addr(STRANGER)));
        operation = signedBy(operation, REGISTRAR);
        mustReject(operation, abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 2, 1));
    }

    // --- Governors

    function test_TwoOfThreeGovernorsAdmit() public {
        Operation memory operation = admitDraft(keccak256("third clinic"), STRANGER);
        mustReject(
            signedBy(operation, GOVERNOR), abi.encodeWithSelector(Operations.SignatureCountWrong.selector, 2, 1)
        );
        mustReject(
            signedBy(operation, GOVERNOR, GOVERNOR),
            abi.encodeWithSelector(Governance.GovernorRepeated.selector, vm.addr(GOVERNOR))
        );
        mustReject(
            signedBy(operation, GOVERNOR, STRANGER),
            abi.encodeWithSelector(Signers.SignatureWrong.selector, 1, address(0))
        );
        operation = signedBy(operation, GOVERNOR, THIRD_GOVERNOR);
        bytes memory good = operation.signatures[1];
        operation.signatures[1] = new bytes(10);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 1, address(0)));
        operation.signatures[1] = good;
        mustApply(operation);
    }

    function test_TypeHashIsThatOfTheType() public view {
        require(
            gateway.typeHashOf(Kinds.VETO_RECOVERY)
                == keccak256(
                    "VetoRecovery(bytes32 opId,address actor,uint64 issuedAt,uint64 deadline,address account)"
                )
        );
        require(gateway.typeHashOf(0) == 0);
    }

    function test_OnlyAGovernorAdmits() public {
        Operation memory operation = admitDraft(keccak256("third clinic"), STRANGER);
        operation.actor = vm.addr(STRANGER);
        mustReject(
            signedBy(operation, STRANGER, GOVERNOR),
            abi.encodeWithSelector(Governance.GovernorRequired.selector, vm.addr(STRANGER))
        );
    }

    function test_GovernorThatIsAnAccountContractSigns() public {
        address[] memory accounts = governorAccounts();
        accounts[1] = address(new OwnedAccount(vm.addr(STRANGER)));
        gateway = deployGateway(accounts, 2);
        installModules(gateway);
        mustApply(signedBy(admitDraft(CLINIC, ADMIN), GOVERNOR, STRANGER));
    }

    function test_GovernorsMustBeDistinctAndEnough() public {
        address[] memory accounts = governorAccounts();
        vm.expectRevert(abi.encodeWithSelector(Governance.GovernorsInvalid.selector));
        deployGateway(accounts, 4);
        vm.expectRevert(abi.encodeWithSelector(Governance.GovernorsInvalid.selector));
        deployGateway(accounts, 0);
        accounts[2] = accounts[0];
        vm.expectRevert(abi.encodeWithSelector(Governance.GovernorsInvalid.selector));
        deployGateway(accounts, 2);
    }

    // --- Account contracts (ERC-1271) and hostile ones

    function test_AccountContractSigns() public {
        address account = address(new OwnedAccount(vm.addr(STRANGER)));
        Operation memory enrolment = make(
            Kinds.ENROL_MEMBER, ADMIN, abi.encode(CLINIC, account, ROLE_REGISTRAR, KEY, bytes32(0), bytes32(0))
        );
        mustApply(enrolment);
        Operation memory claim =
            draft(Kinds.CLAIM_IDENTIFIER, account, abi.encode(account, keccak256("identifier"), uint32(1)));
        mustReject(
            signedBy(claim, DOCTOR), abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, account)
        );
        mustApply(signedBy(claim, STRANGER));
    }

    function test_HostileAccountContractCostsItsNeighboursNothing() public {
        address[2] memory hostile = [address(new BurningAccount()), address(new BombAccount())];
        for (uint256 i = 0; i < hostile.length; ++i) {
            Operation[] memory batch = new Operation[](2);
            batch[0] = signedBy(draft(Kinds.COMMIT, hostile[i], new bytes(160)), STRANGER);
            batch[1] = grant(CLINIC, 3, 0);
            uint256 before = gasleft();
            bytes[] memory reasons = submitAll(batch);
            require(before - gasleft() < 500_000, "bounded gas");
            require(reasons[0].length != 0 && reasons[1].length == 0);
        }
    }

    function test_StingyRelayerCannotMakeAGoodOperationFail() public {
        Operation[] memory batch = new Operation[](1);
        // The dearest kind: when its module runs out of gas, most is left to the gateway (one 64th, EIP-150).
        batch[0] = admit(keccak256("third clinic"), STRANGER);
        // Whatever gas is given, the operation is applied or all of it reverts.
        for (uint256 gasGiven = 30_000; gasGiven < 700_000; gasGiven += 1000) {
            try gateway.submit{gas: gasGiven}(batch) {
                require(gateway.appliedAt(batch[0].opId) != 0, "applied");
                return;
            } catch (bytes memory reason) {
                require(reason.length == 0 || bytes4(reason) == BoundedCall.GasTooLow.selector);
            }
        }
        revert("never applied");
    }

    /// @dev What is in the log is all it takes to verify a signature.
    function testFuzz_SignatureIsVerifiableFromTheLog(uint64 issuedAt, uint64 deadline, bytes32 opId) public {
        vm.assume(deadline >= START && opId != 0);
        Operation memory operation = register(STRANGER);
        (operation.issuedAt, operation.deadline, operation.opId) = (issuedAt, deadline, opId);
        operation = signedBy(operation, REGISTRAR, STRANGER);
        Operation[] memory batch = new Operation[](1);
        batch[0] = operation;
        vm.recordLogs();
        gateway.submit(batch);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory log = logs[logs.length - 1];
        require(log.topics[0] == Operations.OperationApplied.selector && log.topics[1] == opId);
        require(uint256(log.topics[2]) == operation.kind);
        require(uint256(log.topics[3]) == uint160(operation.actor));
        require(
            keccak256(abi.decode(log.data, (bytes)))
                == keccak256(
                    abi.encodePacked(
                        issuedAt,
                        deadline,
                        uint8(3),
                        operation.payload,
                        uint16(65),
                        operation.signatures[0],
                        uint16(65),
                        operation.signatures[1]
                    )
                )
        );
    }

    function test_ContractSignaturesOfAnyLengthAreInTheLog() public {
        address account = address(new OwnedAccount(vm.addr(STRANGER)));
        mustApply(
            make(Kinds.ENROL_MEMBER, ADMIN, abi.encode(CLINIC, account, ROLE_REGISTRAR, KEY, bytes32(0), bytes32(0)))
        );
        Operation memory operation =
            draft(Kinds.CLAIM_IDENTIFIER, account, abi.encode(account, keccak256("identifier"), uint32(1)));
        mustReject(
            signedBy(operation, DOCTOR), abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, account)
        );
        operation.signatures[0] = new bytes(2049);
        mustReject(operation, abi.encodeWithSelector(Signers.SignatureWrong.selector, 0, account));
    }

    function test_ValuesBeyondTheirTypesAreMalformed() public {
        Operation[] memory batch = new Operation[](2);
        batch[0] = grant(CLINIC, 3, 0);
        batch[1] = grant(CLINIC, 3, 0);
        uint256[4] memory fields = [uint256(0), 2, 3, 4];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory data = abi.encodeCall(Operations.submit, (batch));
            // Selector, offset and length of the array, two offsets: then the second operation, as far as its own says.
            uint256 second = 4 + 64 + uint256(word(data, 4 + 96));
            data[second + fields[i] * 32] = 0x01;
            (bool success, bytes memory answer) = address(gateway).call(data);
            require(!success);
            require(
                keccak256(answer) == keccak256(abi.encodeWithSelector(Operations.OperationMalformed.selector, 1))
            );
        }
    }

    function word(bytes memory data, uint256 place) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), place))
        }
    }

    function test_BatchHasALimit() public {
        vm.expectRevert(abi.encodeWithSelector(Operations.BatchTooLarge.selector, 257, 256));
        gateway.submit(new Operation[](257));
    }

    // --- Modules

    function test_ModulesTakeOperationsFromTheGatewayOnly() public {
        for (uint8 i = 0; i < 5; ++i) {
            Module target = Module(gateway.module(i));
            require(target.gateway() == address(gateway));
            vm.expectRevert(abi.encodeWithSelector(Module.GatewayRequired.selector, address(this)));
            target.applyOperation(Kinds.COMMIT, bytes32(0), address(this), "");
        }
    }

    function test_ModulesRefuseKindsThatTheyDoNotHold() public {
        for (uint8 i = 0; i < 5; ++i) {
            Module target = Module(gateway.module(i));
            for (uint8 kind = 16; kind < 20; ++kind) {
                vm.prank(address(gateway));
                vm.expectRevert(abi.encodeWithSelector(Module.KindNotHeld.selector, kind));
                target.applyOperation(kind, bytes32(0), address(this), "");
            }
        }
    }

    function test_ModuleThatFailsWithoutAReasonIsNamed() public {
        vm.etch(gateway.module(2), address(new BurningAccount()).code);
        mustReject(grant(CLINIC, 3, 0), abi.encodeWithSelector(Operations.ModuleFailed.selector, uint8(2)));
    }

    function test_ModulesAreFiveInNumber() public {
        vm.expectRevert(abi.encodeWithSelector(Operations.ModuleIndexUnknown.selector, uint8(5)));
        gateway.installModule(5, "");
        vm.expectRevert(abi.encodeWithSelector(Operations.ModuleIndexUnknown.selector, uint8(5)));
        gateway.moduleAddress(5);
        require(gateway.module(5) == address(0));
    }

    function test_ModuleOfOtherCodeIsNotInstalled() public {
        Operations fresh = deployGateway(2);
        bytes memory wrong = initCodes()[0];
        bytes32[5] memory hashes = codeHashes();
        vm.expectRevert(
            abi.encodeWithSelector(Operations.ModuleCodeWrong.selector, uint8(1), hashes[1], keccak256(wrong))
        );
        fresh.installModule(1, wrong);
    }

    function test_InstallingAgainChangesNothing() public {
        address before = gateway.module(0);
        installModules(gateway);
        require(gateway.module(0) == before && before == gateway.moduleAddress(0));
        require(directory.isPatient(vm.addr(PATIENT)), "its state is still there");
    }

    function test_NothingIsAppliedBeforeAllModulesAreInstalled() public {
        gateway = deployGateway(2);
        require(gateway.module(0) == address(0));
        gateway.installModule(0, initCodes()[0]);
        mustReject(
            admit(CLINIC, ADMIN), abi.encodeWithSelector(Operations.ModulesMissing.selector, uint8(1))
        );
        installModules(gateway);
        mustApply(admit(CLINIC, ADMIN));
    }
}
