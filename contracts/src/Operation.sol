// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A signed operation: every change of shared state is one of these, signed by its actor as EIP-712 typed data.
/// @param kind Number of the operation's kind, see {OperationKinds}.
/// @param opId Identifier chosen by the actor; used once on a ledger.
/// @param actor Account that makes the change and signs first.
/// @param issuedAt What the actor's clock claimed, in seconds since 1970. Order comes from the ledger, not from it.
/// @param deadline Second after which the ledger refuses the operation.
/// @param payload `abi.encode` of the kind's own static fields.
/// @param signatures The actor's first, then those of the co-signers that the kind asks for; all over the same digest.
struct Operation {
    uint8 kind;
    bytes32 opId;
    address actor;
    uint64 issuedAt;
    uint64 deadline;
    bytes payload;
    bytes[] signatures;
}
