// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Checkpoints of the workstations' hash-chained access logs.
/// @notice What was logged before a checkpoint cannot be rewritten after it.
contract AuditTrail is Module {
    /// @notice A workstation's latest checkpoint.
    /// @param sequence Number of log entries that it covers.
    /// @param recordedAt Block's time.
    /// @param head Hash of the log's last covered entry.
    struct Latest {
        uint64 sequence;
        uint64 recordedAt;
        bytes32 head;
    }

    /// @notice A checkpoint must cover more entries than the one before; that one covers `latest`.
    error SequenceNotGrowing(uint64 latest, uint64 sequence);

    Directory private immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 workstation => Latest) private _latest;

    /// @notice A workstation's latest checkpoint; all zero where it has none.
    function latestOf(bytes32 workstation) external view returns (Latest memory) {
        return _latest[workstation];
    }

    function _apply(uint8 kind, bytes32, address actor, bytes calldata payload) internal override returns (bytes23) {
        if (kind != OperationKinds.CHECKPOINT) revert KindNotHeld(kind);
        (bytes32 workstation, uint64 sequence, bytes32 head) = abi.decode(payload, (bytes32, uint64, bytes32));
        if (DIRECTORY.activeRolesOf(actor) == 0) revert NotAuthorized(actor);
        Latest storage latest = _latest[workstation];
        if (sequence <= latest.sequence) revert SequenceNotGrowing(latest.sequence, sequence);
        latest.sequence = sequence;
        latest.recordedAt = uint64(block.timestamp);
        latest.head = head;
        return 0;
    }
}
