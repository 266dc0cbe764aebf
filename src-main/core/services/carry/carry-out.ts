/**
 * What this workstation holds and the ledger does not have yet, with its blocks, as one file: for another workstation, where no network reaches. It is no
 * acknowledgement: whether it arrived is known here when the ledger has it.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type {
  CarPort,
  EncodedFileBlock,
  IpfsPort,
  OperationCodecPort,
  RecordCryptoPort,
  StoredOperation,
  WorkstationStorePort,
} from '../../ports.ts';
import { bytesOf } from '../bytes.ts';
import type { NetworkService } from '../network.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import { fitting, isOfHere } from '../peers/exchange.ts';
import { batchLimit, toWire } from '../peers/operation-messages.ts';
import { formName } from './carry-form.ts';

export interface CarryPlan {
  readonly madeAt: number;
  readonly operations: number;
  readonly blocks: number;
  readonly missing: number;
  /** Operations that wait for the ledger itself: signed in the network from which the clinic moved. They are not in the file. */
  readonly staying: number;
  /** The file. What was planned must still be here: throws BLOCK_UNAVAILABLE or TAMPERED, and then it is not whole. */
  bytes(): AsyncIterable<Uint8Array>;
}

export interface CarryOut {
  /** Looks at what there is. From here on it cannot be withdrawn any more. Throws NOT_FOUND where nothing waits. */
  plan(): Promise<CarryPlan>;
}

interface Batch {
  readonly node: EncodedFileBlock;
  readonly cids: readonly string[];
}

export function createCarryOut(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly car: CarPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly network: NetworkService;
  readonly clock: () => number;
}): CarryOut {
  const { store, ipfs, car, crypto, codec, network, clock } = deps;

  const fileOf = async (cid: string): Promise<readonly string[]> => {
    try {
      return await ipfs.fileBlocks(cid, { offline: true });
    } catch (error) {
      // Without its inner nodes nobody knows of how many it consists.
      if (error instanceof AppError && (error.code === 'BLOCK_UNAVAILABLE' || error.code === 'TAMPERED')) return [cid];
      throw error;
    }
  };

  /** Parents before children. */
  const namedBy = async ({ operation }: StoredOperation): Promise<string[]> => {
    const decoded = codec.decodePayload(operation);
    const cids: string[] = [];
    for (const digest of digestsIn(decoded)) {
      const cid = crypto.cidOfDigest(digest);
      cids.push(cid);
      if (decoded.kind !== 'Commit' || !ipfs.has(cid)) continue;
      const { pack, entries } = crypto.decodeCommit(await ipfs.get(cid, { offline: true }));
      const files = [...(pack === null ? [] : [pack]), ...entries.flatMap(({ location }) => location.file?.cid ?? [])];
      for (const file of files) cids.push(...(await fileOf(file)));
    }
    return cids;
  };

  const planBatch = async (operations: readonly StoredOperation[]): Promise<Batch & { missing: number }> => {
    const named = new Set<string>();
    for (const stored of operations) for (const cid of await namedBy(stored)) named.add(cid);
    const cids = [...named].filter((cid) => ipfs.has(cid));
    const node = car.node({ operations: operations.map(({ operation }) => toWire(operation)), blocks: cids.length }, []);
    return { node, cids, missing: named.size - cids.length };
  };

  return {
    async plan() {
      const batches: Batch[] = [];
      const total = { operations: 0, blocks: 0, missing: 0, staying: 0 };
      for (let after = 0; ;) {
        const waiting = store.operations({ states: ['pending', 'submitted'], order: 'seq', afterSeq: after, limit: batchLimit });
        if (waiting.length === 0) break;
        const fit = fitting(waiting);
        after = fit.at(-1)?.seq ?? after;
        const some = fit.filter(isOfHere);
        total.staying += fit.length - some.length;
        if (some.length === 0) continue;
        store.noteHandedOut(some.map(({ operation }) => operation.opId));
        const { missing, ...batch } = await planBatch(some);
        batches.push(batch);
        total.operations += some.length;
        total.blocks += batch.cids.length;
        total.missing += missing;
      }
      if (batches.length === 0) throw nothingToCarry(total.staying);
      const madeAt = clock();
      const fields = { type: formName, network: bytesOf(network.require().id), madeAt, operations: total.operations };
      const root = car.node(
        fields,
        batches.map(({ node }) => node.cid),
      );
      const blocks = async function* () {
        yield root;
        for (const { node, cids } of batches) {
          yield node;
          for (const cid of cids) yield { cid, bytes: await ipfs.get(cid, { offline: true }) };
        }
      };
      return { madeAt, ...total, bytes: () => car.write(root.cid, blocks()) };
    },
  };
}

function nothingToCarry(staying: number): AppError {
  const text =
    staying > 0
      ? 'There is nothing to carry: what waits here was signed in the network from which the clinic moved, and only the ledger of this one can judge it. It is sent there from here; nothing is lost.'
      : 'There is nothing to carry: everything that is known here is on the network already.';
  return new AppError('NOT_FOUND', text);
}
