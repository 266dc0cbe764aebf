/** A real embedded ledger, and what is put on it in batches without an outbox around them. */
import { createEmbeddedLedger } from '../../src-main/core/adapters/ledger/embedded-ledger.ts';
import { createLedger } from '../../src-main/core/adapters/ledger/ledger.ts';
import { createOperationCodec } from '../../src-main/core/adapters/ledger/operation-codec.ts';
import { createStore } from '../../src-main/core/adapters/sqlite/store.ts';
import type { NetworkConfig, WorkstationStorePort } from '../../src-main/core/ports.ts';
import { createLedgerSync, type LedgerSync } from '../../src-main/core/services/sync/ledger-sync.ts';
import type { SignedOperation } from '../../src-shared/operations.ts';
import { until } from './clinic.ts';
import type { Signer } from './other-clinic.ts';
import type { Random } from './random.ts';

const batchSize = 100;
/** Batches handed over before the first of them is waited for, as many as an outbox has under way. */
const ahead = 4;
const codec = createOperationCodec();

export interface LedgerSite {
  readonly url: string;
  readonly config: NetworkConfig;
  close(): Promise<void>;
}

export async function ledgerSite(dir: string, governor: Signer): Promise<LedgerSite> {
  const embedded = createEmbeddedLedger();
  const { url } = await embedded.start({ dir, chainId: 770_077, port: 0 });
  const config = await embedded.deploy(url, 770_077, [governor.account], 1);
  return { url, config, close: () => embedded.stop() };
}

/** Signs batches of 100, sends them and waits until the last is mined. Throws where one was reverted. */
export async function sendRaw(
  at: { url: string; config: NetworkConfig },
  random: Random,
  operations: readonly SignedOperation[],
): Promise<void> {
  const ledger = createLedger();
  ledger.connect(at.url, at.config);
  try {
    const key = random.bytes(32);
    const open: string[] = [];
    let nonce = 0;
    const settle = async (): Promise<void> => {
      const hash = open.shift();
      if (hash === undefined) return;
      let receipt = await ledger.receipt(hash);
      for (; receipt === null; receipt = await ledger.receipt(hash)) await new Promise((resolve) => setTimeout(resolve, 5));
      if (!receipt.success) throw new Error('A batch was reverted');
    };
    for (let start = 0; start < operations.length; start += batchSize) {
      const { raw, hash } = await ledger.signBatch(operations.slice(start, start + batchSize), key, nonce++);
      await ledger.broadcast(raw);
      open.push(hash);
      if (open.length >= ahead) await settle();
    }
    while (open.length > 0) await settle();
  } finally {
    ledger.close();
  }
}

export interface SyncingStore {
  readonly store: WorkstationStorePort;
  readonly sync: LedgerSync;
  enqueue(operations: readonly SignedOperation[]): void;
  close(): Promise<void>;
}

/** A workstation's store with outbox and follower, not yet started. */
export function syncingStore(dir: string, at: { url: string; config: NetworkConfig }, random: Random): SyncingStore {
  const opened = createStore({ dir, machineKey: new Uint8Array(32).fill(7) });
  const store = opened.workstation;
  const ledger = createLedger();
  ledger.connect(at.url, at.config);
  const options = { store, ledger, codec, confirmations: 0, clock: Date.now, onChange: () => undefined };
  const sync = createLedgerSync({ ...options, relayerKey: random.bytes(32) });
  return {
    store,
    sync,
    enqueue(operations) {
      for (let start = 0; start < operations.length; start += 500)
        store.enqueue(
          operations.slice(start, start + 500).map((operation) => ({ operation, decoded: codec.decodePayload(operation), label: 'bench' })),
        );
    },
    async close() {
      ledger.close();
      await sync.stop();
      opened.close();
    },
  };
}

/** Resolves when nothing of it waits and all is final. */
export async function drained({ store, sync }: SyncingStore, limitMs: number): Promise<void> {
  await until(() => {
    const { pending } = sync.status();
    return pending === 0 && store.countOperations({ states: ['mined'] }) === 0;
  }, limitMs);
}
