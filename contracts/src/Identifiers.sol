// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Directory} from "./Directory.sol";
import {Duplicates} from "./Duplicates.sol";
import {OperationKinds} from "./OperationKinds.sol";

/// @title Names: existing identifiers (national ID, MRN, phone …) that point to accounts.
/// @notice An identifier has little entropy, so what stands here is an HMAC under a key that the consortium's members share
/// off-chain. Who held it before is in the gateway's events; the counter says that there was someone.
contract Identifiers is Duplicates {
    /// @notice An identifier as it stands.
    /// @param account Account that it points to; zero where it is free.
    /// @param keyVersion Version of the consortium's key that it was made with.
    /// @param claimCount How often it passed to an account, ever.
    /// @param claimedBy Account or registrar that claimed it.
    /// @param namespace Namespace in which it was claimed last; zero: none was named.
    struct Claim {
        address account;
        uint32 keyVersion;
        uint32 claimCount;
        address claimedBy;
        bytes32 namespace;
    }

    /// @notice A namespace of identifiers, such as a country's national IDs or one clinic's record numbers.
    /// @param organization Organization whose registrars claim in it; zero: all registrars, and accounts for themselves.
    /// @param definedAt Block's time of its definition; 0 where there is none.
    /// @param document Digest of the document that describes it.
    struct Namespace {
        bytes32 organization;
        uint64 definedAt;
        bytes32 document;
    }

    /// @notice Another account holds the identifier.
    error IdentifierClaimed(bytes32 identifier, address account);
    /// @notice The account does not hold the identifier.
    error IdentifierNotClaimed(bytes32 identifier, address account);
    /// @notice An identifier and its account must not be zero.
    error ClaimInvalid();
    /// @notice Identifiers are made with the key of the current version, or the one before while it is being replaced.
    error KeyVersionWrong(uint32 current, uint32 keyVersion);
    /// @notice A key's digest must not be zero.
    error KeyInvalid();
    /// @notice The namespace was defined before.
    error NamespaceKnown(bytes32 namespace);
    /// @notice No such namespace was defined.
    error NamespaceUnknown(bytes32 namespace);
    /// @notice A namespace must not be zero.
    error NamespaceInvalid();

    uint8 private constant ADMIN = 1;
    uint8 private constant REGISTRAR = 2;

    Directory private immutable DIRECTORY = Directory(GATEWAY.moduleAddress(OperationKinds.DIRECTORY));

    mapping(bytes32 identifier => Claim) private _claims;
    mapping(bytes32 namespace => Namespace) private _namespaces;
    bytes32[] private _namespaceIds;
    /// @dev Digests of the keys of version 2 and later.
    bytes32[] private _keyDigests;

    /// @notice Account that an identifier points to; zero where it is free.
    function accountOf(bytes32 identifier) external view returns (address) {
        return _claims[identifier].account;
    }

    /// @notice An identifier's claim; all zero where there never was one.
    function claimOf(bytes32 identifier) external view returns (Claim memory) {
        return _claims[identifier];
    }

    /// @notice Version of the consortium's key that identifiers are made with now; the first is 1.
    function keyVersion() public view returns (uint32) {
        return uint32(_keyDigests.length + 1);
    }

    /// @notice Digest by which members recognize the key of a version; zero for the first, which nobody announced.
    function keyDigestOf(uint32 version) external view returns (bytes32) {
        return version < 2 ? bytes32(0) : _keyDigests[version - 2];
    }

    /// @notice A namespace; all zero where it was not defined.
    function namespaceOf(bytes32 namespace) external view returns (Namespace memory) {
        return _namespaces[namespace];
    }

    /// @notice How many namespaces are defined.
    function namespaceCount() external view returns (uint256) {
        return _namespaceIds.length;
    }

    /// @notice A namespace, counted from 0 in the order of definition.
    function namespaceAt(uint256 index) external view returns (bytes32) {
        return _namespaceIds[index];
    }

    function _apply(uint8 kind, bytes32, address actor, bytes calldata payload) internal override returns (bytes21) {
        if (kind == OperationKinds.CLAIM_IDENTIFIER) {
            (address account, bytes32 identifier, uint32 version) = abi.decode(payload, (address, bytes32, uint32));
            _claim(actor, bytes32(0), account, identifier, version);
        } else if (kind == OperationKinds.CLAIM_IN_NAMESPACE) {
            (bytes32 namespace, address account, bytes32 identifier, uint32 version) =
                abi.decode(payload, (bytes32, address, bytes32, uint32));
            if (_namespaces[namespace].definedAt == 0) revert NamespaceUnknown(namespace);
            _claim(actor, namespace, account, identifier, version);
        } else if (kind == OperationKinds.RELEASE_IDENTIFIER) {
            (address account, bytes32 identifier) = abi.decode(payload, (address, bytes32));
            _release(actor, account, identifier);
        } else if (kind == OperationKinds.LINK_PATIENTS) {
            (bytes32 organization, address duplicate, address survivor,) =
                abi.decode(payload, (bytes32, address, address, bytes32));
            _requireRole(REGISTRAR, organization, actor);
            bool patients = DIRECTORY.isPatient(duplicate) && DIRECTORY.isPatient(survivor);
            if (!patients || duplicate == survivor) revert LinkInvalid(duplicate, survivor);
            _link(duplicate, survivor);
        } else if (kind == OperationKinds.UNLINK_PATIENTS) {
            (bytes32 organization, address duplicate,) = abi.decode(payload, (bytes32, address, bytes32));
            _requireRole(REGISTRAR, organization, actor);
            _unlink(duplicate);
        } else {
            _applyToNamespaces(kind, actor, payload);
        }
        return 0;
    }

    /// @dev For what is common, the gateway has checked that governors signed.
    function _applyToNamespaces(uint8 kind, address actor, bytes calldata payload) private {
        if (kind == OperationKinds.ROTATE_IDENTIFIER_KEY) {
            (uint32 version, bytes32 digest) = abi.decode(payload, (uint32, bytes32));
            if (version != keyVersion() + 1) revert KeyVersionWrong(keyVersion(), version);
            if (digest == 0) revert KeyInvalid();
            _keyDigests.push(digest);
        } else if (kind == OperationKinds.DEFINE_NAMESPACE) {
            (bytes32 organization, bytes32 namespace, bytes32 document) =
                abi.decode(payload, (bytes32, bytes32, bytes32));
            _requireRole(ADMIN, organization, actor);
            _define(organization, namespace, document);
        } else if (kind == OperationKinds.DEFINE_COMMON_NAMESPACE) {
            (bytes32 namespace, bytes32 document) = abi.decode(payload, (bytes32, bytes32));
            _define(bytes32(0), namespace, document);
        } else {
            revert KindNotHeld(kind);
        }
    }

    function _define(bytes32 organization, bytes32 namespace, bytes32 document) private {
        if (namespace == 0) revert NamespaceInvalid();
        if (_namespaces[namespace].definedAt != 0) revert NamespaceKnown(namespace);
        _namespaces[namespace] =
            Namespace({organization: organization, definedAt: uint64(block.timestamp), document: document});
        _namespaceIds.push(namespace);
    }

    function _claim(address actor, bytes32 namespace, address account, bytes32 identifier, uint32 version) private {
        if (account == address(0) || identifier == 0) revert ClaimInvalid();
        // One version back, for what was made offline while the key was replaced.
        if (version == 0 || version > keyVersion() || version + 1 < keyVersion()) {
            revert KeyVersionWrong(keyVersion(), version);
        }
        bool ownAccount = _mayClaim(actor, account, _namespaces[namespace].organization);

        Claim storage claim = _claims[identifier];
        address holder = claim.account;
        // What is held in one namespace cannot be drawn into another.
        bool elsewhere = holder != account || claim.namespace != namespace;
        if (holder != address(0) && elsewhere) revert IdentifierClaimed(identifier, holder);
        if (holder == address(0)) {
            claim.account = account;
            ++claim.claimCount;
            claim.claimedBy = actor;
            claim.namespace = namespace;
        } else if (ownAccount) {
            // The account takes over what a registrar claimed for it: from now on it alone releases.
            claim.claimedBy = actor;
        }
        claim.keyVersion = version;
    }

    /// @dev Whether the actor claims for itself; reverts where it may not claim at all.
    function _mayClaim(address actor, address account, bytes32 organization) private view returns (bool ownAccount) {
        if (organization != 0) {
            // Record numbers are what the organization says they are: nobody gives one to himself.
            _requireRole(REGISTRAR, organization, actor);
            return false;
        }
        uint8 roles = DIRECTORY.activeRolesOf(actor);
        // For itself, any account that somebody vouched for: a patient or a member.
        ownAccount = actor == account && (roles != 0 || DIRECTORY.isPatient(actor));
        if (!ownAccount && roles & REGISTRAR == 0) revert NotAuthorized(actor);
    }

    function _release(address actor, address account, bytes32 identifier) private {
        Claim storage claim = _claims[identifier];
        if (account == address(0) || claim.account != account) revert IdentifierNotClaimed(identifier, account);
        if (actor != account) {
            bytes32 organization = _namespaces[claim.namespace].organization;
            // Of an organization's namespace any of its registrars: who claimed it may have left.
            bool claimant = organization == 0
                ? claim.claimedBy == actor && DIRECTORY.activeRolesOf(actor) & REGISTRAR != 0
                : DIRECTORY.activeRolesIn(organization, actor) & REGISTRAR != 0;
            if (!claimant) revert NotAuthorized(actor);
        }
        claim.account = address(0);
    }

    function _requireRole(uint8 role, bytes32 organization, address actor) private view {
        if (DIRECTORY.activeRolesIn(organization, actor) & role == 0) revert NotAuthorized(actor);
    }
}
