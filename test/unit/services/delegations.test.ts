import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDelegations, everywhere, isWithin, type Delegations } from '../../../src-main/core/services/delegations.ts';
import { powerBits, type OperationKind, type OperationPayload, type Power } from '../../../src-shared/operations.ts';

const patient = `0x${'11'.repeat(20)}`;
const guardian = `0x${'22'.repeat(20)}`;
const stranger = `0x${'33'.repeat(20)}`;
const grantee = `0x${'00'.repeat(12)}${'44'.repeat(20)}`;
const here = `0x${'a1'.repeat(32)}`;
const there = `0x${'b2'.repeat(32)}`;
const zero = `0x${'00'.repeat(32)}`;

const judged = <K extends OperationKind>(actor: string, kind: K, payload: OperationPayload<K>, at = 100) => ({
  ...{ actor, at, issuedAt: at, anchored: true },
  decoded: { kind, payload } as never,
});
const bits = (...powers: Power[]) => powers.reduce((all, power) => all | powerBits[power], 0);
const appointment = (change: Partial<OperationPayload<'AppointDelegate'>> = {}) => ({
  ...{ patient, delegate: guardian, compartment: everywhere, capacity: 1, powers: bits('share', 'revoke', 'emergency') },
  ...{ validUntil: 0, sequence: 1, ...change },
});
const grant = (change: Partial<OperationPayload<'Grant'>> = {}) => ({
  ...{ patient, compartment: here, grantee, access: 1, purpose: 1, validFrom: 0, validUntil: 0, epoch: 0, envelope: zero, ...change },
});
const allows = <K extends OperationKind>(d: Delegations, actor: string, kind: K, payload: OperationPayload<K>, at = 100) =>
  d.allows(judged(actor, kind, payload, at), () => zero);

/** A patient who appointed the guardian so. */
function appointed(...changes: Partial<OperationPayload<'AppointDelegate'>>[]): Delegations {
  const delegations = createDelegations(patient);
  for (const change of changes) delegations.apply(judged(patient, 'AppointDelegate', appointment(change)));
  return delegations;
}

