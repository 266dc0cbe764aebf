/** Calls about old records that a patient at the desk has encrypted anew. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import { formatName } from '../../src-shared/format/index.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `earlier.${string}`>;

export function handlers({ sessions, reencrypting, rights }: Workstation): Handlers<Names> {
  return {
    'earlier.view': () => reencrypting.earlier(sessions.requireDesk()),
    'earlier.reencrypt'({ categories }) {
      const desk = sessions.requireDesk();
      rights.requireSelf(desk, 'encrypt earlier records anew');
      return reencrypting.run(desk, categories);
    },
    'earlier.stop'({ patient }) {
      reencrypting.cancel(patient);
      return null;
    },
    'earlier.interrupted'() {
      const { index } = sessions.require();
      return reencrypting.interrupted().map((request) => {
        const row = index.patient(request.patient);
        return { ...request, name: row ? formatName(row) : '' };
      });
    },
  };
}
