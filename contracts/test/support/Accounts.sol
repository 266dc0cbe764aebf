// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @dev An account contract whose signatures are its owner's.
contract OwnedAccount is IERC1271 {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == OWNER ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @dev An account contract that spends all the gas it is given.
contract BurningAccount {
    fallback() external {
        while (true) {}
    }
}

/// @dev An account contract that answers with as many bytes as its gas allows.
contract BombAccount {
    fallback() external {
        assembly ("memory-safe") {
            return(0, 200000)
        }
    }
}
