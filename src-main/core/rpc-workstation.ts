/** Calls about the workstation itself: first run, people and sessions, staff, network, outbox. */
import { rolesOf } from '../../src-shared/operations.ts';
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<
  CallName,
  | `workstation.${string}`
  | `setup.${string}`
  | `people.${string}`
  | `session.${string}`
  | `settings.${string}`
  | `staff.${string}`
  | `network.${string}`
  | `sync.${string}`
>;

export function handlers(workstation: Workstation): Handlers<Names> {
  const { setup, people, sessions, snapshots, network, connections, directory, profiles, facts, demo, outbox } = workstation;
  return {
    'workstation.snapshot': () => snapshots.read(),
    'setup.createPhrase': () => ({ phrase: workstation.createPhrase() }),
    'setup.createClinic': (input) => setup.createClinic(input).then(() => null),
    'setup.createDemo': () => demo.create().then(() => null),
    'setup.join': (input) => setup.join(input),
    'setup.joinClinic': (input) => setup.joinClinic(input),
    async 'people.createKey'({ personName, passphrase, phrase }) {
      const created = await people.createKey(personName, passphrase, workstation.keysOfPhrase(phrase));
      facts.tell('status', null);
      return created;
    },
    'people.enrolmentCode': ({ account }) => ({ enrolmentCode: people.enrolmentCode(account) }),
    'session.logIn': ({ account, passphrase }) => sessions.logIn(account, passphrase).then(() => null),
    'session.lock'() {
      sessions.lock();
      return null;
    },
    'session.touch'() {
      sessions.touch();
      return null;
    },
    'settings.set'(change) {
      snapshots.saveSettings(change);
      sessions.touch();
      facts.tell('status', null);
      return null;
    },
    'staff.list': () => people.staff(),
    'staff.readCode': ({ enrolmentCode }) => people.readCode(enrolmentCode),
    'staff.approve': ({ enrolmentCode, roles }) => people.approve(enrolmentCode, roles).then(() => null),
    'staff.changeRoles': ({ account, roles }) => people.changeRoles(account, roles).then(() => null),
    'staff.setSuspended': ({ account, suspended }) => people.setSuspended(account, suspended).then(() => null),
    'staff.leave': ({ account }) => people.leave(account).then(() => null),
    'network.view'() {
      const current = network.require();
      return {
        chainId: current.chainId,
        operations: current.operations,
        endpoint: current.endpoint,
        embedded: current.embedded !== null,
        head: connections.status()?.head ?? null,
        addresses: workstation.ipfs.addresses(),
        peers: workstation.ipfs.peers(),
        organizations: directory.organizations().map((o) => ({
          id: o.id,
          name: profiles.name(o.profile, `Clinic ${o.id.slice(2, 8)}`),
          members: directory.members(o.id).filter((m) => rolesOf(m.roles).length > 0 && !m.suspended).length,
          suspended: o.suspended,
          own: o.id === setup.clinic()?.id,
        })),
      };
    },
    // Without the addresses, a clinic that joins at once would never find this one's records.
    'network.invitation': async () => ({ invitation: network.invitationCode(await connections.addresses(), await connections.peerId()) }),
    'network.readRequest': ({ requestCode }) => setup.readRequest(requestCode),
    'network.admit'({ requestCode }) {
      setup.admit(requestCode);
      return null;
    },
    async 'network.dial'({ address }) {
      await workstation.ipfs.dial(address);
      network.addPeer(address);
      return null;
    },
    'network.setEndpoint': ({ endpoint }) => connections.setEndpoint(endpoint).then(() => null),
    'sync.outbox': ({ show, before, limit }) => outbox.page(show, before, limit),
    'sync.retry'({ opId }) {
      outbox.retry(opId);
      return null;
    },
    'sync.retryAll': () => ({ sent: outbox.retryAll() }),
    'sync.withdrawal': ({ opId }) => workstation.withdrawals.view(sessions.require(), opId),
    'sync.withdraw': ({ opId, edit }) => workstation.withdrawals.withdraw(sessions.require(), opId, edit),
    'sync.pause'({ paused }) {
      connections.setPaused(paused);
      return null;
    },
    'sync.now'() {
      connections.hurry();
      return null;
    },
  };
}
