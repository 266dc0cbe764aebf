/**
 * What is typed and not saved yet. A draft notes the operation that it is saved as before that is made, so that a crash between the save and the draft's end, or a
 * disk that was full then, leaves nobody with a draft of what is saved.
 */
import { z } from 'zod';
import type { DraftRow, WorkstationStorePort } from '../ports.ts';
import type { Session, Sessions } from './sessions.ts';

export interface Drafts {
  /** Of the session, of one patient or all: only what is not saved. */
  list(session: Session, patient?: string): DraftRow[];
  /** Notes in a draft, if there is one, what it is about to be saved as. */
  note(session: Session, id: string, opId: string): void;
}

const noted = z.object({ savedAs: z.string() });

/** Null where it is no JSON object. */
function contentOf({ json }: DraftRow): object | null {
  try {
    const content: unknown = JSON.parse(json);
    return typeof content === 'object' && !Array.isArray(content) ? content : null;
  } catch {
    // Whoever wrote it finds out.
    return null;
  }
}

export function createDrafts(deps: {
  readonly store: Pick<WorkstationStorePort, 'operation'>;
  readonly sessions: Pick<Sessions, 'onBegin'>;
  readonly report: (error: unknown) => void;
}): Drafts {
  const isSaved = (draft: DraftRow): boolean => {
    const { data } = noted.safeParse(contentOf(draft));
    return data !== undefined && deps.store.operation(data.savedAs) !== undefined;
  };

  deps.sessions.onBegin(({ index }) => {
    try {
      for (const draft of index.drafts()) if (isSaved(draft)) index.deleteDraft(draft.id);
    } catch (error) {
      // It is not shown, and dropped at the next log-in.
      deps.report(error);
    }
  });

  return {
    list: ({ index }, patient) => index.drafts(patient).filter((draft) => !isSaved(draft)),
    note({ index }, id, opId) {
      const draft = index.drafts().find((one) => one.id === id);
      const content = draft && contentOf(draft);
      if (draft && content) index.saveDraft({ ...draft, json: JSON.stringify({ ...content, savedAs: opId }) });
    },
  };
}
