/** Calls about where records are. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

export function handlers({ availability, sessions, facts }: Workstation): Handlers<Extract<CallName, `availability.${string}`>> {
  return {
    'availability.view': () => availability.view(),
    'availability.record': ({ versionId }) => availability.records.of(sessions.require(), versionId),
    'availability.setCopies'({ copies }) {
      availability.policy.set(sessions.require(), copies);
      availability.copies.tellNews();
      facts.tell('status', null);
      return null;
    },
    async 'availability.setPinning'({ service }) {
      if (service) await availability.pinning.use(service);
      else availability.pinning.stopUsing();
      return null;
    },
    'availability.check': () => availability.check(),
  };
}
