/**
 * What of a patient's record still lies under keys of passed epochs, from what is here: so a run that was interrupted, at whatever moment and workstation,
 * goes on with the rest, and nothing is done twice.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { DecodedCommit, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitBlocks } from './commit-blocks.ts';
import type { Consents } from './consents.ts';
import { commitDigest } from './records.ts';
import type { ReencryptionCheck } from './reencryption-check.ts';
import type { Reencryptions } from './reencryptions.ts';

/** Entries [first, first + count) of one commit. */
export interface RangeToMove {
  readonly operation: StoredOperation;
  readonly cid: string;
  readonly first: number;
  readonly count: number;
  /** Bytes of each content. */
  readonly sizes: readonly number[];
}

export interface CompartmentPlan {
  readonly compartment: string;
  /** The present one, under which they will lie. */
  readonly epoch: number;
  readonly ranges: readonly RangeToMove[];
  readonly records: number;
  /** Records whose commit's block is not here, or whose operation is not on the ledger yet: they cannot be moved now. */
  readonly later: number;
  /** Records that lie under the present epoch because they were moved there. */
  readonly moved: number;
}

export interface ReencryptionPlans {
  of(patient: string, compartment: string): Promise<CompartmentPlan>;
}

/** What is kept of a commit that was looked at. Nothing of it is secret. */
interface Shape {
  readonly sizes: readonly number[];
  readonly files: readonly string[];
  readonly isOriginal: boolean;
}
const keptShapes = 10_000;

export function createReencryptionPlans(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest'>;
  readonly blocks: CommitBlocks;
  readonly reencryptions: Pick<Reencryptions, 'movesOf'>;
  readonly check: Pick<ReencryptionCheck, 'verdict'>;
  readonly consents: Pick<Consents, 'epoch'>;
}): ReencryptionPlans {
  const { store, crypto, blocks, reencryptions, check, consents } = deps;
  const shapes = new Map<string, Shape>();

  /** Null where its block is not here or is no commit: it is told elsewhere what is wrong. */
  const shapeOf = async (operation: StoredOperation): Promise<Shape | null> => {
    const digest = commitDigest(operation.operation.payload);
    const known = shapes.get(digest);
    if (known) return known;
    try {
      const shape = toShape(await blocks.read(operation, { offline: true }));
      if (shapes.size >= keptShapes) shapes.clear();
      shapes.set(digest, shape);
      return shape;
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  };

  return {
    async of(patient, compartment) {
      const epoch = consents.epoch(patient, compartment);
      const commits: { operation: StoredOperation; shape: Shape | null; passed: boolean }[] = [];
      for (const operation of store.operations({ kinds: ['Commit'], patient, compartment, order: 'seq' }))
        commits.push({ operation, shape: await shapeOf(operation), passed: epochOf(operation) < epoch });
      // A refused commit that was sealed again lies in the same pack as the one that took its place: its old key opens the contents of both.
      const exposed = new Set(commits.filter(({ passed }) => passed).flatMap(({ shape }) => shape?.files ?? []));
      const ranges: RangeToMove[] = [];
      const count = { records: 0, later: 0, moved: 0 };
      for (const { operation, shape, passed } of commits) {
        if (operation.state === 'rejected' || (shape && (!shape.isOriginal || !(passed || shape.files.some((cid) => exposed.has(cid))))))
          continue;
        if (!shape || operation.block === null) {
          if (passed) count.later += shape?.sizes.length ?? 1;
          continue;
        }
        const digest = commitDigest(operation.operation.payload);
        const here = new Set<number>();
        for (const { by, first, count: length } of await reencryptions.movesOf(patient, compartment, digest, { offline: true })) {
          if (by.commit.header.epoch !== epoch || check.verdict(by.digest) === 'wrong') continue;
          for (let i = first; i < first + length; i++) here.add(i);
        }
        count.moved += here.size;
        for (const { first, length } of gaps(here, shape.sizes.length)) {
          const sizes = shape.sizes.slice(first, first + length);
          ranges.push({ operation, cid: crypto.cidOfDigest(digest), first, count: length, sizes });
          count.records += length;
        }
      }
      return { compartment, epoch, ranges, ...count };
    },
  };
}

function toShape({ header, pack, entries }: DecodedCommit): Shape {
  const files = entries.flatMap(({ location }) => location.file?.cid ?? []);
  return {
    sizes: entries.map(({ size }) => size),
    files: pack === null ? files : [pack, ...files],
    isOriginal: header.originals.length === 0,
  };
}

/** Epoch of a Commit: the third word of its payload. */
const epochOf = ({ operation }: StoredOperation): number => Number.parseInt(operation.payload.slice(2 + 128, 2 + 192), 16);

/** Runs of numbers below `end` that are not in the set. */
function gaps(taken: ReadonlySet<number>, end: number): { first: number; length: number }[] {
  const found: { first: number; length: number }[] = [];
  let first = 0;
  for (let i = 0; i <= end; i++) {
    if (i < end && !taken.has(i)) continue;
    if (i > first) found.push({ first, length: i - first });
    first = i + 1;
  }
  return found;
}
