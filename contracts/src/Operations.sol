// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {BoundedCall} from "./BoundedCall.sol";
import {IGateway, IModule} from "./Module.sol";
import {Operation} from "./Operation.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title The gateway: the one entry for signed operations, and their one EIP-712 domain.
/// @notice Anyone may relay operations. Each is tried on its own: a bad one is rejected with an event and its reason, and
/// never reverts its neighbours.
/// @dev A rejection is not final: the identifier stays free and the same operation may be sent again. Anyone can cause a
/// rejection event for any identifier by relaying a forgery, so a reader should believe only those of its own transactions.
contract Operations is IGateway, EIP712 {
    using OperationKinds for uint256;

    /// @dev One slot: what is kept of an applied operation.
    struct Applied {
        uint64 blockNumber;
        uint8 kind;
        bytes23 mark;
    }

    /// @notice An operation was applied.
    event OperationApplied(
        bytes32 indexed opId,
        uint8 indexed kind,
        address indexed actor,
        uint64 issuedAt,
        uint64 deadline,
        bytes payload,
        bytes[] signatures
    );
    /// @notice An operation was refused; `reason` is an ABI-encoded custom error of this contract or of a module.
    event OperationRejected(bytes32 indexed opId, bytes reason);
    /// @notice A module was deployed at the address that this gateway committed to.
    event ModuleInstalled(uint8 indexed index, address module);

    /// @notice No kind has this number.
    error KindUnknown(uint8 kind);
    /// @notice The identifier was used before, in block `blockNumber`.
    error OpIdUsed(bytes32 opId, uint64 blockNumber);
    /// @notice The block's time is past the deadline.
    error DeadlinePassed(uint64 deadline, uint256 blockTime);
    /// @notice The payload has not the length of the kind's fields.
    error PayloadLengthWrong(uint256 expected, uint256 actual);
    /// @notice The payload's field with this index has bits set beyond its type.
    error PayloadValueOutOfRange(uint256 field);
    /// @notice More or fewer signatures than the kind asks for.
    error SignatureCountWrong(uint256 expected, uint256 actual);
    /// @notice The signature with this index is not one of `signer` (zero where a governor's was due) over the operation.
    error SignatureWrong(uint256 index, address signer);
    /// @notice The actor is no governor.
    error GovernorRequired(address actor);
    /// @notice The same governor signed twice.
    error GovernorRepeated(address governor);
    /// @notice Not all modules are installed yet; bit i of `installed` is module i.
    error ModulesMissing(uint8 installed);
    /// @notice The module failed without a reason, most likely for want of gas.
    error ModuleFailed(uint8 index);

    /// @notice No module has this index. Reverts.
    error ModuleIndexUnknown(uint8 index);
    /// @notice The init code is not the one that this gateway committed to. Reverts.
    error ModuleCodeWrong(uint8 index, bytes32 expected, bytes32 actual);
    /// @notice More operations than a batch may have. Reverts.
    error BatchTooLarge(uint256 size, uint256 limit);
    /// @notice Governors must be 1 to 16 distinct accounts, and the threshold between 1 and their number. Reverts.
    error GovernorsInvalid();

    /// @dev Dearest operation (AdmitOrganization) needs about 250,000.
    uint256 private constant MODULE_GAS = 400_000;
    /// @dev What an account contract may spend on checking a signature (ERC-1271).
    uint256 private constant SIGNATURE_GAS = 100_000;
    /// @dev Longest signature that is looked at: account contracts of several owners need some room.
    uint256 private constant MAX_SIGNATURE_LENGTH = 2048;
    uint256 private constant MAX_REASON_LENGTH = 256;
    uint256 private constant MAX_BATCH = 256;
    uint256 private constant MAX_GOVERNORS = 16;
    uint8 private constant ALL_INSTALLED = uint8((1 << OperationKinds.MODULE_COUNT) - 1);

    address private immutable DIRECTORY;
    address private immutable IDENTIFIERS;
    address private immutable CONSENTS;
    address private immutable RECORDS;
    address private immutable AUDIT_TRAIL;
    uint256 private immutable THRESHOLD;

    bytes32[5] private _codeHashes;
    uint8 private _installed;
    address[] private _governors;
    /// @dev Index in `_governors`, plus one.
    mapping(address account => uint256 position) private _governorPosition;
    mapping(bytes32 opId => Applied) private _applied;

    /// @notice Fixes governors and modules for good.
    /// @param governors_ Accounts of the consortium that admit and suspend organizations.
    /// @param threshold_ How many of them must sign.
    /// @param moduleCodeHashes keccak256 of the modules' init codes, by index. So this contract's address commits to
    /// governors and modules both.
    constructor(address[] memory governors_, uint256 threshold_, bytes32[5] memory moduleCodeHashes)
        EIP712("Anamnesis", "1")
    {
        uint256 count = governors_.length;
        if (count > MAX_GOVERNORS || threshold_ == 0 || threshold_ > count) revert GovernorsInvalid();
        for (uint256 i = 0; i < count; ++i) {
            address account = governors_[i];
            if (account == address(0) || _governorPosition[account] != 0) revert GovernorsInvalid();
            _governorPosition[account] = i + 1;
        }
        _governors = governors_;
        THRESHOLD = threshold_;
        _codeHashes = moduleCodeHashes;
        DIRECTORY = Create2.computeAddress(0, moduleCodeHashes[OperationKinds.DIRECTORY]);
        IDENTIFIERS = Create2.computeAddress(0, moduleCodeHashes[OperationKinds.IDENTIFIERS]);
        CONSENTS = Create2.computeAddress(0, moduleCodeHashes[OperationKinds.CONSENTS]);
        RECORDS = Create2.computeAddress(0, moduleCodeHashes[OperationKinds.RECORDS]);
        AUDIT_TRAIL = Create2.computeAddress(0, moduleCodeHashes[OperationKinds.AUDIT_TRAIL]);
    }

    /// @notice Deploys a module. Anyone may; doing it again changes nothing.
    /// @param index 0 Directory, 1 Identifiers, 2 Consents, 3 Records, 4 AuditTrail.
    /// @param initCode Init code whose hash this gateway committed to.
    function installModule(uint8 index, bytes calldata initCode) external {
        if (index >= OperationKinds.MODULE_COUNT) revert ModuleIndexUnknown(index);
        bytes32 expected = _codeHashes[index];
        bytes32 actual = keccak256(initCode);
        if (actual != expected) revert ModuleCodeWrong(index, expected, actual);
        if (_isInstalled(index)) return;
        _installed |= uint8(1 << index);
        address deployed = Create2.deploy(0, 0, initCode);
        emit ModuleInstalled(index, deployed);
    }

    /// @notice Tries each operation in turn, at most 256. Reverts only for what is the relayer's fault: too many
    /// operations, or too little gas to be fair to one of them ({BoundedCall-GasTooLow}).
    /// @param operations Operations, each applied or rejected with an event.
    function submit(Operation[] calldata operations) external {
        uint256 count = operations.length;
        if (count > MAX_BATCH) revert BatchTooLarge(count, MAX_BATCH);
        uint8 installed = _installed;
        // Nothing in memory outlives its operation: without this, the cost of memory grows with the square of the batch.
        Memory.Pointer free = Memory.getFreeMemoryPointer();
        for (uint256 i = 0; i < count; ++i) {
            Memory.unsafeSetFreeMemoryPointer(free);
            Operation calldata operation = operations[i];
            bytes memory reason = installed == ALL_INSTALLED
                ? _tryApply(operation)
                : abi.encodeWithSelector(ModulesMissing.selector, installed);
            if (reason.length == 0) {
                emit OperationApplied(
                    operation.opId,
                    operation.kind,
                    operation.actor,
                    operation.issuedAt,
                    operation.deadline,
                    operation.payload,
                    operation.signatures
                );
            } else {
                emit OperationRejected(operation.opId, reason);
            }
        }
    }

    /// @inheritdoc IGateway
    function appliedAt(bytes32 opId) external view returns (uint64 blockNumber) {
        return _applied[opId].blockNumber;
    }

    /// @notice Kind of an applied operation; 0 where it was not applied.
    function kindOf(bytes32 opId) external view returns (uint8) {
        return _applied[opId].kind;
    }

    /// @inheritdoc IGateway
    function markOf(bytes32 opId) external view returns (bytes23) {
        return _applied[opId].mark;
    }

    /// @notice Address of an installed module; zero until it is installed.
    function module(uint8 index) external view returns (address) {
        if (index >= OperationKinds.MODULE_COUNT || !_isInstalled(index)) return address(0);
        return _moduleAddress(index);
    }

    /// @inheritdoc IGateway
    function moduleAddress(uint8 index) external view returns (address) {
        if (index >= OperationKinds.MODULE_COUNT) revert ModuleIndexUnknown(index);
        return _moduleAddress(index);
    }

    /// @notice The accounts that govern, in the order given at deployment.
    function governors() external view returns (address[] memory) {
        return _governors;
    }

    /// @notice How many governors must sign.
    function threshold() external view returns (uint256) {
        return THRESHOLD;
    }

    /// @notice Whether an account is a governor.
    function isGovernor(address account) external view returns (bool) {
        return _governorPosition[account] != 0;
    }

    /// @notice EIP-712 type hash of a kind; zero where no kind has this number.
    function typeHashOf(uint8 kind) external pure returns (bytes32 typeHash) {
        (typeHash,) = OperationKinds.describe(kind);
    }

    /// @notice Digest that an operation's signers sign (EIP-712). Does not look at the payload's form.
    function digestOf(Operation calldata operation) external view returns (bytes32) {
        (bytes32 typeHash,) = OperationKinds.describe(operation.kind);
        return _digest(typeHash, operation);
    }

    /// @dev Applies an operation; what is returned is empty, or the ABI-encoded reason why it was not.
    function _tryApply(Operation calldata operation) private returns (bytes memory reason) {
        (bytes32 typeHash, uint256 form) = OperationKinds.describe(operation.kind);
        if (typeHash == 0) return abi.encodeWithSelector(KindUnknown.selector, operation.kind);
        reason = _checkForm(form, operation);
        if (reason.length != 0) return reason;
        reason = _checkSignatures(form, _digest(typeHash, operation), operation);
        if (reason.length != 0) return reason;

        uint8 index = form.moduleOf();
        (bool success, bytes memory answer) = BoundedCall.tryCall(
            _moduleAddress(index),
            MODULE_GAS,
            abi.encodeCall(
                IModule.applyOperation, (operation.kind, operation.opId, operation.actor, operation.payload)
            ),
            MAX_REASON_LENGTH
        );
        if (!success) {
            return answer.length < 4 ? abi.encodeWithSelector(ModuleFailed.selector, index) : answer;
        }
        // Modules are part of what this gateway committed to, and call no account: nothing came in between.
        _applied[operation.opId] =
            Applied({blockNumber: uint64(block.number), kind: operation.kind, mark: abi.decode(answer, (bytes23))});
    }

    function _checkForm(uint256 form, Operation calldata operation) private view returns (bytes memory) {
        uint64 usedAt = _applied[operation.opId].blockNumber;
        if (usedAt != 0) return abi.encodeWithSelector(OpIdUsed.selector, operation.opId, usedAt);
        // A deadline is days away; a validator that shifts the block's time by seconds gains nothing.
        if (block.timestamp > operation.deadline) {
            return abi.encodeWithSelector(DeadlinePassed.selector, operation.deadline, block.timestamp);
        }
        uint256 fieldCount = form.fieldCountOf();
        if (operation.payload.length != fieldCount * 32) {
            return abi.encodeWithSelector(PayloadLengthWrong.selector, fieldCount * 32, operation.payload.length);
        }
        uint256 field = form.firstOutOfRange(operation.payload);
        if (field != fieldCount) return abi.encodeWithSelector(PayloadValueOutOfRange.selector, field);
        return "";
    }

    function _checkSignatures(uint256 form, bytes32 digest, Operation calldata operation)
        private
        view
        returns (bytes memory)
    {
        uint8 cosigning = form.cosigningOf();
        bytes[] calldata signatures = operation.signatures;
        // The number is exact: a relayer must not be able to add bytes to the event that nobody signed for.
        uint256 expected = cosigning == OperationKinds.COSIGNED_BY_GOVERNORS
            ? THRESHOLD
            : cosigning == OperationKinds.COSIGNED_BY_PATIENT ? 2 : 1;
        if (signatures.length != expected) {
            return abi.encodeWithSelector(SignatureCountWrong.selector, expected, signatures.length);
        }
        if (!_isSignedBy(operation.actor, digest, signatures[0])) {
            return abi.encodeWithSelector(SignatureWrong.selector, 0, operation.actor);
        }
        if (cosigning == OperationKinds.COSIGNED_BY_PATIENT) {
            address patient = address(uint160(uint256(bytes32(operation.payload[32:]))));
            if (!_isSignedBy(patient, digest, signatures[1])) {
                return abi.encodeWithSelector(SignatureWrong.selector, 1, patient);
            }
        } else if (cosigning == OperationKinds.COSIGNED_BY_GOVERNORS) {
            return _checkGovernors(operation.actor, digest, signatures);
        }
        return "";
    }

    function _checkGovernors(address actor, bytes32 digest, bytes[] calldata signatures)
        private
        view
        returns (bytes memory)
    {
        uint256 position = _governorPosition[actor];
        if (position == 0) return abi.encodeWithSelector(GovernorRequired.selector, actor);
        uint256 seen = 1 << position;
        // At most MAX_GOVERNORS: the caller has checked the number against the threshold.
        for (uint256 i = 1; i < signatures.length; ++i) {
            position = _governorWhoSigned(digest, signatures[i]);
            if (position == 0) return abi.encodeWithSelector(SignatureWrong.selector, i, address(0));
            if (seen & (1 << position) != 0) {
                return abi.encodeWithSelector(GovernorRepeated.selector, _governors[position - 1]);
            }
            seen |= 1 << position;
        }
        return "";
    }

    /// @dev Position of the governor whose signature this is; 0 where it is none's.
    function _governorWhoSigned(bytes32 digest, bytes calldata signature) private view returns (uint256 position) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && _governorPosition[recovered] != 0) {
            return _governorPosition[recovered];
        }
        // An account contract's signature does not name its account: each governor that is one is asked.
        uint256 count = _governors.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_isSignedByContract(_governors[i], digest, signature)) return i + 1;
        }
        return 0;
    }

    /// @dev ECDSA first, which needs no look at the account: most are plain ones, and an account with delegated code
    /// (EIP-7702) keeps its key. Then ERC-1271. As OpenZeppelin's SignatureChecker, but with bounded gas.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return _isSignedByContract(signer, digest, signature);
    }

    function _isSignedByContract(address signer, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool)
    {
        if (signer.code.length == 0 || signature.length > MAX_SIGNATURE_LENGTH) return false;
        bytes32 answer = BoundedCall.tryStaticWord(
            signer, SIGNATURE_GAS, abi.encodeCall(IERC1271.isValidSignature, (digest, signature))
        );
        return answer == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @dev EIP-712, "Definition of hashStruct": all fields are static, so the payload is the tail of encodeData.
    function _digest(bytes32 typeHash, Operation calldata operation) private view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encodePacked(
                    typeHash,
                    abi.encode(operation.opId, operation.actor, operation.issuedAt, operation.deadline),
                    operation.payload
                )
            )
        );
    }

    function _isInstalled(uint8 index) private view returns (bool) {
        return _installed & uint8(1 << index) != 0;
    }

    function _moduleAddress(uint8 index) private view returns (address) {
        if (index == OperationKinds.RECORDS) return RECORDS;
        if (index == OperationKinds.CONSENTS) return CONSENTS;
        if (index == OperationKinds.DIRECTORY) return DIRECTORY;
        if (index == OperationKinds.IDENTIFIERS) return IDENTIFIERS;
        return AUDIT_TRAIL;
    }
}
