/** A workstation's ledger and its peers as a test wants them: away, answering too late to be heard, or gone with the process in the middle of a call. */
import type { CID } from 'multiformats/cid';
import { parseCid } from '../../../src-main/core/adapters/ipfs/cids.ts';
import { fileBlocks, layOutFile, layOutStream, readFileRange } from '../../../src-main/core/adapters/ipfs/files.ts';
import type { IpfsPort, LedgerPort, PeerPort } from '../../../src-main/core/ports.ts';
import { AppError } from '../../../src-shared/errors.ts';

export const weathers = ['fair', 'ledger away', 'answers lost', 'peers away', 'cable out'] as const;
export type Weather = (typeof weathers)[number];

/** `now`: between two calls. The others: in the next broadcast, before or after the ledger has it. */
export const moments = ['now', 'before broadcast', 'after broadcast'] as const;
export type Moment = (typeof moments)[number];

/** One process: what came to its end is never heard of again. */
export class Life {
  dies: Moment = 'now';
  weather: Weather = 'fair';
  dead = false;
  #end: (error: Error) => void = () => undefined;
  readonly #over = new Promise<never>((_, reject) => (this.#end = reject));

  constructor() {
    // It may end while nobody waits for it.
    this.#over.catch(() => undefined);
  }

  die(): void {
    this.dead = true;
    this.#end(new AppError('CORE_RESTARTED', 'The process ended in this test.'));
  }

  /** What somebody asked of this process: it is answered, or the process ends before. */
  answering<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over]);
  }

  /** Throws where the ledger cannot be reached; never returns in a process that is gone. */
  async reachLedger(): Promise<void> {
    if (this.dead) await new Promise<never>(() => undefined);
    if (this.weather === 'ledger away' || this.weather === 'cable out')
      throw new AppError('LEDGER_UNREACHABLE', 'The ledger is away in this test.');
  }

  get reachesPeers(): boolean {
    return !this.dead && this.weather !== 'peers away' && this.weather !== 'cable out';
  }
}

/** The real connection to a real ledger at `url`, in whatever weather its process has. */
export function unreliableLedger(ledger: LedgerPort, life: Life, url: () => string): LedgerPort {
  const through =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await life.reachLedger();
      const answer = await call(...args);
      await life.reachLedger();
      return answer;
    };
  return {
    // Whatever its invitation said: those who joined would reach it through the peer that runs it.
    connect: (_, config) => ledger.connect(url(), config),
    get config() {
      return ledger.config;
    },
    check: through(() => ledger.check()),
    recognized: through((elsewhere, config, domain) => ledger.recognized(elsewhere, config, domain)),
    governance: through(() => ledger.governance()),
    head: through(() => ledger.head()),
    isFinalAtOnce: through(() => ledger.isFinalAtOnce()),
    blockHash: through((number) => ledger.blockHash(number)),
    blockTime: through((number) => ledger.blockTime(number)),
    events: through((from, to) => ledger.events(from, to)),
    applied: through((opId) => ledger.applied(opId)),
    nonce: through((relayer) => ledger.nonce(relayer)),
    signBatch: through((operations, key, nonce, options) => ledger.signBatch(operations, key, nonce, options)),
    receipt: through((hash) => ledger.receipt(hash)),
    async broadcast(raw) {
      if (life.dies === 'before broadcast') life.die();
      await life.reachLedger();
      await ledger.broadcast(raw);
      if (life.dies === 'after broadcast') life.die();
      await life.reachLedger();
      if (life.weather === 'answers lost') throw new AppError('LEDGER_UNREACHABLE', 'The answer is lost in this test.');
    },
    relayerAddress: (key) => ledger.relayerAddress(key),
    relay: through((request) => ledger.relay(request)),
    close: () => ledger.close(),
  };
}

/** What lies on a workstation's disk, and outlives its processes. */
export type Blocks = Map<string, Uint8Array>;

/** Blocks in memory; one that is not here comes from any other workstation, where both reach their peers. */
export function sharedBlocks(
  own: Blocks,
  life: Life,
  others: () => readonly { blocks: Blocks; life: Life }[],
): IpfsPort & PeerPort & { found(): void } {
  const listeners: (() => void)[] = [];
  const get: IpfsPort['get'] = async (cid, options = {}) => {
    if (life.dead) await new Promise<never>(() => undefined);
    const here = own.get(cid);
    if (here) return here;
    const there =
      options.offline || !life.reachesPeers ? undefined : others().find((other) => other.life.reachesPeers && other.blocks.has(cid));
    const bytes = there?.blocks.get(cid);
    if (!bytes) throw new AppError('BLOCK_UNAVAILABLE', `No block ${cid}.`);
    own.set(cid, bytes);
    return bytes;
  };
  return {
    ...{ start: () => Promise.resolve(), stop: () => Promise.resolve(), addresses: () => [], peers: () => [] },
    dial: () => Promise.resolve(),
    // Blocks are all that is exchanged here: operations meet on the ledger.
    idOf: () => Promise.resolve('12D3KooWNobodyHeardFromHereAnywhereEverAgain11111111'),
    ask: () => Promise.reject(new AppError('PEER_UNREACHABLE', 'Nobody is there.')),
    ...{ serve: () => undefined, guardBlocks: () => undefined, cutOff: () => undefined, onPeer: () => undefined },
    onPeersChanged: (listener) => void listeners.push(listener),
    found: () => listeners.forEach((listener) => listener()),
    layOut: layOutFile,
    layOutStream,
    fileBlocks: (cid, options = {}) => fileBlocks((block: CID) => get(block.toString(), options), parseCid(cid)),
    remove: (cids) => cids.forEach((cid) => own.delete(cid)),
    put: (added) => added.forEach(({ cid, bytes }) => own.set(cid, bytes)),
    has: (cid) => own.has(cid),
    get,
    readFile: (cid, options = {}) => readFileRange((block: CID) => get(block.toString(), options), parseCid(cid), options),
  };
}
