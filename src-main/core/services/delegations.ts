/**
 * Who may decide for a patient: the patient, and within their limits those whom the patient appointed. The rules of the contract `Delegations`, as a
 * state that operations are applied to in ledger order. Used by the read model of consents, by the check of what the ledger tells, and before signing.
 */
import { capacities, powerBits, powersOf, type Capacity, type Power } from '../../../src-shared/operations.ts';
import type { DecodedOperation } from '../ports.ts';
import { zero32 } from './bytes.ts';

/** An appointment for this "compartment" is one for all of them. */
export const everywhere = zero32;

export interface Appointment {
  readonly delegate: string;
  /** `everywhere`, or the one it is for. */
  readonly compartment: string;
  readonly capacity: Capacity;
  /** None: dismissed. */
  readonly powers: readonly Power[];
  /** Seconds; the first in which it no longer counts; 0: no end. */
  readonly until: number;
  /** Highest number that the patient gave to a change of it. */
  readonly sequence: number;
  /** Seconds, as the signers' clocks said; `dismissedAt` 0 while it stands. */
  readonly appointedAt: number;
  readonly dismissedAt: number;
  readonly anchored: boolean;
}

/** What an operation is judged by besides itself. */
export interface Judged {
  readonly actor: string;
  readonly decoded: DecodedOperation;
  /** Seconds: the block's time, or the actor's clock for what has no block yet. */
  readonly at: number;
  readonly issuedAt: number;
  readonly anchored: boolean;
}

export interface Delegations {
  /** Whether the ledger takes the operation, as far as it is about who decides. */
  allows(judged: Judged, compartmentOfRequest: (id: string) => string | undefined): boolean;
  /** Applies an appointment or dismissal that is allowed; anything else changes nothing. */
  apply(judged: Judged): void;
  /** Until when what an account decides with these powers may count: 0 without a limit; null where it may not decide this. */
  limit(account: string, compartment: string, powers: readonly Power[], at: number): number | null;
  appointments(): Appointment[];
}

const capacityNames = new Map(Object.entries(capacities).map(([name, code]) => [code as number, name as Capacity]));
const allPowers = Object.values(powerBits).reduce((all: number, bit) => all | bit, 0);

/** Of one patient. */
export function createDelegations(patient: string): Delegations {
  const known = new Map<string, Appointment>();
  const key = (delegate: string, compartment: string) => `${delegate.toLowerCase()}/${compartment}`;
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

  const counts = (appointment: Appointment | undefined, powers: readonly Power[], at: number): appointment is Appointment =>
    appointment !== undefined &&
    powers.every((power) => appointment.powers.includes(power)) &&
    (appointment.until === 0 || at < appointment.until);

  const limit: Delegations['limit'] = (account, compartment, powers, at) => {
    if (same(account, patient)) return 0;
    const ends = [...new Set([everywhere, compartment])].flatMap((place) => {
      const appointment = known.get(key(account, place));
      return counts(appointment, powers, at) ? [appointment.until] : [];
    });
    // Of two appointments the one that lasts longer; 0 lasts for ever.
    return ends.length === 0 ? null : ends.includes(0) ? 0 : Math.max(...ends);
  };

  const grants = (account: string, compartment: string, powers: readonly Power[], validUntil: number, at: number) => {
    const end = limit(account, compartment, powers, at);
    return end !== null && isWithin(validUntil, end);
  };

  const allows: Delegations['allows'] = ({ actor, decoded, at }, compartmentOfRequest) => {
    switch (decoded.kind) {
      case 'Grant':
      case 'ApproveRequest':
        return grants(actor, decoded.payload.compartment, ['share'], decoded.payload.validUntil, at);
      case 'ChangeGrant':
        return grants(actor, decoded.payload.compartment, ['share', 'revoke'], decoded.payload.validUntil, at);
      case 'Revoke':
        return limit(actor, decoded.payload.compartment, ['revoke'], at) !== null;
      case 'DeclineRequest':
        return limit(actor, compartmentOfRequest(decoded.payload.request) ?? everywhere, ['share'], at) !== null;
      case 'SwitchEmergency':
        return limit(actor, everywhere, ['emergency'], at) !== null;
      case 'AppointDelegate': {
        const { delegate, compartment, capacity, powers, sequence } = decoded.payload;
        const exists = capacityNames.has(capacity) && powers >= 1 && powers <= allPowers && !/^0x0{40}$/.test(delegate);
        // A later number ends every older appointment that somebody held back until after a dismissal.
        return (
          same(actor, patient) && exists && !same(delegate, patient) && sequence > (known.get(key(delegate, compartment))?.sequence ?? 0)
        );
      }
      case 'DismissDelegate':
        return same(actor, patient) || same(actor, decoded.payload.delegate);
      default:
        return true;
    }
  };

  return {
    limit,
    allows,
    apply(judged) {
      const { actor, decoded, issuedAt, anchored } = judged;
      if (!allows(judged, () => undefined)) return;
      if (decoded.kind === 'AppointDelegate') {
        const { delegate, compartment, capacity, powers, validUntil, sequence } = decoded.payload;
        known.set(key(delegate, compartment), {
          ...{ delegate, compartment, sequence, anchored, until: validUntil, appointedAt: issuedAt, dismissedAt: 0 },
          capacity: capacityNames.get(capacity) ?? 'delegate',
          powers: powersOf(powers),
        });
      } else if (decoded.kind === 'DismissDelegate') {
        const { delegate, compartment, sequence } = decoded.payload;
        const before = known.get(key(delegate, compartment));
        const none: Appointment = {
          ...{ delegate, compartment, capacity: 'delegate', powers: [], until: 0, sequence: 0, appointedAt: 0, dismissedAt: 0, anchored },
        };
        // A delegate who resigns does not decide what the patient may still send.
        const later = same(actor, patient) ? Math.max(sequence, before?.sequence ?? 0) : (before?.sequence ?? 0);
        const ended = before && before.powers.length > 0 ? { powers: [], dismissedAt: issuedAt, anchored } : {};
        known.set(key(delegate, compartment), { ...(before ?? none), ...ended, sequence: later });
      }
    },
    // One that was never made, only dismissed, is none.
    appointments: () => [...known.values()].filter(({ appointedAt }) => appointedAt !== 0),
  };
}

/** Whether something that ends then ends no later than the limit; 0: without an end, or without a limit. */
export function isWithin(until: number, limit: number): boolean {
  return limit === 0 || (until !== 0 && until <= limit);
}
