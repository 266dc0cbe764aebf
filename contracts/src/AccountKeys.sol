// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Module} from "./Module.sol";

/// @title The keys of accounts: their rotation, their history, and recovery by guardians.
/// @notice An account keeps its address; what changes is who signs for it and its encryption key. Nothing of the history is
/// deleted, so that signatures of the past stay checkable: the gateway notes for each operation which key signed it.
abstract contract AccountKeys is Module {
    /// @notice A key of an account.
    /// @param signer Address that signed for the account.
    /// @param rotatedAt Block's time from which it did; 0 for the first, which is as old as the account.
    /// @param blockNumber Block from which it did; 0 for the first.
    /// @param encryptionKey X25519 key that goes with it; zero for the first key of an account that is no patient: that
    /// one's is in its memberships.
    struct Key {
        address signer;
        uint48 rotatedAt;
        uint48 blockNumber;
        bytes32 encryptionKey;
    }

    /// @notice Who may recover an account.
    /// @param guardians Guardians; zeros behind the last.
    /// @param threshold How many of them must agree; 0: no recovery.
    /// @param delay Seconds between their agreement and the change, in which the account may veto.
    /// @param round Grows whenever open proposals lose their force.
    struct Recovery {
        address[5] guardians;
        uint8 threshold;
        uint32 delay;
        uint32 round;
    }

    /// @notice A proposal to give an account new keys. Its identifier is that of the operation that made it.
    /// @param account Account to be recovered.
    /// @param round Round in which it was made.
    /// @param approvals Bit i: guardian i agreed.
    /// @param readyAt From when it may be carried out; 0 while too few agreed.
    /// @param signer Address that is to sign for the account; it co-signed the proposal.
    /// @param encryptionKey X25519 key that goes with it.
    struct Proposal {
        address account;
        uint32 round;
        uint8 approvals;
        uint48 readyAt;
        address signer;
        bytes32 encryptionKey;
    }

    struct SetRecovery {
        address[5] guardians;
        uint8 threshold;
        uint32 delay;
        uint32 round;
    }

    /// @notice An account and its encryption key must not be zero.
    error AccountInvalid(address account);
    /// @notice The address is an account of its own (a patient, a member or a governor), so it cannot sign for another.
    error SignerKnown(address signer);
    /// @notice The address is a key of `account`: that one is the account to be named.
    error SignerOfAccount(address signer, address account);
    /// @notice Guardians are distinct, without gaps and not the account; the threshold is at most their number and the delay
    /// between one day and 90 days. Threshold, delay and guardians all zero: no recovery.
    error RecoveryInvalid();
    /// @notice The account's round is `current`, not the one named: something came in between.
    error RoundPassed(uint32 current);
    /// @notice No such proposal for this account, or it lost its force.
    error ProposalUnknown(address account, bytes32 proposal);
    /// @notice The guardian has agreed to this proposal before.
    error ApprovedBefore(address guardian);
    /// @notice The proposal may be carried out from `readyAt` on; 0: too few guardians agreed.
    error ProposalNotReady(uint48 readyAt);

    uint256 private constant MAX_GUARDIANS = 5;
    uint32 private constant MIN_DELAY = 1 days;
    uint32 private constant MAX_DELAY = 90 days;

    mapping(address account => Key[]) private _keys;
    mapping(address account => Recovery) private _recoveries;
    mapping(bytes32 proposal => Proposal) private _proposals;

    /// @notice How many keys an account has had, with the one it has; at least one.
    function keyCountOf(address account) external view returns (uint256) {
        return _keys[account].length + 1;
    }

    /// @notice A key of an account, counted from 0; the last is the one it has now.
    function keyOf(address account, uint256 index) external view returns (Key memory) {
        if (index != 0) return _keys[account][index - 1];
        return Key({signer: account, rotatedAt: 0, blockNumber: 0, encryptionKey: _firstEncryptionKey(account)});
    }

    /// @notice Who may recover an account.
    function recoveryOf(address account) external view returns (Recovery memory) {
        return _recoveries[account];
    }

    /// @notice A proposal, also one that lost its force (its round is not the account's); all zero where there is none.
    function proposalOf(bytes32 proposal) external view returns (Proposal memory) {
        return _proposals[proposal];
    }

    /// @dev The rotated encryption key of an account; `first` where it was never rotated.
    function _encryptionKeyOf(address account, bytes32 first) internal view returns (bytes32) {
        uint256 count = _keys[account].length;
        return count == 0 ? first : _keys[account][count - 1].encryptionKey;
    }

    function _firstEncryptionKey(address account) internal view virtual returns (bytes32);

    /// @dev Whether an account takes part: as a patient, an active member, or a governor.
    function _takesPart(address account) internal view virtual returns (bool);

    function _requireOwnKey(address account) internal view {
        address owner = GATEWAY.accountOf(account);
        if (owner != account) revert SignerOfAccount(account, owner);
    }

    /// @dev That the new signer signed too was checked by the gateway.
    function _rotateKeys(address actor, address signer, bytes32 encryptionKey) internal {
        if (!_takesPart(actor)) revert NotAuthorized(actor);
        _changeKeys(actor, signer, encryptionKey);
    }

    function _setRecovery(address actor, SetRecovery memory wanted) internal {
        if (!_takesPart(actor)) revert NotAuthorized(actor);
        uint256 count = 0;
        while (count < MAX_GUARDIANS && wanted.guardians[count] != address(0)) {
            if (wanted.guardians[count] == actor) revert RecoveryInvalid();
            for (uint256 i = 0; i < count; ++i) {
                if (wanted.guardians[i] == wanted.guardians[count]) revert RecoveryInvalid();
            }
            ++count;
        }
        for (uint256 i = count; i < MAX_GUARDIANS; ++i) {
            if (wanted.guardians[i] != address(0)) revert RecoveryInvalid();
        }
        bool none = count == 0 && wanted.threshold == 0 && wanted.delay == 0;
        bool some = wanted.threshold != 0 && wanted.threshold <= count && wanted.delay >= MIN_DELAY
            && wanted.delay <= MAX_DELAY;
        if (!none && !some) revert RecoveryInvalid();
        Recovery storage recovery = _recoveries[actor];
        // Ends every older choice that a relayer held back.
        if (wanted.round != recovery.round) revert RoundPassed(recovery.round);
        recovery.guardians = wanted.guardians;
        recovery.threshold = wanted.threshold;
        recovery.delay = wanted.delay;
        ++recovery.round;
    }

    /// @dev That the new signer signed too was checked by the gateway.
    function _proposeRecovery(bytes32 opId, address actor, address account, address signer, bytes32 encryptionKey)
        internal
    {
        Recovery storage recovery = _recoveries[account];
        uint8 bit = _guardianBit(recovery, actor);
        Proposal storage proposal = _proposals[opId];
        proposal.account = account;
        proposal.round = recovery.round;
        proposal.signer = signer;
        proposal.encryptionKey = encryptionKey;
        _approve(recovery, proposal, bit);
    }

    function _approveRecovery(address actor, address account, bytes32 id) internal {
        Recovery storage recovery = _recoveries[account];
        Proposal storage proposal = _openProposal(recovery, account, id);
        uint8 bit = _guardianBit(recovery, actor);
        if (proposal.approvals & bit != 0) revert ApprovedBefore(actor);
        _approve(recovery, proposal, bit);
    }

    /// @dev Ends all open proposals. Always possible, also for one who is suspended: it opens nothing.
    function _vetoRecovery(address actor, address account) internal {
        if (actor != account) revert NotAuthorized(actor);
        ++_recoveries[account].round;
    }

    function _completeRecovery(address actor, address account, bytes32 id) internal {
        Recovery storage recovery = _recoveries[account];
        Proposal memory proposal = _openProposal(recovery, account, id);
        if (actor != proposal.signer) _guardianBit(recovery, actor);
        // A day or more: a validator that shifts the block's time by seconds gains nothing.
        if (proposal.readyAt == 0 || block.timestamp < proposal.readyAt) revert ProposalNotReady(proposal.readyAt);
        _changeKeys(account, proposal.signer, proposal.encryptionKey);
    }

    function _approve(Recovery storage recovery, Proposal storage proposal, uint8 bit) private {
        proposal.approvals |= bit;
        uint256 count = 0;
        for (uint256 i = 0; i < MAX_GUARDIANS; ++i) {
            if (proposal.approvals & (1 << i) != 0) ++count;
        }
        // Further agreement does not put it off.
        if (count == recovery.threshold) proposal.readyAt = uint48(block.timestamp + recovery.delay);
    }

    function _changeKeys(address account, address signer, bytes32 encryptionKey) private {
        if (encryptionKey == 0) revert AccountInvalid(account);
        if (_takesPart(signer)) revert SignerKnown(signer);
        _keys[account].push(
            Key({
                signer: signer,
                rotatedAt: uint48(block.timestamp),
                blockNumber: uint48(block.number),
                encryptionKey: encryptionKey
            })
        );
        ++_recoveries[account].round;
        GATEWAY.setSigner(account, signer);
    }

    function _openProposal(Recovery storage recovery, address account, bytes32 id)
        private
        view
        returns (Proposal storage proposal)
    {
        proposal = _proposals[id];
        if (proposal.account != account || proposal.round != recovery.round || account == address(0)) {
            revert ProposalUnknown(account, id);
        }
    }

    function _guardianBit(Recovery storage recovery, address actor) private view returns (uint8) {
        // The threshold is 0 where there are none, and a zero address signs nothing.
        for (uint256 i = 0; i < MAX_GUARDIANS; ++i) {
            if (recovery.guardians[i] == actor) return uint8(1 << i);
        }
        revert NotAuthorized(actor);
    }
}
