/**
 * Where the contents of earlier commits lie now: the commits by which patients had them encrypted anew (ADR 11). Read from the patients' own commits,
 * whose headers name the originals. Who wrote what is not changed by them.
 */
import type { DecodedCommit, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitBlocks, ReadOptions } from './commit-blocks.ts';
import { isOfContent } from './content-errors.ts';
import type { FactBus } from './facts.ts';
import { commitDigest } from './records.ts';

export interface Reencryption {
  readonly operation: StoredOperation;
  /** Of its commit. */
  readonly digest: string;
  readonly commit: DecodedCommit;
}

/** Entries [first, first + count) of an original lie in a re-encryption from its entry `at` on. */
export interface MovedRange {
  readonly by: Reencryption;
  readonly first: number;
  readonly count: number;
  readonly at: number;
}

export interface Reencryptions {
  /** Of one compartment, the newest in the ledger's order first; none that the ledger refused. */
  of(patient: string, compartment: string, options?: ReadOptions): Promise<readonly Reencryption[]>;
  /** Where the entries of a commit (its digest) lie, the newest first. */
  movesOf(patient: string, compartment: string, commit: string, options?: ReadOptions): Promise<readonly MovedRange[]>;
  /** When the contents of a commit were last encrypted anew, milliseconds, as far as it was looked at; null where they were not. */
  movedAt(patient: string, commit: string): number | null;
  /** Another one whenever `movedAt` may answer something else. */
  stamp(patient: string): string;
}

/** Compartments of which what was read is kept. */
const keptLists = 32;
/** Decoded commits that are kept, some hundred kilobytes each. */
const keptCommits = 64;
/** After a block could not be had, it is asked for again no sooner than this. */
const pauseMs = 5_000;

interface Known {
  readonly list: readonly Reencryption[];
  readonly moves: ReadonlyMap<string, readonly MovedRange[]>;
}

export function createReencryptions(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest'>;
  readonly blocks: CommitBlocks;
  readonly facts: FactBus;
  readonly clock: () => number;
}): Reencryptions {
  const { store, crypto, blocks, facts, clock } = deps;
  const lists = new Map<string, Known>();
  const times = new Map<string, Map<string, ReadonlyMap<string, number>>>();
  const failedAt = new Map<string, number>();
  const commits = new Map<string, DecodedCommit>();

  facts.on('operations', ({ kinds }) => {
    if (kinds.has('Commit')) lists.clear();
  });

  /** 'none' where it holds no contents of others, or is not what was signed. */
  const read = async (operation: StoredOperation, options: ReadOptions): Promise<Reencryption | 'none' | 'away'> => {
    const digest = commitDigest(operation.operation.payload);
    const offline = options.offline === true || clock() - (failedAt.get(digest) ?? -pauseMs) < pauseMs;
    try {
      const commit = commits.get(digest) ?? (await blocks.read(operation, { ...options, offline }));
      if (commits.size >= keptCommits) commits.clear();
      commits.set(digest, commit);
      return commit.header.originals.length === 0 ? 'none' : { operation, digest, commit };
    } catch (error) {
      if (!isOfContent(error)) throw error;
      // What is wrong with the block is told where commits are indexed and checked, as of any other.
      if (error.code !== 'BLOCK_UNAVAILABLE') return 'none';
      if (!offline) failedAt.set(digest, clock());
      return 'away';
    }
  };

  const load = async (patient: string, compartment: string, options: ReadOptions): Promise<Known> => {
    const key = `${patient}/${compartment}`;
    const known = lists.get(key);
    if (known) return known;
    const operations = store
      .operations({ kinds: ['Commit'], patient, actor: patient, compartment })
      .filter(({ state, operation }) => state !== 'rejected' && operation.actor === patient);
    const found = await Promise.all(operations.reverse().map((operation) => read(operation, options)));
    const list = found.filter((one) => typeof one !== 'string');
    const moves = new Map<string, MovedRange[]>();
    const movedAt = new Map<string, number>();
    for (const by of list) {
      let at = 0;
      for (const { commit, first, count } of by.commit.header.originals) {
        const ranges = moves.get(commit);
        if (ranges) ranges.push({ by, first, count, at });
        else moves.set(commit, [{ by, first, count, at }]);
        at += count;
        movedAt.set(commit, Math.max(movedAt.get(commit) ?? 0, by.operation.operation.issuedAt * 1000));
      }
    }
    const ofPatient = times.get(patient) ?? new Map<string, ReadonlyMap<string, number>>();
    times.set(patient, ofPatient.set(compartment, movedAt));
    const loaded = { list, moves };
    // What is away may be here the next time.
    if (found.includes('away')) return loaded;
    if (lists.size >= keptLists) lists.clear();
    lists.set(key, loaded);
    return loaded;
  };

  return {
    of: async (patient, compartment, options = {}) => (await load(patient, compartment, options)).list,
    movesOf: async (patient, compartment, commit, options = {}) =>
      (await load(patient, compartment, options)).moves.get(crypto.cidOfDigest(commit)) ?? [],
    movedAt(patient, commit) {
      const cid = crypto.cidOfDigest(commit);
      const known = [...(times.get(patient)?.values() ?? [])].flatMap((moved) => moved.get(cid) ?? []);
      return known.length === 0 ? null : Math.max(...known);
    },
    stamp: (patient) => JSON.stringify([...(times.get(patient) ?? [])].map(([compartment, moved]) => [compartment, ...moved]).sort()),
  };
}
