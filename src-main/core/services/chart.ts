/**
 * A patient's chart as screens show it: composed from the index (decrypted metadata), with each record's state, and one record in full, read from its
 * blocks and checked. After a chart was opened its commits are verified in the background; the chips change as the results come.
 */
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type {
  AllergyState,
  ChartEntry,
  ChartView,
  RecordExtract,
  RecordView,
  VerificationView,
  VerifyReport,
} from '../../../src-shared/view-types.ts';
import type { AccountIndexPort, RecordListFilter, RecordRow, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitReader } from './commit-reader.ts';
import { granteeOfAccount } from './bytes.ts';
import { isCurrent, type Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import type { Indexer } from './indexer.ts';
import type { Patients } from './patients.ts';
import type { Profiles } from './profiles.ts';
import type { Reencryptions } from './reencryptions.ts';
import type { Session, Sessions } from './sessions.ts';
import { explainRefusal } from './sync/refusals.ts';
import type { Verification } from './verification.ts';

export interface Chart {
  open(session: Session, patient: string): ChartView;
  /** The patient whose chart was opened last in this session. */
  openPatient(): string | null;
  entries(session: Session, filter: RecordListFilter & { limit: number }): { entries: ChartEntry[]; more: boolean };
  record(session: Session, patient: string, recordId: string, versionId?: string): Promise<RecordView>;
  /** Checks the whole record. `offline`: from what is held here alone. */
  verify(session: Session, patient: string, offline: boolean): Promise<VerifyReport>;
  /** The content of one version as it was stored. Throws TAMPERED, BLOCK_UNAVAILABLE, KEY_MISSING. */
  content(session: Session, row: RecordRow): Promise<string>;
  authorOf(account: string): { account: string; name: string; organization: string };
  /** Current versions with their content, for an export. Throws where one cannot be read. */
  contents(session: Session, patient: string): Promise<{ row: RecordRow; json: string }[]>;
}

const noKnownAllergyCodes = new Set(['716186003', '409137002', '428607008', '429625007']);
const clinicalTypes = {
  problems: ['Condition'],
  medications: ['MedicationRequest', 'MedicationStatement'],
  results: ['Observation', 'DiagnosticReport'],
};

export function createChart(deps: {
  readonly store: WorkstationStorePort;
  readonly reader: CommitReader;
  readonly verification: Verification;
  readonly reencryptions: Reencryptions;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly patients: Patients;
  readonly indexer: Indexer;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  /** Until when the record is open in an emergency, seconds; 0: it is not. What was open and has ended is out of the index afterwards. */
  readonly openUntil: (session: Session, patient: string) => number;
  /** Other registrations of the same person: what is shared of them is shown beside this one's, marked by where it comes from. */
  readonly othersOf: (patient: string) => readonly string[];
  /** Whether what was read off the ledger is all of it. */
  readonly ledgerState: () => VerifyReport['ledger'];
  readonly report: (error: unknown) => void;
}): Chart {
  const { store, reader, verification, reencryptions, consents, directory, profiles, facts } = deps;

  const authorOf = (account: string) => {
    const member = directory.members().find((m) => m.account === account);
    const organization = member && directory.organization(member.organization);
    return {
      account,
      name: member ? profiles.name(member.profile, account) : account,
      organization: organization ? profiles.name(organization.profile, '') : '',
    };
  };

  /** The patient, and those of their other registrations of which the person logged in has anything. */
  const chartsOf = (index: AccountIndexPort, patient: string): string[] => [
    patient,
    ...deps.othersOf(patient).filter((other) => index.patient(other) !== undefined),
  ];

  /** Newest first over all charts of a person. */
  const rowsOf = (index: AccountIndexPort, filter: RecordListFilter & { readonly limit: number }): RecordRow[] => {
    const charts = chartsOf(index, filter.patient);
    const rows = charts.flatMap((patient) => index.records({ ...filter, patient }));
    if (charts.length === 1) return rows;
    const newest = (a: RecordRow, b: RecordRow) => (a.date === b.date ? (a.recordId < b.recordId ? 1 : -1) : a.date < b.date ? 1 : -1);
    return rows.sort(newest).slice(0, filter.limit);
  };

  const countsOf = (index: AccountIndexPort, patient: string): ChartView['counts'] => {
    const counts = new Map<string, ChartView['counts'][number]>();
    for (const row of chartsOf(index, patient).flatMap((one) => index.countRecords(one))) {
      const key = `${row.resourceType}/${row.category}`;
      counts.set(key, { ...row, count: row.count + (counts.get(key)?.count ?? 0) });
    }
    return [...counts.values()];
  };

  const entriesOf = (rows: readonly RecordRow[], patient: string): ChartEntry[] => {
    const perRecord = new Map<string, number>();
    for (const row of rows) perRecord.set(row.recordId, (perRecord.get(row.recordId) ?? 0) + 1);
    const authors = new Map<string, ReturnType<typeof authorOf>>();
    const states = new Map<string, ChartEntry['state']>();
    return rows.map((row) => {
      const author = authors.get(row.author) ?? authorOf(row.author);
      authors.set(row.author, author);
      const state = verification.state(row.opId, row.versionId);
      states.set(row.opId, state);
      const { recordId, versionId, resourceType, category, date, title, detail, status, code, codeSystem, encounter } = row;
      const extract = JSON.parse(row.extract) as RecordExtract;
      const described = { recordId, versionId, resourceType, category, date, title, detail, status, code, codeSystem, encounter, extract };
      return {
        ...described,
        author: author.name,
        organization: author.organization,
        conflicting: (perRecord.get(recordId) ?? 1) - 1,
        encryptedAnewAt: reencryptions.movedAt(row.patient, row.commit),
        origin: row.patient.toLowerCase() === patient.toLowerCase() ? null : row.patient,
        state,
      };
    });
  };

  const list = (index: AccountIndexPort, patient: string, resourceTypes: readonly string[], limit: number) =>
    entriesOf(rowsOf(index, { patient, resourceTypes, limit }), patient);

  const accessOf = (session: Session, patient: string): ChartView['access'] => {
    const at = Math.floor(deps.clock() / 1000);
    const keks = session.index.keks({ patient });
    const opened = deps.openUntil(session, patient);
    const states = consents.of(patient);
    const grantees = [granteeOfAccount(session.account), ...directory.memberships(session.account).map((m) => m.organization)];
    return categories.flatMap((category) => {
      const compartment = keks.find((k) => k.category === category)?.compartment;
      const grants = grantees.flatMap((g) => states.get(compartment ?? '')?.grants.get(g) ?? []).filter((g) => isCurrent(g, at));
      if (grants.length === 0) return opened > 0 && compartment ? [{ category, read: true, write: false, until: opened }] : [];
      const until = grants.some((g) => g.until === 0) ? 0 : Math.max(...grants.map((g) => g.until));
      return [{ category, read: grants.some((g) => g.read), write: grants.some((g) => g.write), until }];
    });
  };

  const endedAccessOf = (session: Session, patient: string, access: ChartView['access']): ChartView['endedAccess'] => {
    const once = new Set(session.index.keks({ patient }).map((kek) => kek.category));
    return categories.filter((category) => once.has(category) && !access.some((a) => a.category === category && a.read));
  };

  const isClinical = (session: Session) => directory.memberships(session.account).some((m) => (m.roles & 4) !== 0);

  const allergyStateOf = (
    session: Session,
    access: ChartView['access'],
    allergies: readonly ChartEntry[],
    isComplete: boolean,
  ): AllergyState => {
    if (!isClinical(session)) return 'hidden';
    if (!access.some((a) => a.category === 'medications-and-allergies' && a.read)) return 'unavailable';
    if (allergies.length === 0) return isComplete ? 'not-recorded' : 'unavailable';
    return allergies.every((a) => noKnownAllergyCodes.has(a.code)) ? 'none-known' : 'known';
  };

  /** Lines of the chart say so as soon as it was looked at. */
  const learnReencryptions = (session: Session, patient: string) => {
    const compartments = new Set(session.index.keks({ patient }).map(({ compartment }) => compartment));
    const before = reencryptions.stamp(patient);
    Promise.all([...compartments].map((compartment) => reencryptions.of(patient, compartment, { offline: true })))
      .then(() => {
        if (reencryptions.stamp(patient) !== before) facts.tell('patientChanged', { patient });
      })
      .catch(deps.report);
  };

  const verifying = new Set<string>();
  const verifyInBackground = (session: Session, patient: string) => {
    const commits = store
      .operations({ kinds: ['Commit'], patient })
      .filter((o) => verification.state(o.operation.opId, '').chip === 'anchored');
    if (commits.length === 0 || verifying.has(patient)) return;
    verifying.add(patient);
    const run = async () => {
      for (const operation of commits) {
        if (deps.sessions.current() !== session) return;
        if (isShared(session, operation)) await verification.verify(operation, keysIn(session.index), true);
        // Between two commits the screens get their turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
      facts.tell('patientChanged', { patient });
    };
    run()
      .catch((error: unknown) => {
        if (deps.sessions.current() === session) deps.report(error);
      })
      .finally(() => verifying.delete(patient));
  };

  const isShared = (session: Session, operation: StoredOperation): boolean => {
    const { compartment, epoch } = commitTarget(operation);
    return session.index.keks({ compartment }).some((k) => k.epoch === epoch);
  };

  const rowOf = (session: Session, patient: string, recordId: string, versionId?: string) => {
    const charts = new Set(chartsOf(session.index, patient));
    const versions = session.index.versions(recordId).filter((v) => charts.has(v.patient));
    const replaced = new Set(versions.flatMap((v) => v.previous));
    const row = versionId
      ? versions.find((v) => v.versionId === versionId)
      : (versions.filter((v) => !replaced.has(v.versionId)).at(-1) ?? versions.at(-1));
    if (!row) throw new AppError('NOT_FOUND', 'This record is not in your index. It may not be shared with you.');
    return { row, versions, replaced };
  };

  const openCommit = (session: Session, opId: string) => {
    const operation = store.operation(opId);
    if (!operation) throw new AppError('NOT_FOUND', 'The signed operation of this record is not known here.');
    return reader.open(operation, keysIn(session.index));
  };

  const read = async (session: Session, row: RecordRow) => {
    const commit = await openCommit(session, row.opId);
    const entry = commit.entries.find((e) => e.versionId === row.versionId);
    if (!entry) throw new AppError('TAMPERED', 'The commit does not hold this record.');
    return new TextDecoder().decode(await reader.content(commit, entry));
  };

  let opened: { readonly session: Session; readonly patient: string } | null = null;

  return {
    content: read,
    authorOf,
    openPatient: () => (opened && opened.session === deps.sessions.current() ? opened.patient : null),
    open(session, patient) {
      const { index } = session;
      deps.openUntil(session, patient);
      opened = { session, patient };
      const summary = deps.patients.get(index, patient);
      const allergies = list(index, patient, ['AllergyIntolerance'], 100);
      const access = accessOf(session, patient);
      const problemsWithRecords = problemsOf(session, patient);
      learnReencryptions(session, patient);
      verifyInBackground(session, patient);
      return {
        patient: summary,
        allergyState: allergyStateOf(session, access, allergies, problemsWithRecords.length === 0),
        allergies,
        problems: list(index, patient, clinicalTypes.problems, 100),
        medications: list(index, patient, clinicalTypes.medications, 100),
        recentResults: list(index, patient, clinicalTypes.results, 30),
        latestEncounters: list(index, patient, ['Encounter'], 5),
        counts: countsOf(index, patient),
        access,
        endedAccess: endedAccessOf(session, patient, access),
        problemsWithRecords,
      };
    },
    entries(session, filter) {
      deps.openUntil(session, filter.patient);
      const rows = rowsOf(session.index, { ...filter, limit: filter.limit + 1 });
      return { entries: entriesOf(rows.slice(0, filter.limit), filter.patient), more: rows.length > filter.limit };
    },
    async record(session, patient, recordId, versionId) {
      deps.openUntil(session, patient);
      const { row, versions, replaced } = rowOf(session, patient, recordId, versionId);
      const operation = store.operation(row.opId);
      if (!operation) throw new AppError('NOT_FOUND', 'The signed operation of this record is not known here.');
      const verdict = await verification.verify(operation, keysIn(session.index), false);
      const json = verdict.badVersions.has(row.versionId) || verdict.chip === 'tampered' ? '' : await read(session, row);
      const [entry] = entriesOf([row], patient);
      if (!entry) throw new AppError('INTERNAL', 'The record could not be shown.');
      const bad = verdict.badVersions.get(row.versionId);
      const verificationView: VerificationView = {
        state: verification.state(row.opId, row.versionId),
        content: bad ? { ok: verdict.content.ok === null ? null : false, text: bad.reason } : verdict.content,
        anchor: verdict.anchor,
        signature: verdict.signature,
        consent: verdict.consent,
        author: authorOf(row.author),
        issuedAt: operation.operation.issuedAt * 1000,
        encryptedAnewAt: entry.encryptedAnewAt,
        commit: row.commit,
        opId: row.opId,
        txHash: operation.txHash,
        asOfBlock: store.followedBlocks(1)[0]?.number ?? null,
      };
      return {
        entry,
        json,
        versions: versions.map((v) => ({
          versionId: v.versionId,
          author: authorOf(v.author).name,
          issuedAt: (store.operation(v.opId)?.operation.issuedAt ?? 0) * 1000,
          current: !replaced.has(v.versionId),
          state: verification.state(v.opId, v.versionId),
        })),
        verification: verificationView,
      };
    },
    async verify(session, patient, offline) {
      const summary = deps.patients.get(session.index, patient);
      const name = [summary.family, summary.given].filter((part) => part !== '').join(', ');
      const onProgress = (done: number, total: number) =>
        facts.tell('progress', { job: `verify:${patient}`, label: 'Checking', done, total });
      // Asked for now, their names are here by the end.
      for (const author of new Set(store.operations({ kinds: ['Commit'], patient }).map(({ operation }) => operation.actor)))
        authorOf(author);
      try {
        const verdict = await verification.verifyPatient(patient, keysIn(session.index), offline, onProgress);
        const failures = verdict.failures.map(({ operation, ...failure }) => ({
          ...failure,
          title: failure.recordId === null ? '' : (session.index.versions(failure.recordId).at(-1)?.title ?? ''),
          author: authorOf(operation.operation.actor).name,
          issuedAt: operation.operation.issuedAt,
        }));
        const asOfBlock = store.followedBlocks(1)[0]?.number ?? null;
        return { patient, name, asOfBlock, ledger: deps.ledgerState(), offline, ...verdict, failures };
      } finally {
        facts.tell('patientChanged', { patient });
      }
    },
    async contents(session, patient) {
      const byOperation = new Map<string, RecordRow[]>();
      for (const row of session.index.records({ patient, limit: 1_000_000 })) {
        const rows = byOperation.get(row.opId);
        if (rows) rows.push(row);
        else byOperation.set(row.opId, [row]);
      }
      const result: { row: RecordRow; json: string }[] = [];
      for (const [opId, rows] of byOperation) {
        const commit = await openCommit(session, opId);
        const contents = await reader.contents(commit);
        for (const row of rows) {
          const content = contents[commit.entries.findIndex((entry) => entry.versionId === row.versionId)];
          if (content instanceof AppError) throw content;
          if (!content) throw new AppError('TAMPERED', 'The commit does not hold this record.');
          result.push({ row, json: new TextDecoder().decode(content) });
        }
      }
      return result;
    },
  };

  function problemsOf(session: Session, patient: string): ChartView['problemsWithRecords'] {
    const refused = store
      .operations({ kinds: ['Commit'], patient, states: ['rejected'] })
      .filter((o) => o.operation.actor === session.account)
      .map((o) => ({
        commit: `0x${o.operation.payload.slice(-64)}`,
        author: authorOf(o.operation.actor).name,
        chip: 'refused' as const,
        reason: explainRefusal(o.rejectReason),
      }));
    const failed = deps.indexer
      .failures(patient)
      .map((f) => ({ commit: f.commit, author: authorOf(f.author).name, chip: f.chip, reason: f.reason }));
    return [...failed, ...refused];
  }
}

/** Compartment and epoch of a Commit: the second and third word of its payload. */
function commitTarget(operation: StoredOperation): { compartment: string; epoch: number } {
  const words = operation.operation.payload.slice(2);
  return { compartment: `0x${words.slice(64, 128).toLowerCase()}`, epoch: Number.parseInt(words.slice(128, 192), 16) };
}
