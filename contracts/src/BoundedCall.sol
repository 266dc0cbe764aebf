// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IModule} from "./Module.sol";
import {Operation} from "./Operation.sol";

/// @title Calls that can spend and return only so much.
/// @notice Solidity's own calls copy all that a callee returns; a hostile callee would make its caller pay for that.
library BoundedCall {
    /// @notice Less gas is left than the callee is entitled to, so a failure would say nothing about the operation.
    /// @param required Gas that must be left at this point.
    error GasTooLow(uint256 required);

    /// @dev What the caller keeps, besides the callee's share, to note the outcome.
    uint256 private constant RESERVE = 60_000;

    /// @notice Has a module apply an operation, with exactly `gasLimit` gas, and takes at most `maxReturn` bytes of its refusal.
    /// @dev Reverts with {GasTooLow} where EIP-150 (one 64th stays behind) would give the module less than `gasLimit`: else a
    /// relayer could make a good operation fail by being stingy. The call's data is built from the calldata as it stands: kind,
    /// opId and actor follow one another in the operation as among the arguments. The caller has checked their range.
    /// @return success Whether the call succeeded.
    /// @return mark First word of the answer.
    /// @return reason Up to `maxReturn` bytes of revert data; empty where it succeeded.
    function tryApply(
        address module,
        uint256 gasLimit,
        Operation calldata operation,
        bytes calldata payload,
        uint256 maxReturn
    ) internal returns (bool success, bytes32 mark, bytes memory reason) {
        _requireGas(gasLimit);
        bytes32 selector = IModule.applyOperation.selector;
        assembly ("memory-safe") {
            // Behind the free memory pointer, which moves for the reason only.
            let start := mload(0x40)
            mstore(start, selector)
            calldatacopy(add(start, 0x04), operation, 0x60)
            mstore(add(start, 0x64), 0x80)
            mstore(add(start, 0x84), payload.length)
            calldatacopy(add(start, 0xa4), payload.offset, payload.length)
            success := call(gasLimit, module, 0, start, add(0xa4, payload.length), 0, 0x20)
            reason := 0x60
            switch success
            case 0 {
                let size := returndatasize()
                if gt(size, maxReturn) { size := maxReturn }
                reason := start
                mstore(reason, size)
                returndatacopy(add(reason, 0x20), 0, size)
                mstore(0x40, and(add(add(reason, size), 0x3f), not(0x1f)))
            }
            default { mark := mload(0) }
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
