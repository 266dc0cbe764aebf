/** Which blocks an operation names by their digests: profiles, envelopes, sealed reasons, and a commit with all that it refers to. */
import type { DecodedOperation } from '../../ports.ts';
import { zero32 } from '../bytes.ts';

/** Digests of the blocks, without what a commit's block refers to. */
export function digestsIn(decoded: DecodedOperation): string[] {
  const named = (): string[] => {
    switch (decoded.kind) {
      case 'AdmitOrganization':
        return [decoded.payload.profile, decoded.payload.adminProfile, decoded.payload.keyEnvelope];
      case 'EnrolMember':
        return [decoded.payload.profile, decoded.payload.keyEnvelope];
      case 'RotateOrganizationKey':
        return [decoded.payload.keyEnvelope];
      case 'Grant':
      case 'Revoke':
      case 'ApproveRequest':
        return [decoded.payload.envelope];
      case 'RequestAccess':
      case 'DeclineRequest':
      case 'OpenEmergency':
        return [decoded.payload.reason];
      case 'DefineNamespace':
      case 'DefineCommonNamespace':
        return [decoded.payload.document];
      case 'Commit':
        return [decoded.payload.commit];
      default:
        return [];
    }
  };
  return [...new Set(named())].filter((digest) => digest !== zero32);
}
