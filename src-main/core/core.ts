/**
 * The composition root: adapters, services and the door to them. The only file of the core that sees everything; imports nothing of Electron, and is
 * ready to answer before ledger and peers are.
 */
import { join } from 'node:path';
import type { CallMessage, EventMessage, ReplyMessage } from '../../src-shared/ipc-schema.ts';
import { createKeyAdapter } from './adapters/crypto/keys.ts';
import { createRecordCrypto } from './adapters/crypto/record-crypto.ts';
import { createShares } from './adapters/crypto/shares.ts';
import { readRecoveryCode, writeRecoveryCode } from './adapters/crypto/recovery-code.ts';
import { openMachineKey } from './adapters/files/machine-key.ts';
import { createResources } from './adapters/files/resources.ts';
import { createCar } from './adapters/ipfs/car.ts';
import { createIpfs } from './adapters/ipfs/ipfs.ts';
import { createEmbeddedLedger } from './adapters/ledger/embedded-ledger.ts';
import { createLedger } from './adapters/ledger/ledger.ts';
import { createOperationCodec } from './adapters/ledger/operation-codec.ts';
import { createPinningClient } from './adapters/pinning/pinning-client.ts';
import { createBlockstore } from './adapters/sqlite/blockstore.ts';
import { createStore } from './adapters/sqlite/store.ts';
import { noKeychain } from './keychain-access.ts';
import type { KeychainPort } from './ports.ts';
import { createRpc } from './rpc.ts';
import { ledgerProtocol } from './services/peers/neighbourhood.ts';
import { firstInvitation } from './services/network.ts';
import { createKeychainService } from './services/keychain.ts';
import { createTerminology, type Terminology } from './services/terminology.ts';
import { createWorkstation, type Workstation } from './services/workstation.ts';

// For the command line: a consortium sets its ledger up before any workstation belongs to it.
export { deployContracts } from './adapters/ledger/deploy.ts';
export { qbftGenesis } from './adapters/ledger/qbft-genesis.ts';
/** What a governor's signature takes, without a workstation. */
export const admitPorts = () => ({
  codec: createOperationCodec(),
  crypto: createRecordCrypto(),
  keys: createKeyAdapter(),
  ledger: createLedger(),
  clock: Date.now,
});
export const inviteFirst = (ledger: Parameters<typeof firstInvitation>[1]) => firstInvitation(createRecordCrypto(), ledger);
// For the hub, which alone offers it.
export { startPinningServer } from './adapters/pinning/pinning-server.ts';

export interface CoreOptions {
  readonly dataDir: string;
  readonly resourcesDir: string;
  readonly mdns: boolean;
  /** Multiaddrs to listen on; by default every interface and the port of the first start. */
  readonly listen?: readonly string[];
  readonly version: string;
  /** A hub says that it is one. */
  readonly kind?: 'workstation' | 'hub';
  /** Cost of sealing under a passphrase; by default what docs/security.md promises. */
  readonly passphraseCost?: Parameters<typeof createKeyAdapter>[0];
}

/** How the machine's key is opened where the operating system's keychain seals it. */
export interface KeyAccess {
  /** By default there is none to reach. */
  readonly keychain?: KeychainPort;
  readonly recoveryCode?: string | undefined;
}

export interface Core {
  call(message: CallMessage): Promise<ReplyMessage>;
  onEvent(listener: (event: EventMessage) => void): void;
  stop(): Promise<void>;
  /** The recovery code opened it, and the keychain of here sealed it anew. */
  readonly sealedAnew: boolean;
  /** For the command line, which works with the services directly. */
  readonly workstation: Workstation;
  /** For the command line: the machine's key goes into a plain file, as it is without a keychain. Answers whether it was sealed. */
  readonly keepKeyPlain: () => boolean;
}

/** Snapshots are told at most this often (milliseconds). */
const snapshotIntervalMs = 100;

