// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Operation} from "./Operation.sol";

/// @title Writes the gateway's event OperationApplied.
/// @notice Whatever is needed to verify an operation's signatures stays in the log, without the zeros of ABI encoding, which cost
/// as much there as what they surround.
library AppliedLog {
    /// @dev Topic of OperationApplied.
    bytes32 private constant TOPIC = keccak256("OperationApplied(bytes32,uint8,address,bytes)");

    /// @notice Emits it with issuedAt (8 bytes), deadline (8), number of payload words (1), payload, and each signature behind
    /// its length (2).
    /// @dev For an operation that was applied: its payload is whole words, at most 255, and no signature exceeds 64 KiB.
    /// Uses memory behind the free memory pointer, which stays where it is.
    function emitApplied(Operation calldata operation, bytes calldata payload, bytes[] calldata signatures)
        internal
    {
        bytes32 topic = TOPIC;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, 0x20)
            let times := or(shl(64, calldataload(add(operation, 0x60))), calldataload(add(operation, 0x80)))
            mstore(add(start, 0x40), shl(128, times))
            mstore8(add(start, 0x50), shr(5, payload.length))
            calldatacopy(add(start, 0x51), payload.offset, payload.length)
            let end := add(add(start, 0x51), payload.length)
            for { let i := 0 } lt(i, signatures.length) { i := add(i, 1) } {
                // Where a signature lies was checked when it was verified.
                let signature := add(signatures.offset, calldataload(add(signatures.offset, shl(5, i))))
                let length := calldataload(signature)
                mstore(end, shl(240, length))
                calldatacopy(add(end, 2), add(signature, 0x20), length)
                end := add(add(end, 2), length)
            }
            let size := sub(end, add(start, 0x40))
            mstore(add(start, 0x20), size)
            // Zeros up to the end of the last word.
            mstore(end, 0)
            log4(
                start,
                add(0x40, and(add(size, 0x1f), not(0x1f))),
                topic,
                calldataload(add(operation, 0x20)),
                calldataload(operation),
                calldataload(add(operation, 0x40))
            )
        }
    }
}
