// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {AppliedLog} from "./AppliedLog.sol";
import {AppliedNote, AppliedNotes} from "./AppliedNotes.sol";
import {BoundedCall} from "./BoundedCall.sol";
import {Governance} from "./Governance.sol";
import {IGateway} from "./Module.sol";
import {Operation} from "./Operation.sol";
import {OperationKinds} from "./OperationKinds.sol";
import {Signers} from "./Signers.sol";

/// @title The gateway: the one entry for signed operations, and their one EIP-712 domain.
/// @notice Anyone may relay operations. Each is tried on its own: a bad one is rejected with an event and its reason, and
/// never reverts its neighbours.
/// @dev A rejection is not final: the identifier stays free and the same operation may be sent again. Anyone can cause a
/// rejection event for any identifier by relaying a forgery, so a reader should believe only those of its own transactions.
contract Operations is IGateway, EIP712, Governance {
    using OperationKinds for uint256;

    /// @dev What is kept of an identifier, see {AppliedNote}. A struct, so that its place is worked out once.
    struct Applied {
        AppliedNote note;
    }

    /// @dev The fields of an operation that stand before its payload.
    struct Header {
        uint8 kind;
        bytes32 opId;
        address actor;
        uint64 issuedAt;
        uint64 deadline;
    }

    /// @notice An operation was applied.
    /// @dev Written by {AppliedLog}; declared here for the ABI.
    /// @param content Packed: issuedAt (8 bytes), deadline (8), number of payload words (1), payload, and each signature behind
    /// its length (2). With the topics that is all that is needed to verify the signatures.
    event OperationApplied(bytes32 indexed opId, uint8 indexed kind, address indexed actor, bytes content);
    /// @notice An operation was refused; `reason` is an ABI-encoded custom error of this contract or of a module.
    event OperationRejected(bytes32 indexed opId, bytes reason);
    /// @notice The operation that is applied next was signed in a predecessor network with this EIP-712 domain separator.
    event PredecessorOperationTaken(bytes32 indexed opId, bytes32 indexed domain);
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
    /// @notice Not all modules are installed yet; bit i of `installed` is module i.
    error ModulesMissing(uint8 installed);
    /// @notice The module failed without a reason, most likely for want of gas.
    error ModuleFailed(uint8 index);

    /// @notice A predecessor's operation must concern the organization that comes from there.
    error PredecessorOfAnother(bytes32 organization, bytes32 named);
    /// @notice What governors sign counts in their own network only.
    error PredecessorCannotGovern(uint8 kind);

    /// @notice No module has this index. Reverts.
    error ModuleIndexUnknown(uint8 index);
    /// @notice The init code is not the one that this gateway committed to. Reverts.
    error ModuleCodeWrong(uint8 index, bytes32 expected, bytes32 actual);
    /// @notice The operation at `index` is not in ABI encoding: a value has bits beyond its type. Reverts.
    error OperationMalformed(uint256 index);
    /// @notice More operations than a batch may have. Reverts.
    error BatchTooLarge(uint256 size, uint256 limit);
    /// @notice Only the module with this index may call this. Reverts.
    error ModuleRequired(uint8 index, address caller);

    /// @dev Dearest operation (AdmitOrganization) needs about 300,000.
    uint256 private constant MODULE_GAS = 400_000;
    uint256 private constant MAX_REASON_LENGTH = 256;
    uint256 private constant MAX_BATCH = 256;
    uint8 private constant ALL_INSTALLED = uint8((1 << OperationKinds.MODULE_COUNT) - 1);

    address private immutable DIRECTORY;
    address private immutable IDENTIFIERS;
    address private immutable CONSENTS;
    address private immutable RECORDS;
    address private immutable AUDIT_TRAIL;

    bytes32[5] private _codeHashes;
    uint8 private _installed;
    mapping(bytes32 opId => Applied) private _applied;

    /// @notice Sets the first governors, and fixes the modules for good.
    /// @param governors_ Accounts of the consortium that govern; they may be changed by themselves.
    /// @param threshold_ How many of them must sign.
    /// @param moduleCodeHashes keccak256 of the modules' init codes, by index. So this contract's address commits to
    /// governors and modules both.
    constructor(address[] memory governors_, uint256 threshold_, bytes32[5] memory moduleCodeHashes)
        EIP712("Anamnesis", "1")
        Governance(governors_, threshold_)
    {
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
    /// @param operations Operations signed in this network, each applied or rejected with an event.
    function submit(Operation[] calldata operations) external {
        _submit(_domainSeparatorV4(), bytes32(0), "", operations);
    }

    /// @notice The same for operations that were signed in a recognized predecessor network.
    /// @dev Their deadlines were for that network's ledger; here the time is that until which the predecessor is recognized.
    /// @param domain EIP-712 domain separator under which they were signed.
    /// @param operations Operations signed there, each applied or rejected with an event.
    function submitFrom(bytes32 domain, Operation[] calldata operations) external {
        (bytes32 organization, bytes memory refusal) = _checkPredecessor(domain);
        _submit(domain, organization, refusal, operations);
    }

    /// @inheritdoc IGateway
    function appliedAt(bytes32 opId) external view returns (uint64 blockNumber) {
        AppliedNote note = _applied[opId].note;
        return note.kindOf() == 0 ? 0 : note.blockNumberOf();
    }

    /// @notice Kind of an applied operation; 0 where it was not applied.
    function kindOf(bytes32 opId) external view returns (uint8) {
        return _applied[opId].note.kindOf();
    }

    /// @notice Which of the actor's keys signed an applied operation, counted from 0. See {Directory-keyOf}.
    function signedWith(bytes32 opId) external view returns (uint16 keyIndex) {
        return _applied[opId].note.keyIndexOf();
    }

    /// @inheritdoc IGateway
    function markOf(bytes32 opId) external view returns (bytes21 mark, uint64 blockNumber) {
        AppliedNote note = _applied[opId].note;
        return (note.markOf(), note.blockNumberOf());
    }

    /// @inheritdoc IGateway
    function reserve(bytes32 opId, bytes21 mark) external returns (bool taken) {
        if (msg.sender != RECORDS) revert ModuleRequired(OperationKinds.RECORDS, msg.sender);
        if (_applied[opId].note.blockNumberOf() != 0) return false;
        _applied[opId].note = AppliedNotes.pack(0, 0, mark);
        return true;
    }

    /// @inheritdoc IGateway
    function setSigner(address account, address signer) external {
        if (msg.sender != DIRECTORY) revert ModuleRequired(OperationKinds.DIRECTORY, msg.sender);
        _setSigner(account, signer);
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

    /// @inheritdoc IGateway
    function signerOf(address account) public view override(IGateway, Signers) returns (address) {
        return super.signerOf(account);
    }

    /// @inheritdoc IGateway
    function accountOf(address signer) public view override(IGateway, Signers) returns (address) {
        return super.accountOf(signer);
    }

    /// @inheritdoc IGateway
    function isGovernor(address account) public view override(IGateway, Governance) returns (bool) {
        return super.isGovernor(account);
    }

    /// @notice This network's EIP-712 domain separator, as a successor's governors name it.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @notice EIP-712 type hash of a kind; zero where no kind has this number.
    function typeHashOf(uint8 kind) external pure returns (bytes32 typeHash) {
        (typeHash,) = OperationKinds.describe(kind);
    }

    /// @notice Digest that an operation's signers sign (EIP-712). Does not look at the payload's form.
    function digestOf(Operation calldata operation) external view returns (bytes32) {
        (bytes32 typeHash,) = OperationKinds.describe(operation.kind);
        _headerOf(0, operation);
        return _digest(_domainSeparatorV4(), typeHash, operation, operation.payload);
    }

    /// @notice Tries each operation in turn.
    /// @param organization Zero: signed in this network. Else the one whose predecessor network `domain` is.
    /// @param refusal Why none of them can be taken; empty where they can.
    function _submit(
        bytes32 domain,
        bytes32 organization,
        bytes memory refusal,
        Operation[] calldata operations
    ) private {
        uint256 count = operations.length;
        if (count > MAX_BATCH) revert BatchTooLarge(count, MAX_BATCH);
        if (_installed != ALL_INSTALLED) refusal = abi.encodeWithSelector(ModulesMissing.selector, _installed);
        // Nothing in memory outlives its operation: without this, the cost of memory grows with the square of the batch.
        Memory.Pointer free = Memory.getFreeMemoryPointer();
        for (uint256 i = 0; i < count; ++i) {
            Memory.unsafeSetFreeMemoryPointer(free);
            Operation calldata operation = operations[i];
            Header memory header = _headerOf(i, operation);
            bytes calldata payload = operation.payload;
            bytes[] calldata signatures = operation.signatures;
            bytes memory reason = refusal.length == 0
                ? _tryApply(domain, organization, header, operation, payload, signatures)
                : refusal;
            if (reason.length == 0) {
                if (organization != 0) emit PredecessorOperationTaken(header.opId, domain);
                AppliedLog.emitApplied(operation, payload, signatures);
            } else {
                emit OperationRejected(header.opId, reason);
            }
        }
    }

    /// @dev The fields before the payload, copied at once: the compiler would check each anew whenever it is read.
    function _headerOf(uint256 index, Operation calldata operation) private pure returns (Header memory header) {
        uint256 beyond;
        assembly ("memory-safe") {
            header := mload(0x40)
            mstore(0x40, add(header, 0xa0))
            calldatacopy(header, operation, 0xa0)
            beyond :=
                or(
                    or(shr(8, mload(header)), shr(160, mload(add(header, 0x40)))),
                    or(shr(64, mload(add(header, 0x60))), shr(64, mload(add(header, 0x80))))
                )
        }
        if (beyond != 0) revert OperationMalformed(index);
    }

    /// @dev Applies an operation; what is returned is empty, or the ABI-encoded reason why it was not.
    function _tryApply(
        bytes32 domain,
        bytes32 organization,
        Header memory header,
        Operation calldata operation,
        bytes calldata payload,
        bytes[] calldata signatures
    ) private returns (bytes memory reason) {
        (bytes32 typeHash, uint256 form) = OperationKinds.describe(header.kind);
        if (typeHash == 0) return abi.encodeWithSelector(KindUnknown.selector, header.kind);
        Applied storage applied = _applied[header.opId];
        reason = _checkForm(applied, organization, form, header, payload);
        if (reason.length != 0) return reason;
        uint16 keyIndex;
        (keyIndex, reason) = _checkSignatures(
            form, _digest(domain, typeHash, operation, payload), header.actor, payload, signatures
        );
        if (reason.length != 0) return reason;

        uint8 index = form.moduleOf();
        bytes32 mark;
        if (index == OperationKinds.GATEWAY) {
            reason = _govern(header.kind, payload);
            if (reason.length != 0) return reason;
        } else {
            bool success;
            (success, mark, reason) =
                BoundedCall.tryApply(_moduleAddress(index), MODULE_GAS, operation, payload, MAX_REASON_LENGTH);
            if (!success) {
                return reason.length < 4 ? abi.encodeWithSelector(ModuleFailed.selector, index) : reason;
            }
        }
        // Modules are part of what this gateway committed to, and call no account: nothing came in between.
        applied.note = AppliedNotes.pack(header.kind, keyIndex, bytes21(mark));
        return reason;
    }

    /// @dev The kinds that the gateway holds itself. Empty, or the reason why not.
    function _govern(uint8 kind, bytes calldata payload) private returns (bytes memory reason) {
        if (kind == OperationKinds.CHANGE_GOVERNOR) {
            (address governor, uint8 governing, uint8 threshold_) = abi.decode(payload, (address, uint8, uint8));
            if (governing > 1) return abi.encodeWithSelector(GovernorsInvalid.selector);
            return _changeGovernor(governor, governing == 1, threshold_);
        }
        (bytes32 organization, bytes32 domain, uint64 acceptedUntil) =
            abi.decode(payload, (bytes32, bytes32, uint64));
        return _recognize(_domainSeparatorV4(), organization, domain, acceptedUntil);
    }

    function _checkForm(
        Applied storage applied,
        bytes32 organization,
        uint256 form,
        Header memory header,
        bytes calldata payload
    ) private view returns (bytes memory reason) {
        uint64 usedAt = applied.note.blockNumberOf();
        if (usedAt != 0) return abi.encodeWithSelector(OpIdUsed.selector, header.opId, usedAt);
        // A deadline is days away; a validator that shifts the block's time by seconds gains nothing.
        if (organization == 0 && block.timestamp > header.deadline) {
            return abi.encodeWithSelector(DeadlinePassed.selector, header.deadline, block.timestamp);
        }
        uint256 fieldCount = form.fieldCountOf();
        if (payload.length != fieldCount * 32) {
            return abi.encodeWithSelector(PayloadLengthWrong.selector, fieldCount * 32, payload.length);
        }
        uint256 field = form.firstOutOfRange(payload);
        if (field != fieldCount) return abi.encodeWithSelector(PayloadValueOutOfRange.selector, field);
        if (organization != 0) return _checkOrigin(organization, form, header.kind, payload);
    }

    function _checkOrigin(bytes32 organization, uint256 form, uint8 kind, bytes calldata payload)
        private
        pure
        returns (bytes memory reason)
    {
        if (form.cosigningOf() == OperationKinds.COSIGNED_BY_GOVERNORS) {
            return abi.encodeWithSelector(PredecessorCannotGovern.selector, kind);
        }
        bytes32 named = form.organizationIn(payload);
        if (named != 0 && named != organization) {
            return abi.encodeWithSelector(PredecessorOfAnother.selector, organization, named);
        }
    }

    function _checkSignatures(
        uint256 form,
        bytes32 digest,
        address actor,
        bytes calldata payload,
        bytes[] calldata signatures
    ) private view returns (uint16 keyIndex, bytes memory reason) {
        uint8 cosigning = form.cosigningOf();
        // The number is exact: a relayer must not be able to add bytes to the event that nobody signed for.
        uint256 expected = 1;
        if (cosigning != OperationKinds.COSIGNED_BY_NOBODY) {
            expected = cosigning == OperationKinds.COSIGNED_BY_GOVERNORS ? threshold() : 2;
        }
        if (signatures.length != expected) {
            return (0, abi.encodeWithSelector(SignatureCountWrong.selector, expected, signatures.length));
        }
        bool signed;
        (signed, keyIndex) = _isSignedByAccount(actor, digest, signatures[0]);
        if (!signed) return (0, abi.encodeWithSelector(SignatureWrong.selector, 0, actor));
        if (cosigning == OperationKinds.COSIGNED_BY_NOBODY) return (keyIndex, reason);
        if (cosigning == OperationKinds.COSIGNED_BY_GOVERNORS) {
            return (keyIndex, _checkGovernors(actor, digest, signatures));
        }
        address cosigner = form.cosignerIn(payload);
        if (cosigning == OperationKinds.COSIGNED_BY_NEW_KEY) signed = _isSignedByKey(cosigner, digest, signatures[1]);
        else (signed,) = _isSignedByAccount(cosigner, digest, signatures[1]);
        if (!signed) return (0, abi.encodeWithSelector(SignatureWrong.selector, 1, cosigner));
        return (keyIndex, reason);
    }

    /// @dev EIP-712, "Definition of hashStruct": all fields are static, so the payload is the tail of encodeData.
    function _digest(bytes32 domain, bytes32 typeHash, Operation calldata operation, bytes calldata payload)
        private
        pure
        returns (bytes32)
    {
        bytes32 structHash;
        assembly ("memory-safe") {
            // keccak256(typeHash ‖ header ‖ payload), behind the free memory pointer, which stays where it is. opId, actor,
            // issuedAt and deadline follow one another in the operation as in the type.
            let start := mload(0x40)
            mstore(start, typeHash)
            calldatacopy(add(start, 0x20), add(operation, 0x20), 0x80)
            calldatacopy(add(start, 0xa0), payload.offset, payload.length)
            structHash := keccak256(start, add(0xa0, payload.length))
        }
        return MessageHashUtils.toTypedDataHash(domain, structHash);
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
