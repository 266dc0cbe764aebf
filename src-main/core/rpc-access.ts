/** Calls about access that is not there yet (asking a patient for it, the patient's answer, emergencies), and about those who decide for a patient. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `requests.${string}` | `emergency.${string}` | `delegates.${string}`>;

export function handlers({ sessions, accessRequests, delegates, emergency, nameOf, sharing }: Workstation): Handlers<Names> {
  return {
    'delegates.find'(by) {
      const found = delegates.find(by);
      return { ...found, name: nameOf(found.patient) };
    },
    'delegates.appoint': (appointment) => delegates.appoint(sessions.requireDesk(), appointment).then(() => null),
    'delegates.dismiss': ({ delegate }) => delegates.dismiss(sessions.requireDesk(), delegate).then(() => null),
    'emergency.view': ({ patient }) => emergency.view(sessions.require(), patient),
    'emergency.open': ({ patient, reason, hours }) => emergency.open(sessions.require(), patient, reason, hours).then(() => null),
    'emergency.close': ({ patient }) => emergency.close(sessions.require(), patient).then(() => null),
    'emergency.switch': ({ allowed }) => sharing.switchEmergency(sessions.requireDesk(), allowed).then(() => null),
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
