// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Calls that can spend and return only so much.
/// @notice Solidity's own calls copy all that a callee returns; a hostile callee would make its caller pay for that.
library BoundedCall {
    /// @notice Less gas is left than the callee is entitled to, so a failure would say nothing about the operation.
    /// @param required Gas that must be left at this point.
    error GasTooLow(uint256 required);

    /// @dev What the caller keeps, besides the callee's share, to note the outcome.
    uint256 private constant RESERVE = 60_000;

    /// @notice Calls `target` with exactly `gasLimit` gas and takes at most `maxReturn` bytes of its answer.
    /// @dev Reverts with {GasTooLow} where EIP-150 (one 64th stays behind) would give the callee less than `gasLimit`:
    /// else a relayer could make a good operation fail by being stingy.
    /// @return success Whether the call succeeded.
    /// @return answer Up to `maxReturn` bytes of return or revert data.
    function tryCall(address target, uint256 gasLimit, bytes memory data, uint256 maxReturn)
        internal
        returns (bool success, bytes memory answer)
    {
        _requireGas(gasLimit);
        assembly ("memory-safe") {
            success := call(gasLimit, target, 0, add(data, 0x20), mload(data), 0, 0)
            let size := returndatasize()
            if gt(size, maxReturn) { size := maxReturn }
            answer := mload(0x40)
            mstore(answer, size)
            returndatacopy(add(answer, 0x20), 0, size)
            mstore(0x40, and(add(add(answer, size), 0x3f), not(0x1f)))
        }
    }

    /// @notice Static call with at most `gasLimit` gas, of which one word is taken.
    /// @return word The first 32 bytes of the answer; zero where the call failed or answered less.
    function tryStaticWord(address target, uint256 gasLimit, bytes memory data) internal view returns (bytes32 word) {
        _requireGas(gasLimit);
        assembly ("memory-safe") {
            let success := staticcall(gasLimit, target, add(data, 0x20), mload(data), 0, 0x20)
            if and(success, gt(returndatasize(), 0x1f)) { word := mload(0) }
        }
    }

    function _requireGas(uint256 gasLimit) private view {
        uint256 required = (gasLimit * 64) / 63 + RESERVE;
        if (gasleft() < required) revert GasTooLow(required);
    }
}
