/** Where records are, in words. */
import type { CopyCounts, CopyView, CopyWarning, RecordCopies, WantedCopies } from '../../../src-shared/view-types.ts';
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

/** For the status line, or null: the worst of it. */
export function copyWarningWords({ onlyHere, noHub, notOutside, nowhere, since }: CopyWarning, now: number): string | null {
  if (since === null || now - since < afterMs) return null;
  if (nowhere > 0) return `${records(nowhere)} incomplete`;
  if (onlyHere > 0) return `${records(onlyHere)} only on this computer`;
  if (noHub > 0) return `${records(noHub)} on no hub`;
  return notOutside > 0 ? `${records(notOutside)} nowhere outside this clinic` : null;
}

/** "Office", "Cellar (hub)". */
export function holderWords({ name, kind }: Pick<CopyView, 'name' | 'kind'>): string {
  // "Pinning service of Office" says it itself.
  return kinds[kind] === '' || (kind === 'pinning' && name.startsWith('Pinning service')) ? name : `${name} (${kinds[kind]})`;
}

/** What one record's copies are: "This computer", and each that said it has it, with when. */
export function recordCopyLines({ here, copies }: RecordCopies, now: number): { readonly name: string; readonly text: string }[] {
  const own = {
    whole: 'complete',
    partly: 'incomplete: what is missing is fetched from whoever has it',
    freed: 'not kept here, as others keep it; it is fetched when the patient’s chart is opened',
    none: 'not here',
  };
  return [
    { name: 'This computer', text: own[here] },
    ...copies.map((copy) => ({ name: holderWords(copy), text: `said so ${formatSyncTime(copy.confirmedAt, now)}` })),
  ];
}

interface CopyNotice {
  readonly tone: 'warning' | 'danger';
  readonly title: string;
  readonly text: string;
}

/** What is missing of what the clinic wants, the worst first, each with what to do. */
export function copyNotices({ onlyHere, nowhere, tooFew, noHub, notOutside }: CopyCounts, wanted: WantedCopies): CopyNotice[] {
  const notices: CopyNotice[] = [];
  const warn = (title: string, text: string) => notices.push({ tone: 'warning', title, text });
  if (nowhere > 0) {
    notices.push({
      tone: 'danger',
      title: `${records(nowhere)} not complete here, and nobody is known to have ${nowhere === 1 ? 'it' : 'them'}`,
      text: 'Turn on the clinic’s other computers: what is missing is fetched from whichever has it. What still has to arrive for the first time is counted too. If it stays so, restore blocks.db from the last backup.',
    });
  }
  const isOneEnough = wanted.computers === 1 && !wanted.hub && !wanted.outside;
  if (onlyHere > 0 && !isOneEnough) {
    warn(
      `${records(onlyHere)} only on this computer`,
      'If this disk fails, they are lost. Turn on another computer of the clinic, or add one, or a hub (Network, “Computers of this clinic”): it fetches them by itself. Until then, keep a backup of the data folder elsewhere.',
    );
  }
  // Those that are only here were named above.
  if (tooFew > onlyHere) {
    warn(
      `${records(tooFew)} on fewer than ${wanted.computers} of the clinic’s computers`,
      'Turn on more of them, or add one (Network, “Computers of this clinic”): it fetches them by itself.',
    );
  }
  if (noHub > 0) {
    warn(
      `${records(noHub)} on no hub`,
      'Turn the clinic’s hub on. It fetches them by itself. If there is none yet, Network, “Computers of this clinic”, adds one.',
    );
  }
  if (notOutside > 0) {
    warn(
      `${records(notOutside)} nowhere outside this clinic`,
      'A fire or theft could take all copies. Under “Pinning service” below, an administrator has them kept, encrypted, at another clinic’s hub; what is on its way there is counted still.',
    );
  }
  return notices;
}

/** "on 2 of the clinic’s computers or more, one of them a hub, and outside the clinic" */
export function wantedWords({ computers, hub, outside }: WantedCopies): string {
  const own = computers === 1 ? 'on one of the clinic’s computers or more' : `on ${computers} of the clinic’s computers or more`;
  return [own, hub ? (computers === 1 ? ', on a hub' : ', one of them a hub') : '', outside ? ', and outside the clinic' : ''].join('');
}
