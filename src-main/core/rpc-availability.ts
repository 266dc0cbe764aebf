/** Calls about where records are. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

export function handlers({ availability, sessions }: Workstation): Handlers<Extract<CallName, `availability.${string}`>> {
  return {
    'availability.view': () => availability.view(),
    'availability.record': ({ versionId }) => availability.records.of(sessions.require(), versionId),
    'availability.setCopies'(wanted) {
      availability.setWanted(sessions.require(), wanted);
      return null;
    },
    async 'availability.setPinning'({ service }) {
      if (service) await availability.pinning.use(service);
      else availability.pinning.stopUsing();
      return null;
    },
    'availability.previewFreeing': (limits) => availability.freeing.preview(limits),
    'availability.setFreeing'({ limits }) {
      availability.freeing.set(limits);
      return null;
    },
    'availability.free': () => availability.freeing.run(),
    'availability.check': () => availability.check(),
  };
}
