/**
 * Fills the index of the person logged in: has the envelopes opened that are sealed to them (key-learning.ts), and reads and decrypts the commits of the
 * compartments whose keys they hold. Goes on where it stopped; what no peer has yet is asked for again.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { RecordState } from '../../../src-shared/view-types.ts';
import type { IpfsPort, KekRow, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitReader } from './commit-reader.ts';
import { isOfContent } from './content-errors.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import { createKeyLearning } from './key-learning.ts';
import { createPatientLines } from './patient-lines.ts';
import { recordRow } from './record-rows.ts';
import { createReadQueue } from './read-queue.ts';
import { commitDigest, type PreparedCommit, type TakenRecord } from './records.ts';
import type { NetworkService } from './network.ts';
import type { OrganizationKeys } from './organization-keys.ts';
import type { ReencryptionCheck } from './reencryption-check.ts';
import type { Session, Sessions } from './sessions.ts';

export interface IndexFailure {
  readonly commit: string;
  readonly patient: string;
  readonly author: string;
  readonly chip: RecordState['chip'];
  readonly reason: string;
}

export interface Indexer {
  /** Puts what was just saved here into the index at once. */
  addOwn(session: Session, commits: readonly PreparedCommit[]): void;
  /** Keys that are known without an envelope (a person who just registered a patient holds them). */
  wake(): void;
  /** Keys that were opened elsewhere: keeps them and reads what they open. */
  addKeks(session: Session, keks: readonly KekRow[]): void;
  /** Takes everything of a patient out of the index, then puts back what the person's own envelopes open. */
  relearn(session: Session, patient: string): Promise<void>;
  /** Takes commits out of the index that were withdrawn. */
  forgetCommits(session: Session, digests: readonly string[]): void;
  failures(patient: string): IndexFailure[];
  status(): { readonly indexing: number; readonly missingBlocks: number };
  /** Resolves when everything that can be indexed now has been. */
  settled(): Promise<void>;
  stop(): void;
}

