/** Calls about moving to a network that clinics run together. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

export function handlers({ moving }: Workstation): Handlers<Extract<CallName, `moving.${string}`>> {
  return {
    'moving.view': () => moving.view(),
    'moving.ask': async ({ invitation }) => ({ requestCode: await moving.ask(invitation) }),
    'moving.forget'() {
      moving.forget();
      return null;
    },
    async 'moving.go'() {
      await moving.go();
      return null;
    },
    async 'moving.follow'({ invitation }) {
      await moving.follow(invitation);
      return null;
    },
  };
}
