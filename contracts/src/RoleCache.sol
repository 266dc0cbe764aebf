// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Directory} from "./Directory.sol";

/// @title What a batch's operations have asked the directory already.
/// @notice In a batch the same few authors write for the same organization; one question for each is enough. Kept until the
/// end of the transaction (EIP-1153), and dropped at once where the directory changes anybody's roles in between.
abstract contract RoleCache {
    using TransientSlot for bytes32;
    using TransientSlot for TransientSlot.Uint256Slot;

    /// @notice Only the directory may say that roles changed.
    error DirectoryRequired(address caller);

    /// @dev How often roles changed in this transaction.
    bytes32 private constant GENERATION = keccak256("anamnesis.roles.generation");
    /// @dev Set with the roles, so that "none" is known from "not asked".
    uint256 private constant KNOWN = 1 << 8;

    /// @notice Drops what is kept. For the directory only.
    function forgetRoles() external {
        if (msg.sender != address(_directory())) revert DirectoryRequired(msg.sender);
        TransientSlot.Uint256Slot generation = GENERATION.asUint256();
        generation.tstore(generation.tload() + 1);
    }

    function _directory() internal view virtual returns (Directory);

    /// @dev As {Directory-activeRolesIn}.
    function _activeRolesIn(bytes32 organization, address account) internal returns (uint8) {
        // The generation fits beside the account: it grows once for an operation.
        uint256 generation = GENERATION.asUint256().tload();
        bytes32 member = bytes32(generation << 160 | uint160(account));
        TransientSlot.Uint256Slot slot = Hashes.efficientKeccak256(organization, member).asUint256();
        uint256 roles = slot.tload();
        if (roles == 0) {
            roles = _directory().activeRolesIn(organization, account) | KNOWN;
            slot.tstore(roles);
        }
        return uint8(roles);
    }
}