const batch = 500;
const parallel = 8;
const fetchTimeoutMs = 8_000;
const retryEveryMs = 5_000;
/** While envelopes are opened and nothing waits to be read. */
const learningPollMs = 50;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function createIndexer(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly reencryptionCheck: ReencryptionCheck;
  readonly organizationKeys: Pick<OrganizationKeys, 'open'>;
  readonly directory: Pick<Directory, 'signer'>;
  readonly sessions: Sessions;
  readonly network: NetworkService;
  readonly facts: FactBus;
  /** Patients whose records somebody waits for now: they are read first. */
  readonly atHand: () => readonly string[];
  readonly report: (error: unknown) => void;
}): Indexer {
  const { store, codec, reader, organizationKeys, sessions, network, facts } = deps;
  /** Commits to read, and operations whose envelope is missing, of the current session. */
  const queue = createReadQueue();
  const missing = new Set<string>();
  const failed = new Map<string, IndexFailure>();
  /** Last operation looked at for commits in this session. */
  let scanned = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let retryTimer: NodeJS.Timeout | null = null;

  const enqueueCommit = (session: Session, commit: StoredOperation) => {
    const digest = commitDigest(commit.operation.payload);
    // What its author saved here stays in the author's chart, marked as refused, also where a crash came before it was indexed.
    const refused = commit.state === 'rejected' && !(commit.origin === 'here' && commit.operation.actor === session.account);
    if (refused || session.index.commitIndexed(digest)) return;
    const decoded = codec.decodePayload(commit.operation);
    const patient = 'patient' in decoded.payload ? decoded.payload.patient : '';
    queue.add({ digest, opId: commit.operation.opId, patient, seq: commit.seq });
  };

  const collectCommits = async (session: Session): Promise<void> => {
    const { index } = session;
    // An index without keys has nothing to look for: with a key come the commits that it opens.
    if (scanned === 0 && index.compartments().length === 0) scanned = store.lastSeq();
    const readable = new Map<string, boolean>();
    for (;;) {
      const commits = store.commitsAfter(scanned, batch);
      for (const { seq, compartment } of commits) {
        const known = readable.get(compartment) ?? index.keks({ compartment }).length > 0;
        readable.set(compartment, known);
        if (!known) continue;
        for (const commit of store.operations({ kinds: ['Commit'], afterSeq: seq - 1, order: 'seq', limit: 1 }))
          enqueueCommit(session, commit);
      }
      scanned = commits.at(-1)?.seq ?? Math.max(scanned, store.lastSeq());
      if (commits.length < batch) return;
      await turn();
      if (sessions.current() !== session) return;
    }
  };

  /** Behind everything that was read: the next session begins there. */
  const keepCursor = (session: Session) => {
    session.index.setCursor('commits', Math.min(scanned, queue.lowest() - 1));
  };

  /** Reads what waits, the most wanted first, while envelopes still bring more. */
  const readQueue = async (session: Session, learning: Promise<void>): Promise<void> => {
    const tried = new Set<string>();
    let learnt = false;
    const end = learning.finally(() => (learnt = true));
    // What fails in it is thrown below; until then, commits that are being read are waited for, and nobody else would have heard of it.
    end.catch(() => undefined);
    try {
      while (sessions.current() === session) {
        const part = queue.next(parallel, deps.atHand(), tried);
        if (part.length === 0 && learnt) return;
        if (part.length === 0) await Promise.race([end, pause(learningPollMs)]);
        await Promise.all(part.map(({ digest, opId }) => readCommit(session, digest, store.operation(opId))));
        // What came again in between, because a key for it came, is not what was tried.
        for (const one of part) if (queue.holds(one)) tried.add(one.digest);
        if (part.length > 0) facts.tell('status', null);
      }
    } finally {
      await end;
    }
  };

  const takeIn = (session: Session, digest: string, records: readonly TakenRecord[]): void => {
    lines.add(session.index, records);
    session.index.addRecords(digest, records);
  };

  const readCommit = async (session: Session, digest: string, operation: StoredOperation | undefined): Promise<void> => {
    if (operation === undefined) return queue.delete(digest);
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Commit') return;
    const { patient, compartment, epoch } = decoded.payload;
    const key = session.index.keks({ compartment }).find((k) => k.epoch === epoch);
    if (!key) return queue.delete(digest);
    try {
      const keysOf = keysIn(session.index);
      const commit = await reader.open(operation, keysOf, { timeoutMs: fetchTimeoutMs });
      // One that says where contents lie now has no records of its own: it is checked, which also brings its blocks here.
      if (commit.header.originals.length > 0 && operation.state === 'rejected') return queue.delete(digest);
      if (commit.header.originals.length > 0) await deps.reencryptionCheck.check(operation, keysOf, { timeoutMs: fetchTimeoutMs });
      if (sessions.current() !== session) return;
      const own = commit.header.originals.length > 0 ? [] : commit.entries;
      const contents = await reader.contents({ ...commit, entries: own }, { timeoutMs: fetchTimeoutMs });
      // The key may have been taken away meanwhile: an emergency that ended.
      if (sessions.current() !== session || !session.index.keks({ compartment }).some((k) => k.epoch === epoch)) return;
      // Withdrawn meanwhile, or sealed again under another name.
      if (store.operation(operation.operation.opId) === undefined) return queue.delete(digest);
      const unavailable = contents.find((c): c is AppError => c instanceof AppError && c.code === 'BLOCK_UNAVAILABLE');
      if (unavailable) throw unavailable;
      // Encrypted anew since the keys were given: not shared any more, and nothing that would be wrong.
      if (own.length > 0 && contents.every((c) => c instanceof AppError && c.code === 'KEY_MISSING')) return queue.delete(digest);
      const context = {
        patient,
        author: operation.operation.actor,
        commit: digest,
        opId: operation.operation.opId,
        position: operation.seq,
      };
      const records = own.map((entry, i) => {
        const content = contents[i];
        const json = content instanceof Uint8Array ? new TextDecoder().decode(content) : '';
        return { ...recordRow(entry, json, key.category, context), json };
      });
      takeIn(session, digest, records);
      queue.delete(digest);
      missing.delete(digest);
      failed.delete(digest);
      facts.tell('patientChanged', { patient });
    } catch (error) {
      // A full disk passes, and says nothing of the commit: the round is tried again.
      if (!isOfContent(error)) throw error;
      if (error.code === 'BLOCK_UNAVAILABLE') missing.add(digest);
      else queue.delete(digest);
      noteFailure(operation, error);
    }
  };

  const noteFailure = (operation: StoredOperation, error: AppError) => {
    const decoded = codec.decodePayload(operation.operation);
    const patient = 'patient' in decoded.payload ? decoded.payload.patient : '';
    const digest = decoded.kind === 'Commit' ? decoded.payload.commit : operation.operation.opId;
    const chip = error.code === 'BLOCK_UNAVAILABLE' ? 'unavailable' : 'tampered';
    const known = failed.get(digest);
    failed.set(digest, { commit: digest, patient, author: operation.operation.actor, chip, reason: error.message });
    if (known?.chip !== chip) facts.tell('patientChanged', { patient });
  };

  const round = async (): Promise<void> => {
    const session = sessions.current();
    if (!session || !network.current()) return;
    try {
      await organizationKeys.open(session, false);
    } catch (error) {
      // The clinic's key is not here yet (its block is with a workstation that is away): what is sealed to the person alone is read meanwhile.
      if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
    }
    await collectCommits(session);
    if (sessions.current() !== session) return;
    await readQueue(session, learning.learnKeys(session));
    await lines.refreshStale(session);
    if (sessions.current() === session) keepCursor(session);
  };

  const run = async (): Promise<void> => {
    const session = sessions.current();
    let failed = false;
    try {
      do {
        again = false;
        await round();
      } while (again && !stopped);
    } catch (error) {
      // A lock in the middle of a round closes the index under it; anything else is a fault worth telling. Both are tried again.
      failed = true;
      if (sessions.current() === session) deps.report(error);
    } finally {
      running = null;
    }
    // Somebody else logged in while a round for the one before was still reading, and that round ended in its closed index.
    if (again) wake();
    facts.tell('status', null);
    scheduleRetry(failed);
  };

  const scheduleRetry = (failed: boolean) => {
    if (retryTimer) clearTimeout(retryTimer);
    retryTimer = null;
    if (stopped || !sessions.current() || (!failed && missing.size === 0 && queue.size === 0 && !lines.hasStale)) return;
    retryTimer = setTimeout(wake, retryEveryMs);
    retryTimer.unref();
  };

  const wake = () => {
    if (stopped || !sessions.current()) return;
    if (running) again = true;
    else running = run();
  };

  const learning = createKeyLearning({ ...deps, missing, onCommit: enqueueCommit, noteFailure });
  const lines = createPatientLines({ ...deps, fetchTimeoutMs });

  sessions.onBegin((session) => {
    scanned = session.index.cursor('commits');
    wake();
  });
  sessions.onEnd(() => {
    queue.clear();
    missing.clear();
    failed.clear();
    learning.clear();
    lines.clear();
  });
  facts.on('operations', () => wake());

  return {
    addKeks(session, keks) {
      learning.addKeks(session, keks);
      wake();
    },
    forgetCommits(session, digests) {
      for (const digest of digests) {
        queue.delete(digest);
        missing.delete(digest);
        failed.delete(digest);
        session.index.removeCommit(digest);
      }
    },
    async relearn(session, patient) {
      session.index.forgetPatient(patient);
      learning.forgetOpened();
      queue.deletePatient(patient);
      // What the clinic is given opens with the clinic's key, which a session that began a moment ago may not have yet.
      await organizationKeys.open(session, false);
      for (const operation of store.operations({ kinds: ['Grant', 'Revoke'], patient })) {
        if (sessions.current() !== session) return;
        if (operation.state !== 'rejected') await learning.learn(session, operation);
      }
      facts.tell('patientsChanged', null);
      facts.tell('patientChanged', { patient });
      wake();
    },
    addOwn(session, commits) {
      for (const { commit, operation, rows } of commits) {
        const position = store.operation(operation.operation.opId)?.seq ?? 0;
        takeIn(
          session,
          commit,
          rows.map((row) => ({ ...row, position })),
        );
      }
    },
    wake,
    failures: (patient) => [...failed.values()].filter((f) => f.patient === patient),
    status: () => ({ indexing: queue.size, missingBlocks: missing.size }),
    async settled() {
      while (running) await running;
    },
    stop() {
      stopped = true;
      if (retryTimer) clearTimeout(retryTimer);
    },
  };
}
