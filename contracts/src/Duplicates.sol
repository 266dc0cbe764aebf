// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Module} from "./Module.sol";

/// @title Links between patients that turned out to be the same person.
/// @notice A link says where to look as well; it changes nothing of either patient's consents, records or identifiers, and it
/// can be undone. Both histories stay, and so does the history of the links.
abstract contract Duplicates is Module {
    /// @notice A link, past or present.
    /// @param survivor Patient under whom the person goes on.
    /// @param linkedAt Block's time of the link.
    /// @param unlinkedAt Block's time at which it was undone; 0 while it stands.
    struct Link {
        address survivor;
        uint48 linkedAt;
        uint48 unlinkedAt;
    }

    /// @notice One of the two is no registered patient, or they are the same.
    error LinkInvalid(address duplicate, address survivor);
    /// @notice The patient is linked to `survivor`; that link has to be undone first.
    error LinkedBefore(address patient, address survivor);
    /// @notice Other patients are linked to this one, so it cannot be a duplicate itself: links make no chains.
    error LinkChained(address patient, uint256 duplicates);
    /// @notice The patient is not linked.
    error LinkUnknown(address patient);

    mapping(address duplicate => Link[]) private _links;
    mapping(address survivor => uint256 count) private _duplicateCounts;

    /// @notice Patient under whom a person goes on; the patient itself where it is not linked.
    function survivorOf(address patient) public view returns (address) {
        Link[] storage links = _links[patient];
        uint256 count = links.length;
        if (count == 0 || links[count - 1].unlinkedAt != 0) return patient;
        return links[count - 1].survivor;
    }

    /// @notice How many patients are linked to this one now.
    function duplicateCountOf(address survivor) external view returns (uint256) {
        return _duplicateCounts[survivor];
    }

    /// @notice How often a patient was ever linked.
    function linkCountOf(address duplicate) external view returns (uint256) {
        return _links[duplicate].length;
    }

    /// @notice A link of a patient, counted from 0 in the order in which they were made.
    function linkAt(address duplicate, uint256 index) external view returns (Link memory) {
        return _links[duplicate][index];
    }

    function _link(address duplicate, address survivor) internal {
        if (survivorOf(duplicate) != duplicate) revert LinkedBefore(duplicate, survivorOf(duplicate));
        if (survivorOf(survivor) != survivor) revert LinkedBefore(survivor, survivorOf(survivor));
        if (_duplicateCounts[duplicate] != 0) revert LinkChained(duplicate, _duplicateCounts[duplicate]);
        _links[duplicate].push(Link({survivor: survivor, linkedAt: uint48(block.timestamp), unlinkedAt: 0}));
        ++_duplicateCounts[survivor];
    }

    function _unlink(address duplicate) internal {
        address survivor = survivorOf(duplicate);
        if (survivor == duplicate) revert LinkUnknown(duplicate);
        Link[] storage links = _links[duplicate];
        links[links.length - 1].unlinkedAt = uint48(block.timestamp);
        --_duplicateCounts[survivor];
    }
}
