/**
 * Taking back what was saved, before it has left this workstation: as if it had never been made, or a consultation back into its draft. All of what was
 * saved together goes, or nothing; never what anybody else may have seen already; never what later work was built on.
 */
import { encounterDraftOf } from '../../../src-shared/fhir/encounter-draft.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { formatName } from '../../../src-shared/format/index.ts';
import type { OperationKind } from '../../../src-shared/operations.ts';
import type { WithdrawalView } from '../../../src-shared/view-types.ts';
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { CommitReader } from './commit-reader.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import type { Indexer } from './indexer.ts';
import type { Session, Sessions } from './sessions.ts';

export interface Withdrawals {
  view(session: Session, opId: string): Promise<WithdrawalView>;
  /**
   * @returns the patient whose chart holds the draft now, with `edit`.
   * @throws AppError NOT_FOUND, ALREADY_SENT, NOT_ALLOWED, ALREADY_EXISTS where the chart has another draft.
   */
  withdraw(session: Session, opId: string, edit: boolean): Promise<{ patient: string | null }>;
}

/** What it means to take one back. Kinds without words take effect here at once, or are there so that nobody can undo them. */
const undoes: Partial<Record<OperationKind, string>> = {
  RegisterPatient:
    'The patient is not registered any more. The card and the recovery words that were printed open nothing: destroy them, and register the patient again if that is meant.',
  ClaimIdentifier: 'The identifier is free again.',
  Commit: 'The records leave the chart, for everybody at this workstation. Nobody else has seen them.',
  Grant: 'What the patient shared by it is not shared.',
  ChangeGrant: 'What the patient had shared before stays as it was.',
  Revoke: 'The access that the patient took away stays.',
  RequestAccess: 'The patient is not asked.',
  ApproveRequest: 'The request is open again, and nothing is shared by it.',
  DeclineRequest: 'The request is open again.',
  EnrolMember: 'The person is not a member of staff, and has to be approved anew.',
};

/** Of these the patient is the author: they are the patient's to take back. */
const patientsOwn: ReadonlySet<OperationKind> = new Set(['Grant', 'ChangeGrant', 'Revoke', 'ApproveRequest', 'DeclineRequest']);
const cursorName = 'withdrawn';
const draftId = (patient: string) => `encounter:${patient}`;

