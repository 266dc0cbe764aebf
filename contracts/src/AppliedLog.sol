// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Operation} from "./Operation.sol";

/// @title Writes the gateway's event OperationApplied.
/// @notice The same bytes as Solidity's own `emit`, whose encoder of nested arrays costs as much again as the event.
library AppliedLog {
    /// @dev Topic of OperationApplied.
    bytes32 private constant TOPIC =
        keccak256("OperationApplied(bytes32,uint8,address,uint64,uint64,bytes,bytes[])");

    /// @notice Emits the event of an operation that was applied.
    /// @dev The payload's length is a multiple of 32: the operation was applied. Leaves scratch behind the free memory
    /// pointer. Data: issuedAt, deadline, offset of payload, offset of signatures, payload, signatures (ABI, "Strict
    /// encoding mode").
    function emitApplied(Operation calldata operation, bytes calldata payload, bytes[] calldata signatures) internal {
        uint256 issuedAt = operation.issuedAt;
        uint256 deadline = operation.deadline;
        uint256 start;
        uint256 heads;
        uint256 end;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(start, issuedAt)
            mstore(add(start, 0x20), deadline)
            mstore(add(start, 0x40), 0x80)
            mstore(add(start, 0x60), add(0xa0, payload.length))
            mstore(add(start, 0x80), payload.length)
            calldatacopy(add(start, 0xa0), payload.offset, payload.length)
            heads := add(add(start, 0xa0), payload.length)
            mstore(heads, signatures.length)
            heads := add(heads, 0x20)
            end := add(heads, shl(5, signatures.length))
        }
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes calldata signature = signatures[i];
            assembly ("memory-safe") {
                mstore(add(heads, shl(5, i)), sub(end, heads))
                mstore(end, signature.length)
                // Zeros behind the last word first: calldata beyond a signature's end is another's.
                mstore(add(end, and(add(signature.length, 0x1f), not(0x1f))), 0)
                calldatacopy(add(end, 0x20), signature.offset, signature.length)
                end := add(add(end, 0x20), and(add(signature.length, 0x1f), not(0x1f)))
            }
        }
        bytes32 topic = TOPIC;
        bytes32 opId = operation.opId;
        uint256 kind = operation.kind;
        address actor = operation.actor;
        assembly ("memory-safe") {
            log4(start, sub(end, start), topic, opId, kind, actor)
        }
    }
}
