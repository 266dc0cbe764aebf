/** Calls about the computers of the clinic. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

export function handlers(workstation: Workstation): Handlers<Extract<CallName, `computers.${string}`>> {
  const { computers, connections, network, sessions, ipfs } = workstation;
  return {
    'computers.list'() {
      const here = computers.own()?.peer;
      const connected = new Set(ipfs.peers().map(({ id }) => id));
      return computers.list().map(({ peer, name }) => ({ peer, name, here: peer === here, connected: connected.has(peer) }));
    },
    // Without the addresses, the computer that joins would never find this one.
    async 'computers.invitation'() {
      const addresses = await connections.addresses();
      const entrance = computers.invite(sessions.require());
      return {
        invitation: network.computerInvitation(addresses, await connections.peerId(), { name: workstation.clinic().name, entrance }),
      };
    },
    'computers.remove'({ peer }) {
      computers.remove(sessions.require(), peer);
      return null;
    },
  };
}
