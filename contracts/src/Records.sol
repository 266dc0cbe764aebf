// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Consents} from "./Consents.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Anchors of commits: that these record versions of one patient and compartment were saved together, by whom and when.
/// @notice A commit is anchored once per patient and compartment. The anchor itself is the gateway's event.
/// @dev The cheapest anchor is an operation whose `opId` is the commit's digest: then the gateway's note that the identifier
/// was used serves as the anchor too (the mark says for which patient and compartment), and no slot is written here. For an
/// operation with an identifier of its own, the digest is reserved as an identifier, so that there is one place to look.
contract Records is Module {
    struct Commit {
        address patient;
        bytes32 compartment;
        uint32 epoch;
        bytes32 organization;
        bytes32 commit;
    }

    /// @notice The commit was anchored before, in block `blockNumber`.
    error CommitAnchored(bytes32 commit, uint64 blockNumber);
    /// @notice A commit's digest must not be zero.
    error CommitInvalid();

    Consents private immutable CONSENTS = Consents(GATEWAY.moduleAddress(OperationKinds.CONSENTS));

    uint256 private _commitCount;
    /// @dev Block of the anchor, for commits whose digest was taken as an identifier by some other operation.
    mapping(bytes32 key => uint64 blockNumber) private _anchors;

    /// @notice How many commits are anchored.
    function commitCount() external view returns (uint256) {
        return _commitCount;
    }

    /// @notice Block in which a commit was anchored for a patient and compartment; 0 where it was not.
    function anchoredAt(address patient, bytes32 compartment, bytes32 commit) external view returns (uint64) {
        return _anchoredAt(_place(patient, compartment), commit);
    }

    function _apply(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        internal
        override
        returns (bytes21 mark)
    {
        if (kind != OperationKinds.COMMIT) revert KindNotHeld(kind);
        // The gateway has checked length and range.
        Commit calldata fields;
        assembly ("memory-safe") {
            fields := payload.offset
        }
        bytes32 commit = fields.commit;
        if (commit == 0) revert CommitInvalid();
        mark = bytes21(CONSENTS.requireWrite(
                fields.patient, fields.compartment, fields.epoch, actor, fields.organization
            ));
        // Where the identifier is the digest, the gateway has checked that it is new, and keeps the mark.
        if (opId != commit) {
            _anchor(mark, commit);
            mark = 0;
        }
        unchecked {
            ++_commitCount;
        }
    }

    function _anchor(bytes21 place, bytes32 commit) private {
        uint64 blockNumber = _anchoredAt(place, commit);
        if (blockNumber != 0) revert CommitAnchored(commit, blockNumber);
        if (!GATEWAY.reserve(commit, place)) _anchors[_anchorKey(place, commit)] = uint64(block.number);
    }

    function _anchoredAt(bytes21 place, bytes32 commit) private view returns (uint64) {
        // Only this module sets marks.
        (bytes21 mark, uint64 blockNumber) = GATEWAY.markOf(commit);
        return mark == place ? blockNumber : _anchors[_anchorKey(place, commit)];
    }

    /// @dev As {Consents-requireWrite} names it.
    function _place(address patient, bytes32 compartment) private pure returns (bytes21) {
        return bytes21(Hashes.efficientKeccak256(bytes32(uint256(uint160(patient))), compartment));
    }

    function _anchorKey(bytes21 place, bytes32 commit) private pure returns (bytes32) {
        return Hashes.efficientKeccak256(place, commit);
    }
}
