// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Checkpoints of the workstations' hash-chained access logs.
/// @notice What was logged before a checkpoint cannot be rewritten after it.
contract AuditTrail is Module {
    /// @notice A workstation's latest checkpoint.
    /// @param organization Organization that the workstation belongs to: that of its first checkpoint.
    /// @param sequence Number of log entries that it covers.
    /// @param recordedAt Block's time.
    /// @param head Hash of the log's last covered entry.
    struct Latest {
        bytes32 organization;
        uint64 sequence;
        uint64 recordedAt;
        bytes32 head;
    }

    /// @notice A checkpoint must cover more entries than the one before; that one covers `latest`.
    error SequenceNotGrowing(uint64 latest, uint64 sequence);

    /// @notice The workstation belongs to another organization.
    error WorkstationOfAnother(bytes32 workstation, bytes32 organization);

    Directory private immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 workstation => Latest) private _latest;
    mapping(bytes32 organization => bytes32[]) private _workstations;

    /// @notice A workstation's latest checkpoint; all zero where it has none.
    function latestOf(bytes32 workstation) external view returns (Latest memory) {
        return _latest[workstation];
    }

    /// @notice How many workstations of an organization ever recorded a checkpoint.
    function workstationCountOf(bytes32 organization) external view returns (uint256) {
        return _workstations[organization].length;
    }

    /// @notice A workstation of an organization, counted from 0 in the order of their first checkpoints.
    function workstationAt(bytes32 organization, uint256 index) external view returns (bytes32) {
        return _workstations[organization][index];
    }

    function _apply(uint8 kind, bytes32, address actor, bytes calldata payload) internal override returns (bytes21) {
        if (kind != OperationKinds.CHECKPOINT) revert KindNotHeld(kind);
        (bytes32 organization, bytes32 workstation, uint64 sequence, bytes32 head) =
            abi.decode(payload, (bytes32, bytes32, uint64, bytes32));
        if (DIRECTORY.activeRolesIn(organization, actor) == 0) revert NotAuthorized(actor);
        Latest storage latest = _latest[workstation];
        if (sequence <= latest.sequence) revert SequenceNotGrowing(latest.sequence, sequence);
        if (latest.organization == 0) {
            latest.organization = organization;
            _workstations[organization].push(workstation);
        } else if (latest.organization != organization) {
            revert WorkstationOfAnother(workstation, latest.organization);
        }
        latest.sequence = sequence;
        latest.recordedAt = uint64(block.timestamp);
        latest.head = head;
        return 0;
    }
}
