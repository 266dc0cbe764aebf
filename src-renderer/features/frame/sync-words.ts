/** The state of sending and receiving, in words that need no knowledge of what is behind it. */
import { formatDateTime, formatTime } from '../../../src-shared/format/index.ts';
import type { SyncView } from '../../../src-shared/view-types.ts';

/** `14:02` today, `14-Jul-2026 14:02` otherwise, `not yet` before the first time. */
export function formatSyncTime(lastSync: number | null, now: number): string {
  if (lastSync === null) return 'not yet';
  return new Date(lastSync).toDateString() === new Date(now).toDateString() ? formatTime(lastSync) : formatDateTime(lastSync);
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
