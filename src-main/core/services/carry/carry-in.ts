/**
 * Takes in a file that was carried by hand. Its operations are checked as if another workstation of the clinic had brought them, by the same code; of its
 * blocks only those are kept that operations refer to which were taken. What is there already is passed over, so a file can be read twice, and one that was
 * cut off leaves what came before whole. Nothing here is an acknowledgement of the ledger: that is learnt from the ledger only.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { OperationKind } from '../../../../src-shared/operations.ts';
import type { CarryInView } from '../../../../src-shared/view-types.ts';
import type { CarPort, EncodedFileBlock, IpfsPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import { hexOf } from '../bytes.ts';
import type { FactBus } from '../facts.ts';
import type { NetworkService } from '../network.ts';
import type { Arrivals } from '../peers/arrivals.ts';
import type { BlockFetcher } from '../peers/block-fetcher.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import { answers, fromWire } from '../peers/operation-messages.ts';
import { batchFields, maxBatches, maxBlockBytes, rootFields } from './carry-form.ts';

/** Blocks that become durable together. */
const flushBytes = 4 * 1024 * 1024;
/** Of one batch's operations: far more than any save has. */
const maxWanted = 200_000;
/** Bad operations after which the rest is not looked at, as with a peer. */
const patience = 10;

export interface CarryIn {
  /**
   * `onRead`: with how many of how many operations are read. Resolves also where the file ends too early or goes wrong, with what was kept; throws
   * INVALID_INPUT before anything was changed where it is none, or of another network.
   */
  take(source: AsyncIterable<Uint8Array>, onRead: (read: number, total: number) => void): Promise<CarryInView>;
}