describe('who may decide for a patient', () => {
  it('is the patient, without a limit, and nobody else before an appointment', () => {
    const nobody = createDelegations(patient);
    expect(allows(nobody, patient, 'Grant', grant())).toBe(true);
    expect(allows(nobody, guardian, 'Grant', grant())).toBe(false);
    expect(allows(nobody, guardian, 'Revoke', { patient, compartment: here, grantee, epoch: 1, envelope: zero })).toBe(false);
    expect(allows(nobody, guardian, 'SwitchEmergency', { patient, allowed: 0, sequence: 1 })).toBe(false);
    expect(allows(nobody, guardian, 'DeclineRequest', { patient, request: zero, reason: zero })).toBe(false);
  });

  it('is whom the patient appointed, with the powers given and no other', () => {
    const sharer = appointed({ powers: bits('share') });
    expect(allows(sharer, guardian, 'Grant', grant())).toBe(true);
    expect(allows(sharer, guardian, 'DeclineRequest', { patient, request: zero, reason: zero })).toBe(true);
    expect(allows(sharer, guardian, 'Revoke', { patient, compartment: here, grantee, epoch: 1, envelope: zero })).toBe(false);
    expect(allows(sharer, guardian, 'ChangeGrant', grant())).toBe(false);
    expect(allows(sharer, guardian, 'SwitchEmergency', { patient, allowed: 0, sequence: 1 })).toBe(false);
    expect(allows(sharer, stranger, 'Grant', grant())).toBe(false);
  });

  it('decides for the named part only, and never about all of the record by a part', () => {
    const part = appointed({ compartment: here });
    expect(allows(part, guardian, 'Grant', grant())).toBe(true);
    expect(allows(part, guardian, 'Grant', grant({ compartment: there }))).toBe(false);
    expect(allows(part, guardian, 'SwitchEmergency', { patient, allowed: 0, sequence: 1 })).toBe(false);
    expect(allows(part, guardian, 'DeclineRequest', { patient, request: zero, reason: zero })).toBe(false);
  });

  it('decides until the end of the appointment, and for nothing longer than it', () => {
    const ending = appointed({ validUntil: 200 });
    expect(allows(ending, guardian, 'Grant', grant({ validUntil: 200 }), 199)).toBe(true);
    expect(allows(ending, guardian, 'Grant', grant({ validUntil: 201 }), 199)).toBe(false);
    expect(allows(ending, guardian, 'Grant', grant(), 199)).toBe(false);
    expect(allows(ending, guardian, 'Grant', grant({ validUntil: 200 }), 200)).toBe(false);
  });

  it('has of two appointments the one that lasts longer', () => {
    const two = appointed({ validUntil: 200 }, { compartment: here, validUntil: 300 });
    expect(two.limit(guardian, here, ['share'], 100)).toBe(300);
    expect(two.limit(guardian, there, ['share'], 100)).toBe(200);
    expect(two.limit(guardian, there, ['share'], 250)).toBeNull();
    expect(two.limit(guardian, here, ['share'], 250)).toBe(300);
    expect(appointed({ validUntil: 200 }, { compartment: here }).limit(guardian, here, ['share'], 100)).toBe(0);
  });

  it('ends by dismissal, and an older appointment that comes late does not bring it back', () => {
    const delegations = appointed({});
    delegations.apply(judged(patient, 'DismissDelegate', { patient, delegate: guardian, compartment: everywhere, sequence: 2 }));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(false);
    delegations.apply(judged(patient, 'AppointDelegate', appointment({ sequence: 2 })));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(false);
    delegations.apply(judged(patient, 'AppointDelegate', appointment({ sequence: 3 })));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(true);
  });

  it('may step back, which decides nothing about what the patient sends later', () => {
    const delegations = appointed({});
    delegations.apply(judged(guardian, 'DismissDelegate', { patient, delegate: guardian, compartment: everywhere, sequence: 99 }));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(false);
    delegations.apply(judged(patient, 'AppointDelegate', appointment({ sequence: 2 })));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(true);
    delegations.apply(judged(stranger, 'DismissDelegate', { patient, delegate: guardian, compartment: everywhere, sequence: 3 }));
    expect(allows(delegations, guardian, 'Grant', grant())).toBe(true);
  });

  it('is appointed by the patient alone, with powers that exist', () => {
    const delegations = createDelegations(patient);
    for (const bad of [
      { capacity: 3 },
      { capacity: 0 },
      { powers: 0 },
      { powers: 8 },
      { delegate: patient },
      { delegate: `0x${'00'.repeat(20)}` },
    ])
      expect(allows(delegations, patient, 'AppointDelegate', appointment(bad))).toBe(false);
    expect(allows(appointed({}), guardian, 'AppointDelegate', appointment({ delegate: stranger }))).toBe(false);
    expect(appointed({ capacity: 3 }).appointments()).toEqual([]);
  });

  it('never decides more than the patient gave last, in whatever order appointments and dismissals arrive', () => {
    const change = fc.record({
      kind: fc.constantFrom('appoint' as const, 'dismiss' as const),
      place: fc.constantFrom(everywhere, here),
      powers: fc.integer({ min: 1, max: 7 }),
      end: fc.constantFrom(0, 150, 300),
      sequence: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.constantFrom(100, 200, 400), (changes, at) => {
        const delegations = createDelegations(patient);
        const last = new Map<string, { sequence: number; powers: number; end: number }>();
        for (const { kind, place, powers, end, sequence } of changes) {
          const before = last.get(place) ?? { sequence: 0, powers: 0, end: 0 };
          if (kind === 'appoint') {
            delegations.apply(judged(patient, 'AppointDelegate', appointment({ compartment: place, powers, validUntil: end, sequence })));
            if (sequence > before.sequence) last.set(place, { sequence, powers, end });
          } else {
            delegations.apply(judged(patient, 'DismissDelegate', { patient, delegate: guardian, compartment: place, sequence }));
            last.set(place, { ...before, powers: 0, sequence: Math.max(sequence, before.sequence) });
          }
        }
        const may = [everywhere, here].some((place) => {
          const one = last.get(place);
          return one !== undefined && (one.powers & powerBits.share) !== 0 && (one.end === 0 || at < one.end);
        });
        expect(delegations.limit(guardian, here, ['share'], at) !== null).toBe(may);
      }),
    );
  });
});

describe('isWithin', () => {
  it('takes no end for longer than any', () => {
    expect([isWithin(0, 0), isWithin(5, 0), isWithin(5, 5), isWithin(6, 5), isWithin(0, 5)]).toEqual([true, true, true, false, false]);
  });
});
