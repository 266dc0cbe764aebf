// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What a module asks of the gateway.
/// @notice Where its neighbours are, and what is kept of applied operations.
interface IGateway {
    /// @notice Address that a module has, or will have once it is installed.
    function moduleAddress(uint8 index) external view returns (address);

    /// @notice Mark that a module left with an identifier, and the block in which it did; zero where it left none.
    function markOf(bytes32 opId) external view returns (bytes21 mark, uint64 blockNumber);

    /// @notice Block in which an operation was applied, 0 if it was not.
    function appliedAt(bytes32 opId) external view returns (uint64);

    /// @notice Marks an identifier as used where it is free, without an operation. For {Records} only.
    /// @return taken Whether the identifier was free.
    function reserve(bytes32 opId, bytes21 mark) external returns (bool taken);

    /// @notice Makes `signer` the address that signs for `account`. For {Directory} only.
    function setSigner(address account, address signer) external;

    /// @notice Address that signs for an account now.
    function signerOf(address account) external view returns (address);

    /// @notice Account that an address signs or signed for; the address itself where it is no rotated key.
    function accountOf(address signer) external view returns (address);

    /// @notice Whether an account is a governor.
    function isGovernor(address account) external view returns (bool);
}

/// @title What remembers roles within a transaction.
/// @notice It must be told when they change.
interface IRoleCache {
    /// @notice Drops what is remembered. For {Directory} only.
    function forgetRoles() external;
}

/// @title What the gateway asks of a module.
/// @notice To apply operations that are well formed and signed, where the actor may do so.
interface IModule {
    /// @notice Applies an operation whose form, deadline and signatures the gateway has checked, or reverts with a custom error.
    /// @param kind Number of the kind; one that this module holds.
    /// @param opId The operation's identifier, not used before.
    /// @param actor Account that signed it.
    /// @param payload The kind's fields, each in range.
    /// @return mark Kept by the gateway with the operation's identifier, in the same slot.
    function applyOperation(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        external
        returns (bytes21 mark);
}

/// @title Common part of the modules.
/// @notice Each is created by its gateway and takes operations from nobody else.
abstract contract Module is IModule {
    /// @notice The caller is not the gateway.
    error GatewayRequired(address caller);
    /// @notice The gateway sent a kind that this module does not hold.
    error KindNotHeld(uint8 kind);
    /// @notice The actor may not do this: no such role, or the role or its organization is suspended.
    error NotAuthorized(address actor);
    /// @notice The actor is not the patient whose consent or record this is.
    error PatientRequired(address patient);

    /// @dev The gateway creates its modules (CREATE2), so the creator is the gateway.
    IGateway internal immutable GATEWAY = IGateway(msg.sender);

    /// @inheritdoc IModule
    function applyOperation(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        external
        returns (bytes21 mark)
    {
        if (msg.sender != address(GATEWAY)) revert GatewayRequired(msg.sender);
        return _apply(kind, opId, actor, payload);
    }

    /// @notice The gateway that this module belongs to.
    function gateway() external view returns (address) {
        return address(GATEWAY);
    }

    function _apply(uint8 kind, bytes32 opId, address actor, bytes calldata payload)
        internal
        virtual
        returns (bytes21 mark);
}