/**
 * Throws STORE_NEWER, STORE_DAMAGED, STORE_IN_USE or DISK_FULL, DISK_FAILED where the data folder cannot be opened; KEY_SEALED where the machine's key is sealed and
 * nothing opens it; CODE_INVALID for a recovery code that is not this folder's.
 */
export async function createCore(options: CoreOptions, access: KeyAccess = {}): Promise<Core> {
  const crypto = createRecordCrypto();
  const keychain = access.keychain ?? noKeychain('command-line');
  const recovered = access.recoveryCode === undefined ? undefined : readRecoveryCode(access.recoveryCode);
  const { dataDir } = options;
  const machineKey = await openMachineKey({ dataDir, keychain, randomBytes: crypto.randomBytes, sha256: crypto.sha256, recovered });
  const store = createStore({
    dir: dataDir,
    machineKey: machineKey.take,
  });
  recovered?.fill(0);
  const blocks = createBlockstore({ dir: dataDir });
  const ipfs = createIpfs({ blocks });
  const resources = createResources(options.resourcesDir);
  const workstation = createWorkstation(
    {
      store,
      keys: createKeyAdapter(options.passphraseCost),
      shares: createShares(),
      crypto,
      codec: createOperationCodec(),
      ledger: createLedger((peer, request, limits) => ipfs.ask(peer, ledgerProtocol, request, limits)),
      embedded: createEmbeddedLedger(),
      ipfs,
      care: blocks.care,
      service: createPinningClient(),
      car: createCar(),
      clock: Date.now,
      demoFiles: () => resources.demo(),
      report,
    },
    {
      version: options.version,
      ledgerDir: join(options.dataDir, 'ledger'),
      mdns: options.mdns,
      kind: options.kind ?? 'workstation',
      listen: options.listen ?? ['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0/ws'],
    },
  );
  let terms: Terminology | null = null;
  const keychainService = createKeychainService({
    ...{ keychain, machineKey, accounts: workstation.accounts },
    recoveryCodes: { write: writeRecoveryCode, read: readRecoveryCode },
  });
  const rpc = createRpc(
    workstation,
    { keychain: keychainService, terminology: () => (terms ??= createTerminology(resources.terminology())) },
    report,
  );
  const listeners: ((event: EventMessage) => void)[] = [];
  const silence = tellScreens(workstation, (event) => {
    for (const listener of listeners) listener(event);
  });
  const sealedAnew = await machineKey.settle();
  workstation.start();
  return {
    sealedAnew,
    workstation,
    keepKeyPlain() {
      const changed = machineKey.sealed() || machineKey.openedByCode();
      if (changed) machineKey.keepPlain();
      return changed;
    },
    call: (message) => rpc.handle(message),
    onEvent: (listener) => listeners.push(listener),
    async stop() {
      silence();
      await workstation.stop();
      blocks.close();
    },
  };
}

function tellScreens({ facts, snapshots }: Workstation, tell: (event: EventMessage) => void): () => void {
  facts.on('patientsChanged', (payload) => tell({ event: 'patientsChanged', payload }));
  facts.on('patientChanged', (payload) => tell({ event: 'patientChanged', payload }));
  facts.on('outboxChanged', (payload) => tell({ event: 'outboxChanged', payload }));
  facts.on('progress', (payload) => tell({ event: 'progress', payload }));
  let timer: NodeJS.Timeout | null = null;
  let silent = false;
  facts.on('status', () => {
    if (silent) return;
    timer ??= setTimeout(() => {
      timer = null;
      tell({ event: 'snapshot', payload: snapshots.read() });
    }, snapshotIntervalMs);
    timer.unref();
  });
  return () => {
    silent = true;
    if (timer) clearTimeout(timer);
  };
}

/** Faults go to the process's error stream with their kind and place, never with a message that could hold what was typed. */
function report(error: unknown): void {
  const place =
    error instanceof Error
      ? (error.stack ?? '')
          .split('\n')
          .filter((line) => line.trim().startsWith('at '))
          .join('\n')
      : '';
  process.stderr.write(`${new Date().toISOString()} fault: ${error instanceof Error ? error.name : typeof error}\n${place}\n`);
}
