import { describe, expect, it } from 'vitest';
import { explainRefusal } from '../../../src-main/core/services/sync/refusals.ts';
import { describeReason, gateway } from '../../../src-main/core/adapters/ledger/gateway-abi.ts';

describe('a refusal', () => {
  it('is named with its arguments, and put into words', () => {
    const reason = describeReason(gateway.encodeErrorResult('EpochPassed', [3]));
    expect(reason).toBe('EpochPassed(3)');
    expect(explainRefusal(reason)).toMatch(/sealed with the present key/);
  });

  it('is given as it is where nobody knows it', () => {
    expect(describeReason('0xdeadbeef')).toBe('Unknown(0xdeadbeef)');
    expect(describeReason('0x')).toBe('Unknown(0x)');
    expect(describeReason(`0x${'ab'.repeat(5000)}`)).toHaveLength(300);
    expect(explainRefusal('Unknown(0xdeadbeef)')).toContain('0xdeadbeef');
    expect(explainRefusal(null)).toMatch(/kept here/);
  });

  it('has words only for errors that the contracts have', () => {
    for (const name of [
      'DeadlinePassed',
      'WriteNotGranted',
      'NotAuthorized',
      'LastAdmin',
      'PatientKnown',
      'IdentifierClaimed',
      'ValidityInvalid',
    ]) {
      expect(gateway.getError(name)).not.toBeNull();
    }
  });
});
