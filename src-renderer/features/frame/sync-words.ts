/** The state of sending and receiving, in words that need no knowledge of what is behind it. */
import { formatDateTime, formatTime } from '../../../src-shared/format/index.ts';
import type { SyncView } from '../../../src-shared/view-types.ts';

/** `14:02` today, `14-Jul-2026 14:02` otherwise, `not yet` before the first time. */
export function formatSyncTime(lastSync: number | null, now: number): string {
  if (lastSync === null) return 'not yet';
  return new Date(lastSync).toDateString() === new Date(now).toDateString() ? formatTime(lastSync) : formatDateTime(lastSync);
}

/** "about 3 minutes", for how long something may still take. */
export function durationWords(seconds: number): string {
  if (seconds < 90) return seconds < 20 ? 'a few seconds' : 'about a minute';
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${countOf(Math.round(seconds / 3600), 'hour', 'hours')}`;
}

/** "Catching up: 45 %, about 3 minutes left"; null where nothing is caught up with. */
export function catchUpWords(sync: Pick<SyncView, 'catchUp' | 'paused'>): string | null {
  if (sync.paused) return 'Catching up is paused';
  if (sync.catchUp === null) return null;
  const { done, total, secondsLeft } = sync.catchUp;
  const share = `Catching up: ${Math.floor((100 * done) / Math.max(1, total))} %`;
  return secondsLeft === null ? share : `${share}, ${durationWords(secondsLeft)} left`;
}

/** Fewer are done before anybody could read of it. */
const worthSaying = 200;

/** "Checking 1,200 signatures of others, a few seconds left"; null where there is nothing, or not for long. */
export function checkingWords({ checking }: Pick<SyncView, 'checking'>): string | null {
  const { left, secondsLeft } = checking;
  if (left < worthSaying) return null;
  const words = `Checking ${countOf(left, 'signature', 'signatures')} of others`;
  return secondsLeft === null ? words : `${words}, ${durationWords(secondsLeft)} left`;
}

/** A sentence where this computer's clock is wrong, or null. */
export function clockWords(clock: SyncView['clock']): string | null {
  if (!clock?.wrong) return null;
  const by = clock.by === 'ledger' ? 'the network’s' : 'the other workstations’';
  const apart = durationWords(Math.abs(clock.ahead)).replace(/^about /, '');
  return `This computer’s clock is about ${apart} ${clock.ahead > 0 ? 'ahead of' : 'behind'} ${by}`;
}

/** What to do about it. A ledger is made by many; of two workstations either may be the wrong one. */
export function clockAdvice(clock: SyncView['clock']): string {
  const what =
    clock?.by === 'ledger'
      ? 'What is written here carries the wrong time. Set the clock of this computer.'
      : 'Either this clock is wrong or theirs. Compare it with one that you trust, and set the one that is wrong.';
  return `${what} Nothing is lost or put out of order: the order comes from the network.`;
}

export function connectionWords(sync: SyncView, now: number): { label: string; hint: string } {
  const time = formatSyncTime(sync.lastSync, now);
  const last = sync.lastSync === null ? 'not synced yet' : `last synced ${time}`;
  switch (sync.state) {
    case 'online':
      return { label: `Online · synced ${time}`, hint: 'Everything made here is sent at once.' };
    case 'lan':
      return {
        label: `Local network only · ${last}`,
        hint: 'Other workstations are reachable; what is made here is kept and sent when the network is back.',
      };
    case 'offline':
      return {
        label: `Offline · ${last}`,
        hint: 'Work goes on. What is made here is kept on this workstation and sent when the network is back.',
      };
    case 'starting':
      return { label: 'Connecting', hint: 'The workstation is looking for the network.' };
  }
}

export const countOf = (count: number, one: string, many: string) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
