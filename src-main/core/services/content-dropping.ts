/**
 * Takes old contents out of this workstation once patients had them encrypted anew (ADR 11): packs and files, never a commit's block, and nothing
 * that another commit still needs. Only when the new commit is final on the ledger, all of it lies here, and it was made or checked here; or nobody here may
 * read that part of the record any more, so that it need not and cannot be compared. Goes on after a kill where it stopped.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { DecodedCommit, IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { CommitBlocks } from './commit-blocks.ts';
import { isCurrent, type Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import { commitDigest } from './records.ts';
import type { ReencryptionCheck } from './reencryption-check.ts';
import type { Sessions } from './sessions.ts';

export interface ContentDropping {
  wake(): void;
  /** Resolves when everything that can be dropped now has been. */
  settled(): Promise<void>;
  stop(): void;
}

const cursorSetting = 'contents.scanned';
/** Operations of patients' commits whose old contents are not gone yet. */
const openSetting = 'contents.open';
const batch = 500;
const fetchTimeoutMs = 8_000;
const retryEveryMs = 15_000;

interface Known {
  readonly operation: StoredOperation;
  readonly digest: string;
  readonly cid: string;
  readonly commit: DecodedCommit;
}

export function createContentDropping(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest'>;
  readonly codec: OperationCodecPort;
  readonly blocks: CommitBlocks;
  readonly check: ReencryptionCheck;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): ContentDropping {
  const { store, ipfs, crypto, codec, blocks, check, consents, directory, sessions, facts, clock } = deps;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  /** Place of the newest operation that was looked at, of which `cursorSetting` lags behind. */
  let looked = 0;
  let retryTimer: NodeJS.Timeout | null = null;

  const targetOf = ({ operation }: StoredOperation) => {
    const decoded = codec.decodePayload(operation);
    return decoded.kind === 'Commit' ? decoded.payload : null;
  };

  /** Adds what became known since the last look. */
  const collect = (): string[] => {
    const open = new Set(openNow());
    const before = open.size;
    const start = store.setting<number>(cursorSetting) ?? 0;
    // A store that was emptied begins its places anew.
    if (store.lastSeq() < looked) looked = 0;
    let scanned = Math.max(start, looked);
    for (;;) {
      const operations = store.operations({ kinds: ['Commit'], afterSeq: scanned, order: 'seq', limit: batch });
      for (const stored of operations) if (targetOf(stored)?.patient === stored.operation.actor) open.add(stored.operation.opId);
      scanned = operations.at(-1)?.seq ?? scanned;
      if (operations.length < batch) break;
    }
    if (open.size !== before) store.setSetting(openSetting, [...open]);
    looked = scanned;
    // Looking again at a few is cheaper than a durable write with every save.
    if (open.size !== before || scanned - start >= batch) store.setSetting(cursorSetting, scanned);
    return [...open];
  };

  /** Nobody who works here may read it now: not by name, and not through a clinic. */
  const isReadHere = (patient: string, compartment: string): boolean => {
    const now = Math.floor(clock() / 1000);
    const grants = consents.of(patient).get(compartment)?.grants;
    const readers = store
      .people()
      .flatMap(({ account }) => [granteeOfAccount(account), ...directory.memberships(account).map(({ organization }) => organization)]);
    return readers.some((reader) => {
      const grant = grants?.get(reader);
      return grant?.read === true && isCurrent(grant, now);
    });
  };

  /** Whether old contents may go on this one's word. */
  const isTrusted = async ({ operation, digest, commit }: Known): Promise<boolean> => {
    const verdict = check.verdict(digest);
    if (verdict !== null) return verdict === 'holds';
    // Made here, each content was compared with its author's digest on the way.
    if (operation.origin === 'here') return true;
    const { patient, compartment, epoch } = commit.header;
    const session = sessions.current();
    if (session && (await keysIn(session.index)(compartment, epoch)).length > 0) {
      try {
        await check.check(operation, keysIn(session.index), { timeoutMs: fetchTimeoutMs });
        return true;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return false;
      }
    }
    return !isReadHere(patient, compartment);
  };

  const filesOf = ({ commit }: Known): string[] => [
    ...(commit.pack === null ? [] : [commit.pack]),
    ...commit.entries.flatMap(({ location }) => location.file?.cid ?? []),
  ];

  /** Whether all contents of a commit lie here; asks peers for what does not. */
  const isWhole = async (known: Known): Promise<boolean> => {
    try {
      for (const file of filesOf(known)) {
        for (const cid of await ipfs.fileBlocks(file, { timeoutMs: fetchTimeoutMs }))
          if (!ipfs.has(cid)) await ipfs.get(cid, { timeoutMs: fetchTimeoutMs });
      }
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'BLOCK_UNAVAILABLE') return false;
      throw error;
    }
  };

  /** The commits of a compartment whose blocks are here, in the ledger's order. */
  const commitsIn = async (patient: string, compartment: string): Promise<Known[]> => {
    const known: Known[] = [];
    for (const operation of store.operations({ kinds: ['Commit'], patient, compartment })) {
      const digest = commitDigest(operation.operation.payload);
      const cid = crypto.cidOfDigest(digest);
      if (!ipfs.has(cid)) continue;
      try {
        known.push({ operation, digest, cid, commit: await blocks.read(operation, { offline: true }) });
      } catch (error) {
        // One that is damaged keeps what it may need: nothing is known of it.
        if (!(error instanceof AppError)) throw error;
      }
    }
    return known;
  };

  /** Refused because its epoch had passed, which never changes: what it would have moved is encrypted again under the present one. */
  const isDead = ({ operation, commit }: Known): boolean =>
    commit.header.originals.length > 0 && operation.state === 'rejected' && operation.rejectReason?.startsWith('EpochPassed') === true;

  /** False where something has to be waited for. */
  const sweep = async (patient: string, compartment: string): Promise<boolean> => {
    const commits = await commitsIn(patient, compartment);
    const moved = commits.filter(({ commit, operation }) => commit.header.originals.length > 0 && operation.operation.actor === patient);
    const superseded = moved.filter(isDead);
    /** By original commit: which entries lie, all of them safely, in something newer. */
    const covered = new Map<string, Set<number>>();
    const isCovered = (cid: string, first: number, count: number) =>
      Array.from({ length: count }, (_, i) => first + i).every((i) => covered.get(cid)?.has(i) ?? false);
    let waits = false;
    for (const newer of moved.toReversed()) {
      if (newer.operation.state === 'rejected') continue;
      const { originals } = newer.commit.header;
      if (originals.every(({ commit, first, count }) => isCovered(commit, first, count))) {
        superseded.push(newer);
        continue;
      }
      const stillNeeded = commits
        .slice(0, commits.indexOf(newer))
        .some(
          (older) =>
            filesOf(older).some((cid) => ipfs.has(cid)) &&
            (originals.some(({ commit }) => commit === older.cid) ||
              older.commit.header.originals.some((range) => originals.some(({ commit }) => commit === range.commit))),
        );
      // Nothing old of it lies here: then nothing need be fetched or compared either.
      if (!stillNeeded) continue;
      if (newer.operation.state !== 'final' || !(await isTrusted(newer)) || !(await isWhole(newer))) {
        waits = waits || check.verdict(newer.digest) !== 'wrong';
        continue;
      }
      for (const { commit, first, count } of originals) {
        const entries = covered.get(commit) ?? new Set<number>();
        for (let i = first; i < first + count; i++) entries.add(i);
        covered.set(commit, entries);
      }
    }
    superseded.push(
      ...commits.filter(({ cid, commit }) => commit.header.originals.length === 0 && isCovered(cid, 0, commit.entries.length)),
    );
    await drop(superseded, commits);
    return !waits;
  };

  const drop = async (superseded: readonly Known[], commits: readonly Known[]): Promise<void> => {
    const needed = new Set(commits.filter((commit) => !superseded.includes(commit)).flatMap(filesOf));
    const files = new Set(superseded.flatMap(filesOf).filter((cid) => !needed.has(cid) && ipfs.has(cid)));
    for (const file of files) {
      if (stopped) return;
      ipfs.remove(await ipfs.fileBlocks(file, { offline: true }));
    }
  };

  const round = async (): Promise<void> => {
    const open = collect();
    const places = new Map<string, { patient: string; compartment: string; opIds: string[] }>();
    const done = new Set<string>();
    for (const opId of open) {
      const stored = store.operation(opId);
      const target = stored && targetOf(stored);
      if (!target) done.add(opId);
      else if (stored.state === 'final' || stored.state === 'rejected') {
        const key = `${target.patient}/${target.compartment}`;
        const place = places.get(key) ?? { patient: target.patient, compartment: target.compartment, opIds: [] };
        place.opIds.push(opId);
        places.set(key, place);
      }
    }
    for (const { patient, compartment, opIds } of places.values()) {
      if (stopped) return;
      const isHere = opIds.every((opId) => ipfs.has(crypto.cidOfDigest(commitDigest(store.operation(opId)?.operation.payload ?? ''))));
      if (!isHere) await fetchCommits(opIds);
      if (await sweep(patient, compartment)) opIds.forEach((opId) => done.add(opId));
    }
    if (done.size > 0)
      store.setSetting(
        openSetting,
        openNow().filter((opId) => !done.has(opId)),
      );
  };

  /** A workstation where nobody has the keys still follows what the patient decided. */
  const fetchCommits = async (opIds: readonly string[]): Promise<void> => {
    for (const opId of opIds) {
      const stored = store.operation(opId);
      try {
        if (stored) await blocks.read(stored, { timeoutMs: fetchTimeoutMs });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    }
  };

  const openNow = () => store.setting<string[]>(openSetting) ?? [];

  const run = async (): Promise<void> => {
    let isOpen = true;
    try {
      do {
        again = false;
        await round();
      } while (again && !stopped);
      isOpen = openNow().length > 0;
    } catch (error) {
      if (!stopped) deps.report(error);
    } finally {
      running = null;
    }
    if (retryTimer) clearTimeout(retryTimer);
    retryTimer = null;
    if (stopped || !isOpen) return;
    retryTimer = setTimeout(wake, retryEveryMs);
    retryTimer.unref();
  };

  const wake = () => {
    if (stopped) return;
    if (running) again = true;
    else running = run();
  };

  facts.on('operations', ({ kinds }) => {
    if (kinds.has('Commit')) wake();
  });
  // A check that was made while indexing is enough.
  facts.on('patientChanged', () => {
    if (!stopped && openNow().length > 0) wake();
  });
  sessions.onBegin(wake);

  return {
    wake,
    async settled() {
      while (running) await running;
    },
    stop() {
      stopped = true;
      if (retryTimer) clearTimeout(retryTimer);
    },
  };
}
