// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the gateway keeps of an identifier, in one word.
/// @notice From the low end: block number (64 bits), kind (8; zero for an identifier that {Records} reserved), number of the
/// actor's key that signed (16), mark of the module (168).
type AppliedNote is uint256;

using AppliedNotes for AppliedNote global;

/// @title Reading and making of this word.
/// @notice Packed by hand: the compiler writes a struct field by field.
library AppliedNotes {
    /// @notice The note of this block.
    function pack(uint8 kind, uint16 keyIndex, bytes21 mark) internal view returns (AppliedNote) {
        return AppliedNote.wrap(
            uint64(block.number) | uint256(kind) << 64 | uint256(keyIndex) << 72 | uint256(uint168(mark)) << 88
        );
    }

    /// @notice Block in which the identifier was used; 0 where it is free.
    function blockNumberOf(AppliedNote note) internal pure returns (uint64) {
        return uint64(AppliedNote.unwrap(note));
    }

    /// @notice Kind of the operation; 0 where there is none.
    function kindOf(AppliedNote note) internal pure returns (uint8) {
        return uint8(AppliedNote.unwrap(note) >> 64);
    }

    /// @notice Number of the actor's key that signed.
    function keyIndexOf(AppliedNote note) internal pure returns (uint16) {
        return uint16(AppliedNote.unwrap(note) >> 72);
    }

    /// @notice What the module left with it.
    function markOf(AppliedNote note) internal pure returns (bytes21) {
        return bytes21(uint168(AppliedNote.unwrap(note) >> 88));
    }
}
