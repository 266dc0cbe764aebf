// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Module} from "./Module.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Names: existing identifiers (national ID, MRN, phone …) that point to accounts.
/// @notice An identifier has little entropy, so what stands here is an HMAC under a key that the consortium's members share
/// off-chain. Who held it before is in the gateway's events; the counter says that there was someone.
contract Identifiers is Module {
    /// @notice An identifier as it stands.
    /// @param account Account that it points to; zero where it is free.
    /// @param keyVersion Version of the consortium's key that it was made with.
    /// @param claimCount How often it passed to an account, ever.
    /// @param claimedBy Account or registrar that claimed it.
    struct Claim {
        address account;
        uint32 keyVersion;
        uint32 claimCount;
        address claimedBy;
    }

    /// @notice Another account holds the identifier.
    error IdentifierClaimed(bytes32 identifier, address account);
    /// @notice The account does not hold the identifier.
    error IdentifierNotClaimed(bytes32 identifier, address account);
    /// @notice An identifier and its account must not be zero.
    error ClaimInvalid();

    uint8 private constant REGISTRAR = 2;

    Directory private immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 identifier => Claim) private _claims;

    /// @notice Account that an identifier points to; zero where it is free.
    function accountOf(bytes32 identifier) external view returns (address) {
        return _claims[identifier].account;
    }

    /// @notice An identifier's claim; all zero where there never was one.
    function claimOf(bytes32 identifier) external view returns (Claim memory) {
        return _claims[identifier];
    }

    function _apply(uint8 kind, bytes32, address actor, bytes calldata payload) internal override returns (bytes23) {
        if (kind == OperationKinds.CLAIM_IDENTIFIER) {
            (address account, bytes32 identifier, uint32 keyVersion) =
                abi.decode(payload, (address, bytes32, uint32));
            _claim(actor, account, identifier, keyVersion);
        } else if (kind == OperationKinds.RELEASE_IDENTIFIER) {
            (address account, bytes32 identifier) = abi.decode(payload, (address, bytes32));
            _release(actor, account, identifier);
        } else {
            revert KindNotHeld(kind);
        }
        return 0;
    }

    function _claim(address actor, address account, bytes32 identifier, uint32 keyVersion) private {
        if (account == address(0) || identifier == 0) revert ClaimInvalid();
        uint8 roles = DIRECTORY.activeRolesOf(actor);
        // For itself, any account that somebody vouched for: a patient or a member.
        bool ownAccount = actor == account && (roles != 0 || DIRECTORY.isPatient(actor));
        if (!ownAccount && roles & REGISTRAR == 0) revert NotAuthorized(actor);

        Claim storage claim = _claims[identifier];
        address holder = claim.account;
        if (holder != address(0) && holder != account) revert IdentifierClaimed(identifier, holder);
        if (holder == address(0)) {
            claim.account = account;
            ++claim.claimCount;
            claim.claimedBy = actor;
        } else if (ownAccount) {
            // The account takes over what a registrar claimed for it: from now on it alone releases.
            claim.claimedBy = actor;
        }
        claim.keyVersion = keyVersion;
    }

    function _release(address actor, address account, bytes32 identifier) private {
        Claim storage claim = _claims[identifier];
        if (account == address(0) || claim.account != account) revert IdentifierNotClaimed(identifier, account);
        if (actor != account) {
            bool claimant = claim.claimedBy == actor && DIRECTORY.activeRolesOf(actor) & REGISTRAR != 0;
            if (!claimant) revert NotAuthorized(actor);
        }
        claim.account = address(0);
    }
}
