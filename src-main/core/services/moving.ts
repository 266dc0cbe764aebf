/**
 * Moving the clinic from the ledger that came with the workstation to a network that clinics share. Its governors admit the clinic and recognize its former
 * network; from then on everything that is held here is sent there as it was signed. Until they have, nothing changes; after, the outbox does the rest, and may
 * be interrupted at any time.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { OperationKind } from '../../../src-shared/operations.ts';
import type { LedgerPort, NetworkConfig, WorkstationStorePort } from '../ports.ts';
import type { Connections } from './connections.ts';
import type { FactBus } from './facts.ts';
import type { NetworkService, NetworkSettings } from './network.ts';
import type { Sessions } from './sessions.ts';
import type { Setup } from './setup.ts';
import { allKinds } from './sync/event-check.ts';
import { explainRefusal } from './sync/refusals.ts';

/** Governors decide for their own network only. */
const leftBehind: readonly OperationKind[] = [
  'AdmitOrganization',
  'SuspendOrganization',
  'RecognizePredecessor',
  'ChangeGovernor',
  'RotateIdentifierKey',
  'DefineCommonNamespace',
];

export interface Moved {
  /** What was signed in the former network, and how much of it is anchored in this one. */
  readonly total: number;
  readonly anchored: number;
  readonly waiting: number;
  readonly refused: readonly { readonly opId: string; readonly kind: OperationKind; readonly reason: string }[];
}

/** The network that the clinic left; its ledger's state stays in the data folder. */
interface Former extends NetworkConfig {
  readonly domain: string;
}

export interface Moving {
  /**
   * A code for the governors of the network that the invitation is to. Nothing changes yet; asking again gives a new code of the same meaning.
   *
   * @throws AppError NOT_ALLOWED where this workstation does not run a ledger of its own, or for anybody but the clinic's founder; CODE_INVALID.
   */
  ask(invitation: string): Promise<string>;
  /**
   * Leaves the former network for the one that was asked, if its governors have answered.
   *
   * @throws AppError NOT_ALLOWED where they have not, or where nobody asked; LEDGER_UNREACHABLE, LEDGER_WRONG_CHAIN. Then nothing was changed.
   */
  go(): Promise<void>;
  /** How far it has come; null where the clinic has not moved. */
  progress(): Moved | null;
}

export function createMoving(deps: {
  readonly store: WorkstationStorePort;
  readonly ledger: Pick<LedgerPort, 'recognized'>;
  readonly network: NetworkService;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly setup: Setup;
  readonly facts: FactBus;
  readonly clock: () => number;
}): Moving {
  const { store, network, connections, sessions, setup } = deps;
  const asked = () => store.setting<NetworkSettings>('moveTo');
  const former = () => store.setting<Former>('movedFrom');

  return {
    async ask(invitation) {
      const next = network.readInvitation(invitation);
      const { embedded, config } = network.require();
      if (embedded === null)
        throw notAllowed('This workstation belongs to a shared network already, or to one that another workstation runs.');
      if (next.chainId === config.chainId && next.operations === config.operations)
        throw notAllowed('This is an invitation to the network that the clinic is in.');
      if (!/^https?:/.test(next.endpoint))
        throw notAllowed(
          'This is an invitation to the ledger of another clinic’s computer. A clinic moves to a ledger that clinics run together.',
        );
      const request = await setup.moveRequest();
      store.setSetting('moveTo', next);
      return request;
    },
    async go() {
      const next = asked();
      const clinic = setup.clinic();
      if (!next || !clinic) throw notAllowed('No other network was asked yet. Enter its invitation first.');
      const { config, id } = network.require();
      const recognized = await deps.ledger.recognized(next.endpoint, next, id);
      if (recognized?.organization !== clinic.id)
        throw notAllowed('Those who govern the other network have not admitted this clinic yet. Give them the code.');
      if (recognized.acceptedUntil * 1000 < deps.clock())
        throw notAllowed('The time that the other network gave for moving is over. Ask those who govern it to admit the clinic again.');
      sessions.lock();
      await connections.moveAfter(() => {
        store.atomically(() => {
          store.moveFrom(id, leftBehind);
          network.save(next);
          store.setSetting('movedFrom', { ...config, domain: id } satisfies Former);
          store.setSetting('moveTo', undefined);
        });
        deps.facts.tell('operations', { kinds: allKinds });
      });
    },
    progress() {
      const { domain } = former() ?? {};
      if (domain === undefined) return null;
      const all = store.operations({ order: 'seq' }).filter(({ predecessor }) => predecessor === domain);
      const refused = all.filter(({ state }) => state === 'rejected');
      const anchored = all.filter(({ block }) => block !== null).length;
      return {
        ...{ total: all.length, anchored, waiting: all.length - anchored - refused.length },
        refused: refused.map(({ operation, kind, rejectReason }) => ({ opId: operation.opId, kind, reason: explainRefusal(rejectReason) })),
      };
    },
  };
}

const notAllowed = (text: string) => new AppError('NOT_ALLOWED', `${text} Nothing was changed.`);