export function createCarryIn(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly car: CarPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly network: NetworkService;
  readonly arrivals: Arrivals;
  readonly fetcher: Pick<BlockFetcher, 'wake'>;
  readonly facts: FactBus;
}): CarryIn {
  const { store, ipfs, car, crypto, codec, network, arrivals, fetcher, facts } = deps;

  const readRoot = (block: EncodedFileBlock) => {
    const { fields, links } = car.readNode(block.bytes, maxBlockBytes);
    const parsed = rootFields.safeParse(fields);
    if (!parsed.success || links.length > maxBatches) {
      const message = 'This is not a file that a workstation wrote to be carried. Nothing was changed.';
      throw new AppError('INVALID_INPUT', message, { ending: 'damaged' });
    }
    if (hexOf(parsed.data.network) !== network.require().id) {
      throw new AppError(
        'INVALID_INPUT',
        'This file is from another network. Nothing was changed. Ask for one from a workstation of this network.',
        {
          ending: 'damaged',
        },
      );
    }
    return { ...parsed.data, links };
  };

  return {
    async take(source, onRead) {
      const file = car.read(source, maxBlockBytes);
      const rootCid = await file.root();
      const blocks = file.blocks()[Symbol.asyncIterator]();
      const nextBlock = async () => {
        const { done, value } = await blocks.next();
        if (done === true)
          throw new AppError('INVALID_INPUT', 'The file ends before it should. What was read before is kept.', { ending: 'cut-off' });
        return value;
      };
      const first = await nextBlock();
      if (first.cid !== rootCid)
        throw new AppError('INVALID_INPUT', 'This file is damaged at its beginning. Nothing was changed.', { ending: 'damaged' });
      const root = readRoot(first);
      const sum = { read: 0, added: 0, known: 0, refused: 0, blocks: 0, missing: 0 };
      let bad = 0;
      let ending: CarryInView['ending'] = 'whole';
      try {
        for (const cid of root.links) {
          const block = await nextBlock();
          if (block.cid !== cid) throw damaged();
          bad += await takeBatch(block, nextBlock, sum);
          onRead(sum.read, root.operations);
          if (bad <= patience) continue;
          ending = 'forged';
          break;
        }
      } catch (error) {
        const where = error instanceof AppError && error.code === 'INVALID_INPUT' ? error.details['ending'] : undefined;
        if (where !== 'cut-off' && where !== 'damaged') throw error;
        ending = where;
      }
      await blocks.return?.();
      return { ending, madeAt: root.madeAt, total: root.operations, ...sum };
    },
  };

  /** How many of its operations were bad. */
  async function takeBatch(block: EncodedFileBlock, nextBlock: () => Promise<EncodedFileBlock>, sum: Sum): Promise<number> {
    const { fields } = car.readNode(block.bytes, maxBlockBytes);
    const batch = batchFields.safeParse(fields);
    const wires = answers.want.safeParse({ operations: batch.data?.operations });
    if (!batch.success || !wires.success) throw damaged();
    const operations = wires.data.operations.map((wire) => fromWire(wire, (account) => codec.checksummed(account)));
    const { added, bad } = await arrivals.accept(operations);
    const wanted = new Wanted();
    const kinds = new Set<OperationKind>();
    for (const { opId } of operations) {
      sum.read += 1;
      const stored = store.operation(opId);
      if (stored === undefined) sum.refused += 1;
      else if (added.includes(opId)) sum.added += 1;
      else sum.known += 1;
      if (stored === undefined || stored.state === 'rejected') continue;
      kinds.add(stored.kind);
      // As it is kept here, whatever the file says of it.
      const decoded = codec.decodePayload(stored.operation);
      for (const digest of digestsIn(decoded)) wanted.add(crypto.cidOfDigest(digest), decoded.kind === 'Commit' ? 'commit' : 'plain');
    }
    let held: EncodedFileBlock[] = [];
    let bytes = 0;
    const flush = () => {
      if (held.length > 0) ipfs.put(held);
      sum.blocks += held.length;
      held = [];
      bytes = 0;
    };
    try {
      for (let i = 0; i < batch.data.blocks; i++) {
        const next = await nextBlock();
        const role = wanted.role(next.cid);
        if (role === undefined) continue;
        follow(next, role, wanted);
        if (ipfs.has(next.cid)) continue;
        held.push(next);
        bytes += next.bytes.length;
        if (bytes >= flushBytes) flush();
      }
    } finally {
      // Also of a batch that was cut off.
      flush();
      sum.missing += wanted.cids().filter((cid) => !ipfs.has(cid)).length;
      fetcher.wake();
      if (kinds.size > 0) facts.tell('operations', { kinds });
    }
    return bad;
  }

  /** What a block refers to is wanted as well. */
  function follow(block: EncodedFileBlock, role: Role, wanted: Wanted): void {
    try {
      if (role === 'file') for (const cid of car.linksOf(block)) wanted.add(cid, 'file');
      if (role !== 'commit') return;
      const { pack, entries } = crypto.decodeCommit(block.bytes);
      if (pack !== null) wanted.add(pack, 'file');
      for (const { location } of entries) if (location.file) wanted.add(location.file.cid, 'file');
    } catch (error) {
      // It is what the signed operation names, and no commit or file: reading it says so to whoever looks, as with what a peer brings.
      if (!(error instanceof AppError) || !['INVALID_INPUT', 'TAMPERED'].includes(error.code)) throw error;
    }
  }
}

type Sum = { read: number; added: number; known: number; refused: number; blocks: number; missing: number };
type Role = 'plain' | 'commit' | 'file';

class Wanted {
  readonly #roles = new Map<string, Role>();

  add(cid: string, role: Role): void {
    if (this.#roles.size < maxWanted) this.#roles.set(cid, role);
  }

  role(cid: string): Role | undefined {
    return this.#roles.get(cid);
  }

  cids(): string[] {
    return [...this.#roles.keys()];
  }
}

function damaged(): AppError {
  return new AppError('INVALID_INPUT', 'The file is damaged. What was read before is kept.', { ending: 'damaged' });
}
