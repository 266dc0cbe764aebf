/** Calls about people registered more than once. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `duplicates.${string}`>;

export function handlers({ sessions, duplicates }: Workstation): Handlers<Names> {
  return {
    'duplicates.list': () => duplicates.list(sessions.require()),
    'duplicates.of': ({ patient }) => duplicates.linked(sessions.require(), patient),
    'duplicates.link': ({ duplicate, survivor, reason }) =>
      duplicates.link(sessions.require(), duplicate, survivor, reason).then(() => null),
    'duplicates.unlink': ({ duplicate, reason }) => duplicates.unlink(sessions.require(), duplicate, reason).then(() => null),
    'duplicates.dismiss'({ a, b, dismissed }) {
      duplicates.dismiss(sessions.require(), a, b, dismissed);
      return null;
    },
  };
}
