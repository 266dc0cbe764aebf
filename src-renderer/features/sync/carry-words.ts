/** What came of a carried file, in sentences. */
import type { CarryInView, CarryOutView } from '../../../src-shared/view-types.ts';
import type { Tone } from '../../components/index.ts';
import { countOf } from '../frame/sync-words.ts';

interface Outcome {
  readonly tone: Tone;
  readonly title: string;
  readonly sentences: readonly string[];
}

const endings = {
  whole: [],
  'cut-off': [
    'The file ended too early: the stick was pulled out, or the file was not copied whole. What came is kept. Choose the file again to go on where it stopped.',
  ],
  damaged: [
    'From some place on the file is damaged. What came before is kept. Write the file anew, perhaps to another stick, and take that in; nothing is doubled.',
  ],
  forged: [
    'Much of it is not signed by those it names, so the rest was not looked at. Do not use this file. Tell your administrator where the stick came from.',
  ],
} as const;

export function outcomeOfReading(view: CarryInView): Outcome {
  const { ending, added, known, refused, missing, read, total, blocks } = view;
  const counts: string[] = [];
  if (known > 0) counts.push(`${countOf(known, 'entry was', 'entries were')} here already.`);
  if (refused > 0) {
    counts.push(
      `${countOf(refused, 'entry was', 'entries were')} left out: too old, or resting on something that this workstation does not know yet. Nothing is lost; whatever the network takes comes from there.`,
    );
  }
  if (ending !== 'whole' && total > read) counts.push(`${countOf(total - read, 'entry', 'entries')} of the file were not reached.`);
  if (missing > 0)
    counts.push(
      `${countOf(missing, 'part of a record', 'parts of records')} did not come with it and will be fetched when this workstation is connected.`,
    );
  const isNews = added > 0 || blocks > 0;
  return {
    tone: ending === 'forged' ? 'danger' : ending !== 'whole' || missing > 0 || refused > 0 ? 'warning' : 'success',
    title:
      added > 0
        ? `${countOf(added, 'new entry', 'new entries')} taken in`
        : isNews
          ? 'What was missing was added'
          : 'Nothing new was in the file',
    sentences: [...endings[ending], ...counts],
  };
}

export function outcomeOfWriting({ name, operations, missing, staying }: CarryOutView): Outcome {
  return {
    tone: missing > 0 ? 'warning' : 'success',
    title: `${countOf(operations, 'entry', 'entries')} written`,
    sentences: [
      `${name} can go to any workstation of the network. Take the stick out only after the computer says that it may be removed.`,
      ...(missing > 0
        ? [`${countOf(missing, 'part of a record is', 'parts of records are')} not at this workstation, and so not in the file.`]
        : []),
      ...(staying > 0
        ? [
            `${countOf(staying, 'entry that waits is', 'entries that wait are')} not in it: signed in the network from which the clinic moved, and sent to the ledger from here.`,
          ]
        : []),
    ],
  };
}
