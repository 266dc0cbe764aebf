// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Delegations} from "./Delegations.sol";

/// @title Requests for access, which the patient approves or declines.
/// @notice A request opens nothing. Its identifier is that of the operation that made it.
abstract contract AccessRequests is Delegations {
    /// @notice A request.
    /// @param patient Patient who is asked.
    /// @param state 1 open, 2 approved, 3 declined.
    /// @param access Access bits asked for.
    /// @param purpose Purpose named.
    /// @param validUntil End asked for; 0: open end.
    /// @param grantee Organization's id, or account left-padded with zeros, that asks.
    /// @param compartment Compartment asked for; zero where the asker does not know it, or asks for all.
    struct Request {
        address patient;
        uint8 state;
        uint8 access;
        uint8 purpose;
        uint64 validUntil;
        bytes32 grantee;
        bytes32 compartment;
    }

    struct RequestAccess {
        address patient;
        bytes32 compartment;
        bytes32 organization;
        uint8 access;
        uint8 purpose;
        uint64 validUntil;
        bytes32 reason;
    }

    /// @notice There is no open request of this identifier to this patient.
    error RequestNotOpen(bytes32 request, uint8 state);

    uint8 private constant OPEN = 1;
    uint8 private constant APPROVED = 2;
    uint8 private constant DECLINED = 3;
    /// @dev Roles that ask: registrar and practitioner.
    uint8 internal constant CARING_ROLES = 6;

    mapping(bytes32 request => Request) private _requests;
    mapping(address patient => bytes32[]) private _requestIds;

    /// @notice A request; all zero where there is none.
    function requestOf(bytes32 request) external view returns (Request memory) {
        return _requests[request];
    }

    /// @notice How often a patient was asked.
    function requestCountOf(address patient) external view returns (uint256) {
        return _requestIds[patient].length;
    }

    /// @notice A request to a patient, counted from 0 in the order in which they came.
    function requestAt(address patient, uint256 index) external view returns (bytes32) {
        return _requestIds[patient][index];
    }

    function _request(bytes32 opId, address actor, RequestAccess memory wanted) internal {
        uint8 roles = wanted.organization == 0
            ? DIRECTORY.activeRolesOf(actor)
            : DIRECTORY.activeRolesIn(wanted.organization, actor);
        if (roles & CARING_ROLES == 0) revert NotAuthorized(actor);
        if (!DIRECTORY.isPatient(wanted.patient)) revert PatientUnknown(wanted.patient);
        _requests[opId] = Request({
            patient: wanted.patient,
            state: OPEN,
            access: wanted.access,
            purpose: wanted.purpose,
            validUntil: wanted.validUntil,
            grantee: wanted.organization == 0 ? bytes32(uint256(uint160(actor))) : wanted.organization,
            compartment: wanted.compartment
        });
        _requestIds[wanted.patient].push(opId);
    }

    /// @notice Marks a request as approved.
    /// @return grantee Who asked.
    function _approveRequest(address patient, bytes32 id) internal returns (bytes32 grantee) {
        Request storage request = _openRequest(patient, id);
        request.state = APPROVED;
        return request.grantee;
    }

    function _declineRequest(address actor, address patient, bytes32 id) internal {
        Request storage request = _openRequest(patient, id);
        _requirePower(actor, patient, request.compartment, POWER_GRANT);
        request.state = DECLINED;
    }

    function _openRequest(address patient, bytes32 id) private view returns (Request storage request) {
        request = _requests[id];
        if (request.state != OPEN || request.patient != patient) revert RequestNotOpen(id, request.state);
    }
}
