/** The lines of patients in lists and search: they say what the registered demographics say now; where several versions stand, the same one everywhere. */
import type { AccountIndexPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import type { CommitReader } from './commit-reader.ts';
import { isOfContent, isUnreachable } from './content-errors.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import { patientRowsOf } from './patient-rows.ts';
import { primaryRecordId } from './record-ids.ts';
import type { Session, Sessions } from './sessions.ts';

interface ReadRecord {
  readonly patient: string;
  readonly recordId: string;
  readonly versionId: string;
  readonly resourceType: string;
  readonly json: string;
}

export interface PatientLines {
  /**
   * Writes the lines that records bring, before these are noted as read: afterwards nothing would bring them. Gives the patients of whom other versions are
   * known, so that it has to be looked which one stands.
   */
  add(index: AccountIndexPort, records: readonly ReadRecord[]): readonly string[];
  /** Brings a line to what stands now. Where this fails, `refreshStale` does it again. */
  refresh(session: Session, patient: string): Promise<void>;
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

  const refreshNow = async (session: Session, patient: string): Promise<void> => {
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

  const refresh: PatientLines['refresh'] = async (session, patient) => {
    stale.add(patient);
    await refreshNow(session, patient);
    stale.delete(patient);
  };

  return {
    add(index, records) {
      const rows = patientRowsOf(records, index, crypto);
      const own = new Set(records.map(({ versionId }) => versionId));
      const hasOthers = (patient: string) => {
        const others = index.versions(primaryRecordId(patient, crypto)).filter(({ versionId }) => !own.has(versionId));
        return others.length > 0;
      };
      const corrected = rows.filter(({ patient }) => hasOthers(patient));
      index.upsertPatients(rows.filter((row) => !corrected.includes(row)));
      if (rows.length > 0) facts.tell('patientsChanged', null);
      return corrected.map(({ patient }) => patient);
    },
    refresh,
    async refreshStale(session) {
      for (const patient of [...stale]) {
        if (sessions.current() !== session) return;
        try {
          await refresh(session, patient);
        } catch (error) {
          if (!isOfContent(error)) throw error;
          // What is wrong with it is told where records are read; what is away may come.
          if (!isUnreachable(error)) stale.delete(patient);
        }
      }
    },
    get hasStale() {
      return stale.size > 0;
    },
    clear: () => stale.clear(),
  };
}
