/** What a failed check means and what to do about it, in words for the person who reads the report: the same on the screen and the command line. */
import type { VerifyReport } from './view-types.ts';

export type FailedCheck = VerifyReport['failures'][number]['check'];

export const checkWords: Readonly<Record<FailedCheck, { readonly title: string; readonly meaning: string; readonly advice: string }>> = {
  content: {
    title: 'Content',
    meaning: 'The stored bytes are not the ones that the author signed: they were damaged or changed after they were written.',
    advice: 'Do not rely on this record. Another workstation may hold it unharmed; ask its author.',
  },
  anchor: {
    title: 'Anchor',
    meaning: 'What the ledger holds does not fit this commit, or the ledger refused it.',
    advice: 'Do not rely on this record. If you wrote it, look at Sync for the reason.',
  },
  signature: {
    title: 'Signature',
    meaning: 'The signature was not made with the key of the person it names: somebody else wrote this, or it was changed.',
    advice: 'Do not rely on this record, and tell your administrator.',
  },
  consent: {
    title: 'Consent',
    meaning: 'The patient had not allowed the author to write here, or not any more.',
    advice: 'Ask the patient. The record is kept apart from those that were allowed.',
  },
  unavailable: {
    title: 'Not available',
    meaning: 'No workstation that is connected now has handed out the content. Nothing says that it was changed.',
    advice: 'Check again when other workstations are connected.',
  },
  withheld: {
    title: 'Withheld',
    meaning: 'A commit says that it follows another one, which is not known here: it was held back, lost, or refused by the ledger.',
    advice: 'Something that was written before may be missing from this record. Ask the author of the commit that names it.',
  },
};

/** As of when and from where a report speaks, in one sentence. */
export function standingOf({ asOfBlock, ledger, offline }: Pick<VerifyReport, 'asOfBlock' | 'ledger' | 'offline'>): string {
  if (asOfBlock === null) return 'Nothing is known of the ledger here, so no anchor could be checked.';
  const from = offline ? 'From what is held at this workstation' : 'From what is held here and at connected workstations';
  const state = {
    current: 'the newest of the ledger',
    behind: 'the ledger has gone on since, and is being read',
    away: 'the ledger cannot be reached now, so what came after is not known',
  }[ledger];
  return `${from}, as of block ${asOfBlock.toLocaleString('en-GB')}: ${state}.`;
}
