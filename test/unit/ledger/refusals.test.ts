import { describe, expect, it } from 'vitest';
import { explainRefusal, mayBeTakenLater } from '../../../src-main/core/services/sync/refusals.ts';
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

  it('tells nobody whom it was about', () => {
    expect(explainRefusal('SomethingNew(0x52908400098527886E0F7030069857D2E4169EE7)')).not.toContain('0x5290');
  });

  it('is sent again where its reason may be gone, and not where it stays', () => {
    expect(['WriteNotGranted(0x1)', 'PatientUnknown(0x1)', 'NotAuthorized()', null].map(mayBeTakenLater)).toEqual([true, true, true, true]);
    expect(['DeadlinePassed(1, 2)', 'PatientKnown(0x1)', 'EpochPassed(3)'].map(mayBeTakenLater)).toEqual([false, false, false]);
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
