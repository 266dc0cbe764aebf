// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {BoundedCall} from "./BoundedCall.sol";

/// @title Who signs for an account.
/// @notice An account is the first address of a person, for good. At first it signs itself; when its keys are rotated or it is
/// recovered, another address signs for it, and the one before no longer does.
abstract contract Signers {
    /// @dev One slot; all zero while the account signs itself.
    struct Signer {
        address signer;
        uint16 index;
    }

    /// @notice From now on `signer` signs for `account`; it is the account's key number `index`, counted from 0.
    event SignerChanged(address indexed account, address indexed signer, uint16 index);

    /// @notice The signature with this index is not one of `signer` (zero where a governor's was due) over the operation.
    error SignatureWrong(uint256 index, address signer);
    /// @notice The address signs or signed for `account`, so it cannot become another key.
    error SignerTaken(address signer, address account);

    /// @dev What an account contract may spend on checking a signature (ERC-1271).
    uint256 private constant SIGNATURE_GAS = 100_000;
    /// @dev Longest signature that is looked at: account contracts of several owners need some room.
    uint256 private constant MAX_SIGNATURE_LENGTH = 2048;

    mapping(address account => Signer) private _signers;
    /// @dev Never cleared: a key of the past stays its account's.
    mapping(address signer => address account) private _accounts;

    /// @notice Address that signs for an account now.
    function signerOf(address account) public view virtual returns (address signer) {
        signer = _signers[account].signer;
        if (signer == address(0)) signer = account;
    }

    /// @notice Account that an address signs for, or signed for in the past; the address itself where it is no rotated key.
    function accountOf(address signer) public view virtual returns (address account) {
        account = _accounts[signer];
        if (account == address(0)) account = signer;
    }

    /// @notice Number of the key that an account signs with now: 0 until its keys are rotated.
    function keyIndexOf(address account) public view returns (uint16) {
        return _signers[account].index;
    }

    function _setSigner(address account, address signer) internal {
        if (_accounts[signer] != address(0)) revert SignerTaken(signer, _accounts[signer]);
        // An account whose own keys were rotated is an account, not a free key; and no key comes back.
        if (signer == account || _signers[signer].signer != address(0)) revert SignerTaken(signer, signer);
        uint16 index = _signers[account].index + 1;
        _signers[account] = Signer({signer: signer, index: index});
        _accounts[signer] = account;
        emit SignerChanged(account, signer, index);
    }

    /// @dev Whether an account signed; and with which of its keys, counted from 0.
    function _isSignedByAccount(address account, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool signed, uint16 index)
    {
        address signer = _signers[account].signer;
        if (signer == address(0)) return (_isSignedByKey(account, digest, signature), 0);
        return (_isSignedByKey(signer, digest, signature), _signers[account].index);
    }

    /// @dev ECDSA first, which needs no look at the account: most are plain ones, and an account with delegated code
    /// (EIP-7702) keeps its key. Then ERC-1271. As OpenZeppelin's SignatureChecker, but with bounded gas.
    function _isSignedByKey(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return _isSignedByContract(signer, digest, signature);
    }

    /// @dev Account whose key signed; zero where the signature is not well formed or the key is one of the past.
    function _accountWhoSigned(bytes32 digest, bytes calldata signature) internal view returns (address account) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure != ECDSA.RecoverError.NoError) return address(0);
        account = accountOf(recovered);
        if (signerOf(account) != recovered) return address(0);
    }

    function _isSignedByContract(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        if (signer.code.length == 0 || signature.length > MAX_SIGNATURE_LENGTH) return false;
        bytes32 answer = BoundedCall.tryStaticWord(
            signer, SIGNATURE_GAS, abi.encodeCall(IERC1271.isValidSignature, (digest, signature))
        );
        return answer == bytes32(IERC1271.isValidSignature.selector);
    }
}