export function createWithdrawals(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly sessions: Sessions;
  readonly indexer: Pick<Indexer, 'forgetCommits' | 'relearn'>;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Withdrawals {
  const { store, codec, reader, sessions, indexer, facts, clock } = deps;

  const together = (opId: string): StoredOperation[] => {
    const operations = store.savedWith(opId);
    if (operations.length > 0 && operations.every(({ origin }) => origin === 'here')) return operations;
    throw new AppError('NOT_FOUND', 'This is not waiting here any more: it may have been withdrawn already. Nothing was changed.');
  };

  const payloadOf = (operation: StoredOperation) => codec.decodePayload(operation.operation).payload as Readonly<Record<string, unknown>>;
  const field = (operation: StoredOperation, name: string): string | undefined => {
    const value = payloadOf(operation)[name];
    return typeof value === 'string' ? value : undefined;
  };

  /** Whether something that came later stands on one of these; it would hang in the air. */
  const isBuiltOn = (operations: readonly StoredOperation[]): boolean => {
    const own = new Set(operations.map(({ operation }) => operation.opId));
    const after = operations.at(-1)?.seq ?? 0;
    const others = (filter: Parameters<WorkstationStorePort['operations']>[0]) =>
      store.operations({ ...filter, afterSeq: after }).some((o) => o.state !== 'rejected' && !own.has(o.operation.opId));
    return operations.some((operation) => {
      if (operation.kind === 'Commit') {
        // The next commit of the compartment names this one as what it follows.
        const compartment = field(operation, 'compartment');
        return compartment !== undefined && others({ kinds: ['Commit'], compartment });
      }
      if (operation.kind === 'EnrolMember') {
        const member = field(operation, 'member') ?? '';
        return others({ member }) || others({ actor: member });
      }
      const patient = field(operation, 'patient') ?? field(operation, 'account');
      return patient !== undefined && others({ patient });
    });
  };

  const obstacleOf = (session: Session, operations: readonly StoredOperation[]): string | null => {
    if (operations.some(({ state, handedOut }) => state !== 'pending' || handedOut))
      return 'It was sent already, or another workstation has it. It cannot be taken back; correct it by a new entry.';
    if (operations.some(({ kind }) => undoes[kind] === undefined))
      return 'This cannot be taken back: it took effect here at once, or is kept so that it can be checked later. Undo it by a new step where there is one.';
    const isRegistration = operations.some(({ kind }) => kind === 'RegisterPatient');
    const foreign = operations.find(
      ({ kind, operation }) => operation.actor !== session.account && !(isRegistration && patientsOwn.has(kind)),
    );
    const desk = sessions.desk()?.patient;
    if (foreign && patientsOwn.has(foreign.kind) && foreign.operation.actor !== desk)
      return "This is the patient's own decision. With the patient's card open at the desk it can be taken back.";
    if (foreign && !patientsOwn.has(foreign.kind)) return 'Somebody else made this. Only who signed it can take it back.';
    if (isBuiltOn(operations)) return 'Something that was saved later builds on it. Withdraw that first.';
    return null;
  };

  /** The consultation that these operations are, as it was typed; null where they are anything else. */
  const draftOf = async (session: Session, operations: readonly StoredOperation[]) => {
    const resources: Record<string, unknown>[] = [];
    for (const operation of operations) {
      const decoded = codec.decodePayload(operation.operation);
      if (decoded.kind !== 'Commit') return null;
      const { compartment, epoch } = decoded.payload;
      if (session.index.keks({ compartment }).every((key) => key.epoch !== epoch)) return null;
      const commit = await reader.open(operation, keysIn(session.index), { offline: true });
      if (commit.entries.some((entry) => entry.previous.length > 0)) return null;
      for (const content of await reader.contents(commit, { offline: true })) {
        if (content instanceof AppError) throw content;
        resources.push(JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>);
      }
    }
    const draft = encounterDraftOf(resources);
    const [first] = operations;
    const patient = first && field(first, 'patient');
    return draft && patient ? { draft, patient } : null;
  };

  /** Takes what was withdrawn out of an index: what is left is read again from what the person still holds. */
  const applyTo = async (session: Session): Promise<void> => {
    const withdrawn = store.withdrawnAfter(session.index.cursor(cursorName));
    const last = withdrawn.at(-1);
    if (last === undefined) return;
    const digests = new Set(withdrawn.flatMap(({ digest, kind }) => (kind === 'Commit' && digest ? [digest] : [])));
    const patients = new Set<string>();
    const mine = [granteeOfAccount(session.account), ...session.organizationKeys.keys()];
    for (const { patient, kind, grantee } of withdrawn) {
      if (patient === null) continue;
      // Keys or a name may have come with it. Other records stand for themselves: the rest of the chart stays as it is.
      const given = kind === 'Grant' ? grantee !== null && mine.includes(grantee) : kind === 'RegisterPatient' || kind === 'ApproveRequest';
      const named = () => session.index.records({ patient, resourceTypes: ['Patient'], current: false });
      if (given || (kind === 'Commit' && named().some(({ commit }) => digests.has(commit)))) patients.add(patient);
    }
    indexer.forgetCommits(session, [...digests]);
    session.index.setCursor(cursorName, last.seq);
    for (const patient of patients) {
      if (sessions.current() !== session) return;
      await indexer.relearn(session, patient);
    }
  };

  /** A draft that was written for a withdrawal that a crash then kept from happening: what it holds is still saved. */
  const dropHalfDone = (session: Session) => {
    for (const draft of session.index.drafts()) {
      const from = /"withdrawnFrom":"(0x[0-9a-f]{64})"/.exec(draft.json)?.[1];
      if (draft.kind === 'encounter' && from !== undefined && store.operation(from)) session.index.deleteDraft(draft.id);
    }
  };

  sessions.onBegin((session) => {
    dropHalfDone(session);
    applyTo(session).catch((error: unknown) => {
      // A lock in between closes the index; the next log-in goes on. Anything else is a fault.
      if (sessions.current() === session) deps.report(error);
    });
  });

  /** Name of the patient, where the person logged in knows it. */
  const aboutWhom = (session: Session, operations: readonly StoredOperation[]): string => {
    const patient = operations.map((one) => field(one, 'patient') ?? '').find((found) => found !== '');
    const row = patient ? session.index.patient(patient) : undefined;
    return row ? formatName(row) : '';
  };

  return {
    async view(session, opId) {
      const operations = together(opId);
      const obstacle = obstacleOf(session, operations);
      const own = obstacle === null ? await draftOf(session, operations) : null;
      const words = new Set(operations.flatMap(({ kind }) => undoes[kind] ?? []));
      // A registration says it all; the grants and identifiers of it are part of the same thing.
      const registration = operations.some(({ kind }) => kind === 'RegisterPatient') && undoes.RegisterPatient;
      return {
        together: operations.map(({ label }) => label),
        about: aboutWhom(session, operations),
        undoes: registration ? [registration] : [...words],
        obstacle,
        editable: own !== null,
        patient: own?.patient ?? null,
      };
    },

    async withdraw(session, opId, edit) {
      const own = edit ? await draftOf(session, together(opId)) : null;
      if (sessions.current() !== session) throw new AppError('LOCKED', 'The workstation was locked meanwhile. Nothing was withdrawn.');
      if (edit && own === null)
        throw new AppError('NOT_ALLOWED', 'This is no consultation that could go back into its draft. Nothing was changed.');
      const operations = together(opId);
      const obstacle = obstacleOf(session, operations);
      if (obstacle !== null) {
        const sent = operations.some(({ state, handedOut }) => state !== 'pending' || handedOut);
        throw new AppError(sent ? 'ALREADY_SENT' : 'NOT_ALLOWED', `${obstacle} Nothing was changed.`);
      }
      if (own !== null) {
        const id = draftId(own.patient);
        if (session.index.drafts(own.patient).some((draft) => draft.id === id)) {
          const text =
            'There is an unfinished draft in this chart, which it would replace. Save or discard that first. Nothing was changed.';
          throw new AppError('ALREADY_EXISTS', text);
        }
        const json = JSON.stringify({ ...own.draft, withdrawnFrom: opId });
        session.index.saveDraft({ id, patient: own.patient, kind: 'encounter', json, updatedAt: clock() });
      }
      // From the check above to here nothing else runs: the outbox cannot have taken them in between.
      store.withdraw(opId);
      for (const { kind, operation } of operations) {
        if (kind !== 'RegisterPatient') continue;
        const patient = operations.map((one) => field(one, 'patient')).find((found) => found !== undefined);
        if (patient && operation.actor === session.account) session.index.deleteDraft(`card:${patient}`);
      }
      facts.tell('operations', { kinds: new Set(operations.map(({ kind }) => kind)) });
      await applyTo(session);
      facts.tell('patientsChanged', null);
      for (const patient of new Set(operations.flatMap((one) => field(one, 'patient') ?? []))) facts.tell('patientChanged', { patient });
      return { patient: own?.patient ?? null };
    },
  };
}
