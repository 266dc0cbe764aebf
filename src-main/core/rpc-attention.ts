/** Calls about what needs a person: the list of it, and corrections of records and details. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `attention.${string}`> | 'chart.correct' | 'patients.details' | 'patients.correct';

export function handlers({ sessions, attention, corrections }: Workstation): Handlers<Names> {
  return {
    'attention.list': () => attention.list(sessions.require()),
    'attention.setAside'({ opId }) {
      attention.setAside(sessions.require(), opId);
      return null;
    },
    'chart.correct': (correcting) => corrections.correct(sessions.require(), correcting),
    'patients.details': ({ patient }) => corrections.details(sessions.require(), patient),
    'patients.correct': ({ patient, base, previous, demographics }) =>
      corrections.correctDetails(sessions.require(), patient, base, previous, demographics),
  };
}
