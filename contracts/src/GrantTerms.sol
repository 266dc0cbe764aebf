// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The terms of a grant, in 96 bits.
/// @notice From the low end: access (8 bits), purpose (8), validFrom (40), validUntil (40). Small enough that those of one grantee
/// share a slot with their compartment's epoch.
type Terms is uint96;

/// @title A compartment's word.
/// @notice From the low end: key epoch (32 bits), the terms of the grantee that was first granted there (96), and that one's tag
/// (128). Mostly that is the clinic, so a commit reads, and a revocation writes, this slot alone. The place is never given
/// to another grantee.
type Compartment is uint256;

using GrantTerms for Terms global;
using GrantTerms for Compartment global;

/// @title Reading and making of the two words.
/// @notice Packed by hand: the compiler unpacks a struct field by field, which costs a commit more than its checks.
library GrantTerms {
    /// @notice Puts terms together.
    function pack(uint8 access, uint8 purpose, uint40 validFrom, uint40 validUntil) internal pure returns (Terms) {
        return Terms.wrap(
            uint96(access) | uint96(purpose) << 8 | uint96(validFrom) << 16 | uint96(validUntil) << 56
        );
    }

    /// @notice Access bits; none where there is no consent (any more).
    function accessOf(Terms terms) internal pure returns (uint8) {
        return uint8(Terms.unwrap(terms));
    }

    /// @notice Purpose.
    function purposeOf(Terms terms) internal pure returns (uint8) {
        return uint8(Terms.unwrap(terms) >> 8);
    }

    /// @notice First second in which they count.
    function validFromOf(Terms terms) internal pure returns (uint40) {
        return uint40(Terms.unwrap(terms) >> 16);
    }

    /// @notice First second in which they no longer count, 0: open end; of revoked ones, the second of the revocation.
    function validUntilOf(Terms terms) internal pure returns (uint40) {
        return uint40(Terms.unwrap(terms) >> 56);
    }

    /// @notice Whether they allow an access at second `time`.
    function allow(Terms terms, uint8 access, uint64 time) internal pure returns (bool) {
        uint256 until = validUntilOf(terms);
        return accessOf(terms) & access != 0 && time >= validFromOf(terms) && (until == 0 || time < until);
    }

    /// @notice The same without access, ended at second `time`.
    function revoked(Terms terms, uint40 time) internal pure returns (Terms) {
        return pack(0, purposeOf(terms), validFromOf(terms), time);
    }

    /// @notice Key epoch of a compartment.
    function epochOf(Compartment word) internal pure returns (uint32) {
        return uint32(Compartment.unwrap(word));
    }

    /// @notice Tag of the grantee whose terms the word holds; zero where there was no grant yet.
    function tagOf(Compartment word) internal pure returns (uint128) {
        return uint128(Compartment.unwrap(word) >> 128);
    }

    /// @notice Terms that the word holds.
    function termsOf(Compartment word) internal pure returns (Terms) {
        return Terms.wrap(uint96(Compartment.unwrap(word) >> 32));
    }

    /// @notice The word with other terms, of the grantee with this tag.
    function withTerms(Compartment word, uint128 tag, Terms terms) internal pure returns (Compartment) {
        return Compartment.wrap(
            uint256(epochOf(word)) | uint256(Terms.unwrap(terms)) << 32 | uint256(tag) << 128
        );
    }

    /// @notice The word with another epoch.
    function withEpoch(Compartment word, uint32 epoch) internal pure returns (Compartment) {
        return Compartment.wrap((Compartment.unwrap(word) >> 32) << 32 | epoch);
    }
}
