/** Where records are, in words. */
import type { CopyCounts, CopyView, CopyWarning, RecordCopies } from '../../../src-shared/view-types.ts';
import { countOf, formatSyncTime } from '../frame/sync-words.ts';

const records = (count: number) => countOf(count, 'record', 'records');
const kinds: Readonly<Record<CopyView['kind'], string>> = {
  workstation: '',
  hub: 'hub',
  pinning: 'pinning service',
  clinic: 'other clinic',
};

/** What was just saved has no copy yet: that is no news for the status line. */
const afterMs = 10 * 60_000;

/** For the status line, or null. */
export function copyWarningWords({ onlyHere, nowhere, since }: CopyWarning, now: number): string | null {
  if (since === null || now - since < afterMs) return null;
  if (nowhere > 0) return `${records(nowhere)} incomplete`;
  return onlyHere > 0 ? `${records(onlyHere)} only on this computer` : null;
}

/** "Office", "Cellar (hub)". */
export function holderWords({ name, kind }: Pick<CopyView, 'name' | 'kind'>): string {
  return kinds[kind] === '' ? name : `${name} (${kinds[kind]})`;
}

/** What one record's copies are: "This computer", and each that said it has it, with when. */
export function recordCopyLines({ here, copies }: RecordCopies, now: number): { readonly name: string; readonly text: string }[] {
  const own = {
    whole: 'complete',
    partly: 'incomplete: what is missing is fetched from whoever has it',
    none: 'not here',
  };
  return [
    { name: 'This computer', text: own[here] },
    ...copies.map((copy) => ({ name: holderWords(copy), text: `said so ${formatSyncTime(copy.confirmedAt, now)}` })),
  ];
}

/** A title and what to do, where there is something to warn of. */
export function copyNotice(
  { onlyHere, nowhere, tooFew }: CopyCounts,
  wanted: number,
): { readonly tone: 'warning' | 'danger'; readonly title: string; readonly text: string } | null {
  if (nowhere > 0) {
    return {
      tone: 'danger',
      title: `${records(nowhere)} not complete here, and nobody is known to have ${nowhere === 1 ? 'it' : 'them'}`,
      text: 'Turn on the clinic’s other computers: what is missing is fetched from whichever has it. What still has to arrive for the first time is counted too. If it stays so, restore blocks.db from the last backup.',
    };
  }
  if (wanted > 1 && onlyHere > 0) {
    return {
      tone: 'warning',
      title: `${records(onlyHere)} only on this computer`,
      text: 'If this disk fails, they are lost. Turn on another computer of the clinic, or add one, or a hub (Network, “Computers of this clinic”): it fetches them by itself. Until then, keep a backup of the data folder elsewhere.',
    };
  }
  if (tooFew > 0) {
    return {
      tone: 'warning',
      title: `${records(tooFew)} in fewer than ${wanted} copies`,
      text: 'Turn on more of the clinic’s computers, or add one: it fetches them by itself.',
    };
  }
  return null;
}
