/** The lines of patients in lists and search: they say what the registered demographics say now; where several versions stand, the same one everywhere. */
import type { AccountIndexPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import type { CommitReader } from './commit-reader.ts';
import { isOfContent, isUnreachable } from './content-errors.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import { patientRowsOf } from './patient-rows.ts';
import { primaryRecordId } from './record-ids.ts';
import type { TakenRecord } from './records.ts';
import type { Session, Sessions } from './sessions.ts';

export interface PatientLines {
  /**
   * Writes the lines that records bring, before these are noted as read: afterwards nothing would bring them. Where another version may stand, the line is stale
   * until `refreshStale`.
   */
  add(index: AccountIndexPort, records: readonly TakenRecord[]): void;
  /** Brings stale lines to what stands now. What is away or fails stays stale. */
  refreshStale(session: Session): Promise<void>;
  readonly hasStale: boolean;
  /** The session ended. */
  clear(): void;
}

export function createPatientLines(deps: {
  readonly store: Pick<WorkstationStorePort, 'operation'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly sessions: Pick<Sessions, 'current'>;
  readonly facts: FactBus;
  /** How long a block from elsewhere is waited for, milliseconds. */
  readonly fetchTimeoutMs: number;
}): PatientLines {
  const { store, crypto, codec, reader, sessions, facts, fetchTimeoutMs } = deps;
  const stale = new Set<string>();

  const refresh = async (session: Session, patient: string): Promise<void> => {
    const [version] = session.index.currentVersions(patient, 'demographics', primaryRecordId(patient, crypto));
    const operation = version && store.operation(version.opId);
    const decoded = operation && codec.decodePayload(operation.operation);
    if (!version || !operation || decoded?.kind !== 'Commit') return;
    const { compartment, epoch } = decoded.payload;
    if (session.index.keks({ compartment }).every((key) => key.epoch !== epoch)) return;
    const commit = await reader.open(operation, keysIn(session.index), { timeoutMs: fetchTimeoutMs });
    const entry = commit.entries.find((one) => one.versionId === version.versionId);
    if (!entry) return;
    const json = new TextDecoder().decode(await reader.content(commit, entry, { timeoutMs: fetchTimeoutMs }));
    if (sessions.current() !== session) return;
    // Another version came while this one was being read: whoever brought it reads that one.
    if (session.index.currentVersions(patient, 'demographics', version.recordId)[0]?.versionId !== version.versionId) return;
    session.index.upsertPatients(patientRowsOf([{ ...version, json }], session.index, crypto));
    facts.tell('patientsChanged', null);
  };

  /** Whether a new version leaves no other one standing, as far as is known. */
  const standsAlone = (index: AccountIndexPort, patient: string, records: readonly TakenRecord[]): boolean => {
    const recordId = primaryRecordId(patient, crypto);
    const own = new Set(records.map(({ versionId }) => versionId));
    const replaced = new Set(records.flatMap((record) => (record.recordId === recordId ? record.previous : [])));
    const standing = index.currentVersions(patient, 'demographics', recordId);
    return standing.every(({ versionId }) => own.has(versionId) || replaced.has(versionId));
  };

  return {
    add(index, records) {
      const rows = patientRowsOf(records, index, crypto);
      const alone = rows.filter(({ patient }) => standsAlone(index, patient, records));
      for (const row of rows) if (!alone.includes(row)) stale.add(row.patient);
      index.upsertPatients(alone);
      if (alone.length > 0) facts.tell('patientsChanged', null);
    },
    async refreshStale(session) {
      for (const patient of [...stale]) {
        if (sessions.current() !== session) return;
        // Before: another version that comes meanwhile makes it stale again.
        stale.delete(patient);
        try {
          await refresh(session, patient);
        } catch (error) {
          // What is wrong with it is told where records are read; what is away may come, and a full disk passes.
          if (!isOfContent(error) || isUnreachable(error)) stale.add(patient);
          if (!isOfContent(error)) throw error;
        }
      }
    },
    get hasStale() {
      return stale.size > 0;
    },
    clear: () => stale.clear(),
  };
}
