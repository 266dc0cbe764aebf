/** How far a new key is, in words. */
import { formatDateTime } from '../../../src-shared/format/index.ts';
import type { PendingKey } from '../../../src-shared/view-types.ts';

export function progressInWords({ state, agreed, threshold, readyAt, unsent }: PendingKey): string {
  const waits = unsent ? ' Some of this still waits to be sent.' : '';
  if (state === 'collecting') return `${agreed.length} of ${threshold} have agreed: ${namesOf(agreed)}.${waits}`;
  if (state === 'waiting') return `Enough have agreed. It can be put in force from ${formatDateTime(readyAt)} on.${waits}`;
  return `Enough have agreed, and the waiting time is over. It can be put in force.${waits}`;
}

const namesOf = (people: PendingKey['agreed']): string => people.map(({ name }) => name.slice(0, 100)).join('; ');
