/**
 * Moving the clinic from the ledger that came with the workstation to a network that clinics share. Its governors admit the clinic and recognize its former
 * network; from then on everything that is held here is sent there as it was signed. Until they have, nothing changes; after, the outbox does the rest, and may
 * be interrupted at any time.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { OperationKind } from '../../../src-shared/operations.ts';
import type { MovingView } from '../../../src-shared/view-types.ts';
import type { LedgerPort, NetworkConfig, OperationState, WorkstationStorePort } from '../ports.ts';
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

/** The network that the clinic left; its ledger's state stays in the data folder. */
interface Former extends NetworkConfig {
  readonly domain: string;
}

/** Another network was asked. */
interface Asked {
  readonly next: NetworkSettings;
  readonly requestCode: string;
}

export interface Moving {
  /**
   * A code for the governors of the network that the invitation is to. Nothing changes yet; asking again gives a new code of the same meaning.
   *
   * @throws AppError NOT_ALLOWED where this workstation does not run a ledger of its own, or for anybody but the clinic's founder; CODE_INVALID.
   */
  ask(invitation: string): Promise<string>;
  /** Gives up asking. */
  forget(): void;
  /**
   * Leaves the former network for the one that was asked, if its governors have answered.
   *
   * @throws AppError NOT_ALLOWED where they have not, or where nobody asked; LEDGER_UNREACHABLE, LEDGER_WRONG_CHAIN. Then nothing was changed.
   */
  go(): Promise<void>;
  /**
   * Follows with a further computer of the clinic, by the same invitation, when the computer that runs the ledger has moved.
   *
   * @throws AppError as `ask` and `go`. Then nothing was changed.
   */
  follow(invitation: string): Promise<void>;
  /** How many operations stayed in the former network because governors decide for their own only. */
  leftBehind(): number;
  /** How far it has come. Refused operations at most 200. */
  view(): MovingView;
}

const mostRefused = 200;

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
  const asked = () => store.setting<Asked>('moveTo');
  const former = () => store.setting<Former>('movedFrom');

  const readInvitation = (invitation: string): NetworkSettings => {
    const next = network.readInvitation(invitation);
    const { config } = network.require();
    if (next.chainId === config.chainId && next.operations === config.operations)
      throw notAllowed('This is an invitation to the network that the clinic is in.');
    if (!/^https?:/.test(next.endpoint))
      throw notAllowed(
        'This is an invitation to the ledger of another clinic’s computer. A clinic moves to a ledger that clinics run together.',
      );
    return next;
  };

  const leaveFor = async (next: NetworkSettings, notYet: string): Promise<void> => {
    const { config, id } = network.require();
    const recognized = await deps.ledger.recognized(next.endpoint, next, id);
    if (recognized === null || recognized.organization !== setup.clinic()?.id) throw notAllowed(notYet);
    if (recognized.acceptedUntil * 1000 < deps.clock())
      throw notAllowed('The time that the other network gave for moving is over. Ask those who govern it to admit the clinic again.');
    if (store.countUnchecked() > 0)
      throw notAllowed(
        'This workstation still checks who signed what it read from the network. Nothing was changed. Try again when “Sync” shows nothing more to check.',
      );
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
  };

  return {
    async ask(invitation) {
      const next = readInvitation(invitation);
      if (network.require().embedded === null)
        throw notAllowed('This workstation belongs to a shared network already, or to one that another workstation runs.');
      const requestCode = await setup.moveRequest();
      store.setSetting('moveTo', { next, requestCode } satisfies Asked);
      return requestCode;
    },
    forget: () => store.setSetting('moveTo', undefined),
    async go() {
      const { next } = asked() ?? {};
      if (!next || !setup.clinic()) throw notAllowed('No other network was asked yet. Enter its invitation first.');
      await leaveFor(next, 'Those who govern the other network have not admitted this clinic yet. Give them the code.');
    },
    async follow(invitation) {
      const next = readInvitation(invitation);
      if (!isFurtherComputer(network.require()))
        throw notAllowed('Only a computer that uses the ledger of another computer of the clinic follows it.');
      await leaveFor(next, 'The clinic has not been admitted to that network yet. First move with the computer that runs the ledger.');
    },
    leftBehind() {
      const { domain } = former() ?? {};
      return domain === undefined ? 0 : store.countOperations({ predecessor: domain, states: ['rejected'], kinds: leftBehind });
    },
    view() {
      const { domain } = former() ?? {};
      const current = network.current();
      const waiting = asked();
      if (domain === undefined) {
        if (waiting) return { state: 'asked', endpoint: waiting.next.endpoint, requestCode: waiting.requestCode };
        return { state: current?.embedded ? 'own' : current && isFurtherComputer(current) ? 'further' : 'none' };
      }
      const count = (states?: readonly OperationState[]) => store.countOperations({ predecessor: domain, ...(states ? { states } : {}) });
      const refused = store.operations({ predecessor: domain, states: ['rejected'], order: 'seq', limit: mostRefused });
      return {
        state: 'moved',
        ...{
          total: count(),
          anchored: count(['mined', 'final']),
          waiting: count(['pending', 'submitted']),
          refusedCount: count(['rejected']),
        },
        refused: refused.map(({ operation, kind, label, rejectReason }) => ({
          ...{ opId: operation.opId, kind, label, reason: explainRefusal(rejectReason) },
        })),
      };
    },
  };
}

/** Whose ledger runs at another computer of the same clinic, or of the clinic whose network it is. */
const isFurtherComputer = ({ endpoint, embedded }: NetworkSettings) => embedded === null && endpoint.startsWith('peer:');

const notAllowed = (text: string) => new AppError('NOT_ALLOWED', `${text} Nothing was changed.`);
