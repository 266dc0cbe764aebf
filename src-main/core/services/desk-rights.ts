/**
 * What whoever holds the card at the desk may decide for the patient: everything for themselves; for somebody else what the appointment says, now. The
 * ledger judges again when it arrives; here nobody is let sign what it would refuse.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { Category } from '../../../src-shared/categories.ts';
import type { Power } from '../../../src-shared/operations.ts';
import type { DeskRightsView } from '../../../src-shared/view-types.ts';
import type { Consents } from './consents.ts';
import { everywhere, isWithin, type Appointment } from './delegations.ts';
import type { RecordHolder, RecordKeys } from './keyring.ts';

export interface DeskRights {
  /** Whether the card's holder decides for themselves. */
  isSelf(desk: RecordHolder): boolean;
  /** Until when a decision may count (0: no limit), or null where the holder may not make it. No compartment: about all of the record. */
  limit(desk: RecordHolder, power: Power, compartment?: string): number | null;
  /** Throws NOT_ALLOWED where that is null, or the decision would last longer. Not for revocations, which have no end: leave `until` out. */
  require(desk: RecordHolder, power: Power, compartment?: string, until?: number): void;
  /** Throws NOT_ALLOWED unless the holder decides for themselves. `what`: "Only the patient can …". */
  requireSelf(desk: RecordHolder, what: string): void;
  /** The holder's appointments that count now. */
  appointments(desk: RecordHolder): Appointment[];
  view(desk: RecordHolder, record: RecordKeys): DeskRightsView;
}

const words: Readonly<Record<Power, string>> = {
  share: 'sharing this',
  revoke: 'taking this access back',
  emergency: 'switching emergency access',
};

/** Whether an appointment counts at this second. */
export function isInForce({ powers, until }: Appointment, at: number): boolean {
  return powers.length > 0 && (until === 0 || at < until);
}

export function createDeskRights(consents: Consents, clock: () => number): DeskRights {
  const now = () => Math.floor(clock() / 1000);
  const isSelf = ({ keys, patient }: RecordHolder) => keys.account === patient;

  const limit: DeskRights['limit'] = ({ keys, patient }, power, compartment = everywhere) =>
    consents.delegations(patient).limit(keys.account, compartment, [power], now());

  const appointments = ({ keys, patient }: RecordHolder) =>
    consents
      .delegations(patient)
      .appointments()
      .filter((one) => one.delegate === keys.account && isInForce(one, now()));

  return {
    isSelf,
    limit,
    appointments,
    require(desk, power, compartment, until) {
      const end = limit(desk, power, compartment);
      if (end === null) {
        throw new AppError(
          'NOT_ALLOWED',
          `Your appointment does not include ${words[power]}, or it has ended. Nothing was changed; the patient can decide it with their own card.`,
        );
      }
      if (until !== undefined && !isWithin(until, end)) {
        throw new AppError(
          'NOT_ALLOWED',
          'This would last longer than your appointment does. Choose an earlier end; nothing was changed.',
          { until: end },
        );
      }
    },
    requireSelf(desk, what) {
      if (!isSelf(desk)) throw new AppError('NOT_ALLOWED', `Only the patient can ${what}, with their own card. Nothing was changed.`);
    },
    view(desk, record) {
      const among = (power: Power): { category: Category; until: number }[] => {
        const byCategory = new Map<Category, number>();
        for (const [compartment, category] of record.compartments) {
          const until = limit(desk, power, compartment);
          const known = byCategory.get(category);
          // Of a category that has two compartments, that which lasts less long; 0 lasts for ever.
          if (until !== null) byCategory.set(category, known === undefined || known === 0 ? until : Math.min(known, until || known));
        }
        return [...byCategory].map(([category, until]) => ({ category, until }));
      };
      return {
        self: isSelf(desk),
        share: among('share'),
        revoke: among('revoke').map(({ category }) => category),
        decline: limit(desk, 'share') !== null,
        emergency: limit(desk, 'emergency') !== null,
      };
    },
  };
}
