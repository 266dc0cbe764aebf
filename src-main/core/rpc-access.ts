/** Calls about access that is not there yet: asking a patient for it, and the patient's answer. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `requests.${string}`>;

export function handlers({ sessions, accessRequests }: Workstation): Handlers<Names> {
  return {
    'requests.find': (by) => accessRequests.find(sessions.require(), by),
    'requests.ask': (asking) => accessRequests.ask(sessions.require(), asking).then(() => null),
    'requests.sent': () => accessRequests.sent(sessions.require()),
    'requests.open': () => accessRequests.open(sessions.requireDesk()),
    'requests.approve': (approval) => accessRequests.approve(sessions.requireDesk(), approval).then(() => null),
    'requests.decline'({ request }) {
      accessRequests.decline(sessions.requireDesk(), request);
      return null;
    },
  };
}
