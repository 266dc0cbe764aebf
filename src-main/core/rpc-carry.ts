/** Calls about what is carried by hand between workstations. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

export function handlers({ carry }: Workstation): Handlers<Extract<CallName, `carry.${string}`>> {
  const { slices } = carry;
  return {
    'carry.out': () => slices.out(),
    'carry.read': () => slices.read(),
    'carry.begin'() {
      slices.begin();
      return null;
    },
    'carry.append': ({ base64 }) => slices.append(base64),
    'carry.end': () => slices.end(),
    'carry.stop'() {
      slices.clear();
      return null;
    },
  };
}
