/** Where one record's blocks are, for whoever looks at it: as the clinic's computers said, and as other clinics' answer now. */
import { AppError } from '../../../../src-shared/errors.ts';
import type { CopyView, RecordCopies } from '../../../../src-shared/view-types.ts';
import type {
  BlockCarePort,
  Holder,
  HoldingsPort,
  IpfsPort,
  OperationCodecPort,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../../ports.ts';
import type { Computers } from '../peers/computers.ts';
import type { Reencryptions } from '../reencryptions.ts';
import type { Session } from '../sessions.ts';
import { speakerOf, type Copies } from './copies.ts';
import type { BlockLists } from './operation-blocks.ts';

export interface RecordCopyReader {
  /** Throws NOT_FOUND where the person logged in has no such version. */
  of(session: Session, versionId: string): Promise<RecordCopies>;
  /** Of operations that only together are the record; asks nobody. */
  known(opIds: readonly string[]): RecordCopies;
}

/** Other clinics' computers that are asked about a record. */
const maxAsked = 16;

/** As screens name a holder, by the names of the clinic's computers and that of this one's pinning service. */
export function nameOf(names: ReadonlyMap<string, string>, { holder, kind }: Pick<Holder, 'holder' | 'kind'>, service: string): string {
  const computer = names.get(speakerOf(holder)) ?? 'Computer';
  if (kind !== 'pinning') return computer;
  return speakerOf(holder) === holder ? service : `Pinning service of ${computer}`;
}

export function createRecordCopies(deps: {
  readonly store: WorkstationStorePort;
  readonly held: HoldingsPort;
  readonly care: BlockCarePort;
  readonly ipfs: Pick<IpfsPort, 'has' | 'peers'>;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest'>;
  readonly codec: OperationCodecPort;
  readonly lists: Pick<BlockLists, 'of'>;
  readonly computers: Computers;
  readonly copies: Pick<Copies, 'ask'>;
  readonly reencryptions: () => Pick<Reencryptions, 'movesOf'>;
  /** Of the pinning service. */
  readonly serviceName: () => string;
  /** By its peer id. */
  readonly clinicOf: (peer: string) => string;
  readonly clock: () => number;
}): RecordCopyReader {
  const { store, held, care, ipfs, crypto, codec, computers, clock } = deps;

  /** The commit that anchors it, and those that hold its content since it was encrypted anew. */
  const operationsOf = async (opId: string, position: number): Promise<string[]> => {
    const stored = store.operation(opId);
    const decoded = stored && codec.decodePayload(stored.operation);
    if (decoded?.kind !== 'Commit') return [opId];
    const { patient, compartment, commit } = decoded.payload;
    const moves = await deps.reencryptions().movesOf(patient, compartment, commit, { offline: true });
    const newest = moves.find(({ first, count }) => position >= first && position < first + count);
    return newest ? [opId, newest.by.operation.operation.opId] : [opId];
  };

  const known = (opIds: readonly string[]): RecordCopies => {
    const names = new Map(computers.list().map(({ peer, name }) => [peer, name]));
    const [first = [], ...others] = opIds.map((opId) => held.holdersOf(opId));
    const all = first.filter(({ holder }) => others.every((list) => list.some((other) => other.holder === holder)));
    const isWhole = opIds.every((opId) => held.holding(opId)?.whole ?? care.isWhole(opId));
    const isFreed = opIds.some((opId) => held.holding(opId)?.freed === true);
    const isPartly = opIds.some((opId) => ipfs.has(crypto.cidOfDigest(opId)));
    return {
      here: isWhole ? 'whole' : isFreed ? 'freed' : isPartly ? 'partly' : 'none',
      copies: all.map(({ holder, kind, confirmedAt }) => ({
        kind,
        confirmedAt,
        name: nameOf(names, { holder, kind }, deps.serviceName()),
      })),
    };
  };

  /** Of an operation that is on no list, because it is another clinic's. */
  const isHere = async (opId: string): Promise<boolean> => {
    const stored = store.operation(opId);
    if (!stored) return false;
    const { cids, complete } = await deps.lists.of(stored);
    return complete && cids.every((cid) => ipfs.has(cid));
  };

  const hereNow = async (opIds: readonly string[], stated: RecordCopies['here']): Promise<RecordCopies['here']> => {
    if (stated !== 'partly') return stated;
    for (const opId of opIds) if (!(held.holding(opId)?.whole ?? (await isHere(opId)))) return stated;
    return 'whole';
  };

  const othersNow = async (opIds: readonly string[]): Promise<CopyView[]> => {
    const members = ipfs
      .peers()
      .map(({ id }) => id)
      .filter((id) => computers.standing(id) === 'member')
      .slice(0, maxAsked);
    const asked = await Promise.all(
      members.map(async (peer): Promise<CopyView[]> => {
        try {
          const all = (await deps.copies.ask(peer, opIds)).every(Boolean);
          return all ? [{ name: deps.clinicOf(peer), kind: 'clinic', confirmedAt: clock() }] : [];
        } catch (error) {
          // It is away, or gave no answer: then nothing is known of it.
          if (error instanceof AppError) return [];
          throw error;
        }
      }),
    );
    return asked.flat();
  };

  return {
    known,
    async of(session, versionId) {
      const row = session.index.version(versionId);
      if (!row) throw new AppError('NOT_FOUND', 'This version of the record is not known here.');
      const opIds = await operationsOf(row.opId, row.position);
      const { here, copies } = known(opIds);
      return { here: await hereNow(opIds, here), copies: [...copies, ...(await othersNow(opIds))] };
    },
  };
}
