/** The one picture of the workstation that screens start from and are told again whenever something of it changed. */
import { formatName } from '../../../src-shared/format/index.ts';
import type { Principal, SettingsView, Snapshot, SyncView } from '../../../src-shared/view-types.ts';
import type { IpfsPort, StorePort } from '../ports.ts';
import type { Attention } from './attention.ts';
import type { Availability } from './availability/availability.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { Connections } from './connections.ts';
import type { Directory } from './directory.ts';
import type { Indexer } from './indexer.ts';
import type { KeyRotation } from './key-rotation.ts';
import type { Moving } from './moving.ts';
import type { NetworkService } from './network.ts';
import type { People } from './people.ts';
import type { Sessions } from './sessions.ts';
import type { Setup } from './setup.ts';

export const defaultSettings: SettingsView = { theme: 'system', idleLockMinutes: 10 };

/** What the demo clinic shows so that it can be tried: never set anywhere else. */
export type DemoView = NonNullable<Snapshot['demo']>;

export interface SnapshotSource {
  read(): Snapshot;
  settings(): SettingsView;
  saveSettings(change: Partial<SettingsView>): void;
}

export function createSnapshots(deps: {
  readonly version: string;
  readonly store: StorePort;
  readonly ipfs: IpfsPort;
  readonly network: NetworkService;
  readonly connections: Connections;
  readonly clockWatch: Pick<ClockWatch, 'view'>;
  readonly directory: Directory;
  readonly people: People;
  readonly sessions: Sessions;
  readonly setup: Setup;
  readonly indexer: Indexer;
  readonly keyRotation: KeyRotation;
  /** For whom somebody with a card may decide. */
  readonly principals: (account: string) => Principal[];
  readonly attention: Pick<Attention, 'count'>;
  readonly availability: Pick<Availability, 'warning'>;
  readonly moving: Pick<Moving, 'leftBehind'>;
}): SnapshotSource {
  const startedAt = Date.now();
  const { store, network, connections, directory, people, sessions, setup, indexer, keyRotation } = deps;
  const settings = (): SettingsView => ({ ...defaultSettings, ...store.workstation.setting<Partial<SettingsView>>('settings') });

  const waitingHere = () =>
    store.workstation.countOperations({ states: ['pending'] }) + store.workstation.countOperations({ states: ['submitted'] });

  const sync = (): SyncView => {
    const status = connections.status();
    const peers = deps.ipfs.peers().length;
    const online = status?.state === 'online';
    return {
      state: !network.current() || (!status && !connections.error()) ? 'starting' : online ? 'online' : peers > 0 ? 'lan' : 'offline',
      lastSync: status?.lastSync ?? null,
      head: status?.head ?? null,
      followed: status?.followed ?? null,
      waiting: status?.pending ?? waitingHere(),
      // What a move leaves behind asks nothing of anybody.
      rejected: Math.max(0, (status?.rejected ?? 0) - deps.moving.leftBehind()),
      forged: status?.forged ?? 0,
      peers,
      ledger: network.current()?.embedded ? 'single-site' : 'consortium',
      error: connections.error() ?? status?.error ?? status?.sendError ?? null,
      catchUp: status?.catchUp ?? null,
      checking: { left: status?.unchecked ?? 0, secondsLeft: status?.uncheckedSecondsLeft ?? null },
      paused: status?.paused ?? false,
      clock: deps.clockWatch.view(),
      confirmations: status?.confirmations ?? null,
      copies: deps.availability.warning(),
      ...indexer.status(),
    };
  };

  const session = (): Snapshot['session'] => {
    const current = sessions.current();
    const clinic = setup.clinic();
    if (!current || !clinic) return null;
    const member = directory.member(clinic.id, current.account);
    return {
      account: current.account,
      name: current.name,
      roles: directory.roles(clinic.id, current.account),
      status: !member || member.roles === 0 ? 'waiting' : member.suspended ? 'suspended' : 'active',
      keyReplaced: keyRotation.isReplaced(current),
      governor: network.current()?.embedded?.governors.includes(current.account) ?? false,
    };
  };

  const deskName = (account: string): string => {
    const row = sessions.current()?.index.patient(account);
    return row ? formatName(row) : 'Patient of another clinic';
  };

  const patientAtDesk = (): Snapshot['patientAtDesk'] => {
    const desk = sessions.desk();
    if (!desk) return null;
    const { account } = desk.keys;
    const principals = deps.principals(account);
    const self = { patient: account, name: deskName(account), capacity: null };
    const acting = principals.find(({ patient }) => patient === desk.patient);
    return {
      ...{ patient: desk.patient, name: deskName(desk.patient) },
      actor: desk.patient === account ? null : { account, name: deskName(account), capacity: acting?.capacity ?? 'delegate' },
      forWhom: principals.length === 0 ? [] : [self, ...principals],
      decided: !desk.undecided,
    };
  };

  return {
    settings,
    saveSettings(change) {
      store.workstation.setSetting('settings', { ...settings(), ...change });
    },
    read: () => ({
      phase: setup.phase(),
      version: deps.version,
      startedAt,
      clinic: setup.clinic(),
      people: setup.clinic() ? people.local() : [],
      session: session(),
      patientAtDesk: patientAtDesk(),
      sync: sync(),
      attention: deps.attention.count(),
      settings: settings(),
      requestCode: setup.requestCode(),
      demo: store.workstation.setting<DemoView>('demo') ?? null,
    }),
  };
}
