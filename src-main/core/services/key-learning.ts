/**
 * Opens the envelopes that are sealed to the person logged in, or to their clinic, and keeps the keys in their index. It goes on where it stopped; what no
 * peer has yet is asked for again.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { IpfsPort, KekRow, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, isEqual, zero32 } from './bytes.ts';
import { isOfContent } from './content-errors.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import type { NetworkService } from './network.ts';
import type { Session, Sessions } from './sessions.ts';

export interface KeyLearning {
  /** Opens what came since the last time. Resolves when all that can be opened now has been. */
  learnKeys(session: Session): Promise<void>;
  /** Opens one grant's or revocation's envelope. False where its block is not here yet. */
  learn(session: Session, operation: StoredOperation): Promise<boolean>;
  /** Keeps keys and hands on the commits that they open. */
  addKeks(session: Session, keks: readonly KekRow[]): void;
  /** The next look opens again what this session has opened. */
  forgetOpened(): void;
  /** The session ended. */
  clear(): void;
}

const batch = 500;
const parallel = 8;
const fetchTimeoutMs = 8_000;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

export function createKeyLearning(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: Pick<IpfsPort, 'get'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly directory: Pick<Directory, 'signer'>;
  readonly sessions: Sessions;
  readonly network: NetworkService;
  readonly facts: FactBus;
  /** Patients whose records somebody waits for now: their envelopes are opened first. */
  readonly atHand: () => readonly string[];
  /** Ids of operations whose envelope is not here yet. */
  readonly missing: Set<string>;
  readonly onCommit: (session: Session, commit: StoredOperation) => void;
  readonly noteFailure: (operation: StoredOperation, error: AppError) => void;
}): KeyLearning {
  const { store, ipfs, crypto, codec, directory, sessions, network, facts, missing } = deps;
  /** Compartments of which the first key just came. */
  const freshCompartments = new Set<string>();
  /** Digests of envelopes that were opened in this session. */
  const opened = new Set<string>();

  const recipients = (session: Session) => {
    const me = { id: granteeOfAccount(session.account), secrets: session.keys.encryptionSecrets() };
    const clinics = [...session.organizationKeys].map(([id, secrets]) => ({ id, secrets }));
    return [me, ...clinics];
  };

  const openEnvelope = async (session: Session, operation: StoredOperation): Promise<KekRow[]> => {
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Grant' && decoded.kind !== 'Revoke') return [];
    if (decoded.payload.envelope === zero32) return [];
    const { patient, envelope } = decoded.payload;
    const bytes = await ipfs.get(crypto.cidOfDigest(envelope), { timeoutMs: fetchTimeoutMs });
    const rows: KekRow[] = [];
    // What is sealed to a newer key that this workstation does not have yet is not damaged.
    const replaced = !session.keys.signers.includes(directory.signer(session.account));
    for (const recipient of recipients(session)) {
      for (const secret of recipient.secrets) {
        const opened = await openWith(bytes, patient, recipient.id, secret, replaced || recipient.secrets.length > 1);
        for (const key of opened ?? []) rows.push({ ...key, patient });
        if (opened) break;
      }
    }
    return rows;
  };

  const openWith = async (bytes: Uint8Array, patient: string, recipient: string, secret: Uint8Array, oneOfSeveral: boolean) => {
    try {
      return await crypto.openEnvelopes(bytes, network.ofPatient(patient), patient, recipient, secret);
    } catch (error) {
      // Who rotated keys has several, an organization as a person; the envelope opens with one of them.
      if (oneOfSeveral && error instanceof AppError && error.code === 'TAMPERED') return null;
      throw error;
    }
  };

  /**
   * Opens the envelopes that came since the last time, those of patients at hand first, then the newest. The stored cursor passes only what was opened:
   * where an envelope's block is not here yet, the next round begins with that one again, and finds the others held.
   */
  const learnKeys = async (session: Session): Promise<void> => {
    const { index } = session;
    for (const patient of deps.atHand()) {
      await learnAll(
        session,
        store.operations({ kinds: ['Grant', 'Revoke'], patient, states: ['pending', 'submitted', 'mined', 'final'] }),
      );
    }
    const sources = [
      ...recipients(session).map((r) => ({ name: `grants:${r.id}`, filter: { kinds: ['Grant'] as const, grantee: r.id } })),
      { name: 'revocations', filter: { kinds: ['Revoke'] as const } },
    ];
    for (const source of sources) {
      if (sessions.current() !== session) return;
      const after = index.cursor(source.name);
      const top = store.lastSeq();
      let reached = top;
      let before = top + 1;
      for (;;) {
        if (sessions.current() !== session) return;
        const filter = { ...source.filter, afterSeq: after, beforeSeq: before, order: 'seq', descending: true, limit: batch } as const;
        const operations = store.operations(filter);
        const concern = operations.filter(
          (operation) => source.name !== 'revocations' || index.keks({ compartment: compartmentIn(operation) }).length > 0,
        );
        reached = Math.min(reached, (await learnAll(session, concern)) - 1);
        before = operations.at(-1)?.seq ?? 0;
        if (operations.length < batch) break;
        await turn();
      }
      // Also behind everything of other kinds: the next look begins at the end, however much lies before it.
      if (sessions.current() === session && reached > after) index.setCursor(source.name, reached);
    }
  };

  /** Learns from these, a few at a time; the lowest place of those whose envelope is not here yet, or Infinity. */
  const learnAll = async (session: Session, operations: readonly StoredOperation[]): Promise<number> => {
    let lowest = Infinity;
    for (let start = 0; start < operations.length && sessions.current() === session; start += parallel) {
      const part = operations.slice(start, start + parallel);
      const learnt = await Promise.all(part.map((operation) => learn(session, operation)));
      part.forEach((operation, i) => {
        if (!learnt[i]) lowest = Math.min(lowest, operation.seq);
      });
    }
    // The epochs that began while keys were not known here: their revocations were passed over then.
    const compartments = [...freshCompartments];
    freshCompartments.clear();
    for (const compartment of compartments) {
      if (sessions.current() !== session) return lowest;
      lowest = Math.min(lowest, await learnAll(session, store.operations({ kinds: ['Revoke'], compartment })));
    }
    return sessions.current() === session ? lowest : 0;
  };

  const compartmentIn = (operation: StoredOperation): string => {
    const decoded = codec.decodePayload(operation.operation);
    return 'compartment' in decoded.payload ? decoded.payload.compartment : zero32;
  };

  /**
   * Whether the envelope, which takes milliseconds to open and is often one for all grants of a patient, would bring nothing new: it was opened in this
   * session, or the index has the key of the first epoch, which is always the same one, and that was all.
   */
  const holdsKeysOf = (session: Session, operation: StoredOperation): boolean => {
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Grant' && decoded.kind !== 'Revoke') return true;
    const { compartment, epoch, envelope } = decoded.payload;
    return opened.has(envelope) || (epoch === 0 && session.index.keks({ compartment }).some((kek) => kek.epoch === 0));
  };

  /** False where the envelope's block is not here yet: the cursor waits for it. */
  const learn = async (session: Session, operation: StoredOperation): Promise<boolean> => {
    try {
      if (holdsKeysOf(session, operation)) {
        missing.delete(operation.operation.opId);
        return true;
      }
      const rows = await openEnvelope(session, operation);
      if (sessions.current() !== session) return false;
      missing.delete(operation.operation.opId);
      const isHeld = (row: KekRow) =>
        session.index.keks({ compartment: row.compartment }).some((k) => k.epoch === row.epoch && isEqual(k.kek, row.kek));
      const fresh = rows.filter((row) => !isHeld(row));
      if (fresh.length > 0) addKeks(session, fresh);
      const decoded = codec.decodePayload(operation.operation);
      // Once its keys are kept.
      if ('envelope' in decoded.payload) opened.add(decoded.payload.envelope);
      if (fresh.length === 0) return true;
      facts.tell('patientChanged', { patient: rows[0]?.patient ?? operation.operation.actor });
      return true;
    } catch (error) {
      if (!isOfContent(error)) throw error;
      if (error.code === 'BLOCK_UNAVAILABLE') {
        missing.add(operation.operation.opId);
        return false;
      }
      deps.noteFailure(operation, error);
      return true;
    }
  };

  const addKeks = (session: Session, keks: readonly KekRow[]) => {
    for (const { compartment } of keks) if (session.index.keks({ compartment }).length === 0) freshCompartments.add(compartment);
    const commits = [...new Set(keks.map((row) => row.compartment))].flatMap((compartment) => {
      return store.operations({ kinds: ['Commit'], compartment });
    });
    // Before the keys are kept: should the session end before these commits are read, nothing else would lead the next one to them.
    const lowest = commits.reduce((least, { seq }) => Math.min(least, seq), Infinity);
    if (session.index.cursor('commits') >= lowest) session.index.setCursor('commits', lowest - 1);
    session.index.addKeks(keks);
    for (const commit of commits) deps.onCommit(session, commit);
  };

  return {
    learnKeys,
    learn,
    addKeks,
    forgetOpened: () => opened.clear(),
    clear() {
      freshCompartments.clear();
      opened.clear();
    },
  };
}
