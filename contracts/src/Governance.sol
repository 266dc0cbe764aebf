// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signers} from "./Signers.sol";

/// @title The consortium's governors, and the networks that they recognize as predecessors.
/// @notice Governors act by a threshold of signatures, also on who governs. A predecessor is the network that an organization
/// came from (typically the ledger of a single site); operations signed there are taken here as they are, for a time.
abstract contract Governance is Signers {
    /// @notice A recognized predecessor.
    /// @param organization Organization that comes from there.
    /// @param acceptedUntil Last second in which operations signed there are taken.
    struct Predecessor {
        bytes32 organization;
        uint64 acceptedUntil;
    }

    /// @notice There must be 1 to 16 distinct governors, none the zero address, and a threshold between 1 and their number.
    error GovernorsInvalid();
    /// @notice The actor is no governor.
    error GovernorRequired(address actor);
    /// @notice The same governor signed twice.
    error GovernorRepeated(address governor);
    /// @notice The domain is recognized as the predecessor of another organization.
    error PredecessorKnown(bytes32 domain, bytes32 organization);
    /// @notice A predecessor is neither zero nor this network itself, and belongs to an organization.
    error PredecessorInvalid(bytes32 domain, bytes32 organization);
    /// @notice The governors recognized no such domain.
    error PredecessorUnknown(bytes32 domain);
    /// @notice Operations of this predecessor were taken until `acceptedUntil` only.
    error PredecessorClosed(bytes32 domain, uint64 acceptedUntil);

    uint256 private constant MAX_GOVERNORS = 16;

    address[] private _governors;
    uint8 private _threshold;
    /// @dev Index in `_governors`, plus one.
    mapping(address account => uint256 position) private _positions;
    mapping(bytes32 domain => Predecessor) private _predecessors;
    bytes32[] private _domains;

    /// @notice Sets the first governors.
    /// @param governors_ Accounts of the consortium that govern.
    /// @param threshold_ How many of them must sign.
    constructor(address[] memory governors_, uint256 threshold_) {
        uint256 count = governors_.length;
        if (count > MAX_GOVERNORS || threshold_ == 0 || threshold_ > count) revert GovernorsInvalid();
        for (uint256 i = 0; i < count; ++i) {
            address account = governors_[i];
            if (account == address(0) || _positions[account] != 0) revert GovernorsInvalid();
            _positions[account] = i + 1;
        }
        _governors = governors_;
        _threshold = uint8(threshold_);
    }

    /// @notice The accounts that govern, at most 16, in no order.
    function governors() external view returns (address[] memory) {
        return _governors;
    }

    /// @notice How many governors must sign.
    function threshold() public view returns (uint256) {
        return _threshold;
    }

    /// @notice Whether an account is a governor.
    function isGovernor(address account) public view virtual returns (bool) {
        return _positions[account] != 0;
    }

    /// @notice A predecessor by its EIP-712 domain separator; all zero where the governors recognized no such domain.
    function predecessorOf(bytes32 domain) external view returns (Predecessor memory) {
        return _predecessors[domain];
    }

    /// @notice How many predecessors were ever recognized.
    function predecessorCount() external view returns (uint256) {
        return _domains.length;
    }

    /// @notice Domain separator of a predecessor, counted from 0 in the order of recognition.
    function predecessorAt(uint256 index) external view returns (bytes32) {
        return _domains[index];
    }

    /// @dev Empty, or the reason why operations of a domain are not taken.
    function _checkPredecessor(bytes32 domain) internal view returns (bytes32 organization, bytes memory reason) {
        Predecessor memory predecessor = _predecessors[domain];
        if (predecessor.organization == 0) {
            return (0, abi.encodeWithSelector(PredecessorUnknown.selector, domain));
        }
        // Days or weeks away; a validator that shifts the block's time by seconds gains nothing.
        if (block.timestamp > predecessor.acceptedUntil) {
            return (0, abi.encodeWithSelector(PredecessorClosed.selector, domain, predecessor.acceptedUntil));
        }
        return (predecessor.organization, reason);
    }

    /// @dev Recognizes a domain, or changes until when. Empty, or the reason why not.
    function _recognize(bytes32 ownDomain, bytes32 organization, bytes32 domain, uint64 acceptedUntil)
        internal
        returns (bytes memory reason)
    {
        if (domain == 0 || domain == ownDomain || organization == 0) {
            return abi.encodeWithSelector(PredecessorInvalid.selector, domain, organization);
        }
        Predecessor storage predecessor = _predecessors[domain];
        bytes32 known = predecessor.organization;
        if (known == 0) {
            predecessor.organization = organization;
            _domains.push(domain);
        } else if (known != organization) {
            return abi.encodeWithSelector(PredecessorKnown.selector, domain, known);
        }
        predecessor.acceptedUntil = acceptedUntil;
    }

    /// @dev Adds or removes one governor and sets the threshold. Empty, or the reason why not.
    function _changeGovernor(address governor, bool governing, uint8 threshold_)
        internal
        returns (bytes memory reason)
    {
        uint256 position = _positions[governor];
        uint256 count = _governors.length;
        bool adding = governing && position == 0;
        bool removing = !governing && position != 0;
        if (adding) ++count;
        if (removing) --count;
        if (governor == address(0) || count > MAX_GOVERNORS || threshold_ == 0 || threshold_ > count) {
            return abi.encodeWithSelector(GovernorsInvalid.selector);
        }
        if (adding) {
            _governors.push(governor);
            _positions[governor] = count;
        }
        if (removing) {
            // The last one takes the place that became free, so that there is no hole.
            address last = _governors[count];
            _governors[position - 1] = last;
            _positions[last] = position;
            _governors.pop();
            // After the move: the one removed may itself be the last.
            _positions[governor] = 0;
        }
        _threshold = threshold_;
    }

    /// @dev Checks that the actor, whose own signature is checked already, and the further signers are distinct governors.
    function _checkGovernors(address actor, bytes32 digest, bytes[] calldata signatures)
        internal
        view
        returns (bytes memory reason)
    {
        uint256 position = _positions[actor];
        if (position == 0) return abi.encodeWithSelector(GovernorRequired.selector, actor);
        uint256 seen = 1 << position;
        // At most MAX_GOVERNORS: the caller has checked the number against the threshold.
        for (uint256 i = 1; i < signatures.length; ++i) {
            position = _governorWhoSigned(digest, signatures[i]);
            if (position == 0) return abi.encodeWithSelector(SignatureWrong.selector, i, address(0));
            if (seen & (1 << position) != 0) {
                return abi.encodeWithSelector(GovernorRepeated.selector, _governors[position - 1]);
            }
            seen |= 1 << position;
        }
    }

    /// @dev Position of the governor whose signature this is; 0 where it is none's.
    function _governorWhoSigned(bytes32 digest, bytes calldata signature) private view returns (uint256 position) {
        position = _positions[_accountWhoSigned(digest, signature)];
        if (position != 0) return position;
        // An account contract's signature does not name its account: each governor that is one is asked.
        uint256 count = _governors.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_isSignedByContract(signerOf(_governors[i]), digest, signature)) return i + 1;
        }
        return 0;
    }
}
