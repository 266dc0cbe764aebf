/**
 * Correcting what was recorded: a new version that names the versions it replaces. Nothing is overwritten. A version that the person had not seen is not
 * named, so it stays beside the new one until somebody has looked at both; choosing or editing one of them names all that were seen.
 */
import { correctedJson, demographicsOf } from '../../../src-shared/fhir/corrections.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { Correction, Demographics } from '../../../src-shared/ipc-schema.ts';
import type { DetailsVersion, SavedRecords } from '../../../src-shared/view-types.ts';
import type { RecordCryptoPort, RecordRow, WorkstationStorePort } from '../ports.ts';
import type { Chart } from './chart.ts';
import type { FactBus } from './facts.ts';
import type { Indexer } from './indexer.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import type { Publisher } from './publisher.ts';
import { primaryRecordId, randomId } from './record-ids.ts';
import { savedRecords, type Records } from './records.ts';
import type { Session } from './sessions.ts';
import type { PreparedOperation } from './signing.ts';

export interface Correcting {
  readonly patient: string;
  readonly recordId: string;
  /** Version whose content is chosen or changed. */
  readonly base: string;
  /** Current versions that the person saw. */
  readonly previous: readonly string[];
  readonly correction: Correction;
}

export interface Corrections {
  /** Throws NOT_FOUND, INVALID_INPUT (not of the kind that is corrected; nothing to decide), CONSENT_MISSING, KEY_MISSING; then nothing was saved. */
  correct(session: Session, correcting: Correcting): Promise<SavedRecords>;
  /** Current versions of the registered demographics. Throws NOT_FOUND. */
  details(session: Session, patient: string): Promise<DetailsVersion[]>;
  /** Throws also ALREADY_EXISTS where somebody else has an identifier that was added. */
  correctDetails(
    session: Session,
    patient: string,
    base: string,
    previous: readonly string[],
    demographics: Demographics,
  ): Promise<SavedRecords>;
}

export function createCorrections(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: RecordCryptoPort;
  readonly chart: Pick<Chart, 'content' | 'authorOf'>;
  readonly claims: Pick<IdentifierClaims, 'changes'>;
  readonly records: Records;
  readonly publisher: Publisher;
  readonly indexer: Indexer;
  readonly facts: FactBus;
  /** Other registrations of the same person. */
  readonly othersOf: (patient: string) => readonly string[];
}): Corrections {
  const { store, crypto, chart, claims, records, publisher, indexer, facts } = deps;

  const baseOf = ({ index }: Session, { patient, recordId, base, previous }: Omit<Correcting, 'correction'>): RecordRow => {
    const charts = new Set([patient, ...deps.othersOf(patient)]);
    const row = index.versions(recordId).find((version) => version.versionId === base && charts.has(version.patient));
    if (!row) throw new AppError('NOT_FOUND', 'This record is not in your index. It may not be shared with you. Nothing was saved.');
    const known = new Set(
      index.versions(recordId).flatMap((v) => (v.patient === row.patient && v.category === row.category ? [v.versionId] : [])),
    );
    if (!previous.every((versionId) => known.has(versionId)))
      throw new AppError('NOT_FOUND', 'A version that this should replace is not here. Open the record again. Nothing was saved.');
    return row;
  };

  const save = async (
    session: Session,
    row: RecordRow,
    previous: readonly string[],
    json: string,
    also: { readonly operations: readonly PreparedOperation[]; readonly replaces: readonly string[] },
  ): Promise<SavedRecords> => {
    const { patient, recordId, resourceType, category } = row;
    const version = { recordId, versionId: randomId(crypto), previous: [...new Set(previous)], resourceType, category, json };
    const commits = await records.prepareAll(session.keys, session.index, patient, [version]);
    publisher.publish(
      commits.flatMap((commit) => commit.blocks),
      [...also.operations, ...commits.map((commit) => commit.operation)],
      also.replaces,
    );
    await publisher.follow(() => indexer.addOwn(session, commits));
    facts.tell('patientChanged', { patient });
    return savedRecords(commits);
  };
  const nothing = { operations: [], replaces: [] };

  const details = async (session: Session, patient: string): Promise<{ row: RecordRow; json: string }[]> => {
    const rows = session.index.currentVersions(patient, 'demographics', primaryRecordId(patient, crypto));
    if (rows.length === 0) throw new AppError('NOT_FOUND', 'The details of this patient are not shared with this clinic.');
    return Promise.all(rows.map(async (row) => ({ row, json: await chart.content(session, row) })));
  };

  return {
    async correct(session, correcting) {
      const { correction, previous } = correcting;
      const row = baseOf(session, correcting);
      const json = await chart.content(session, row);
      if (correction.kind === 'demographics')
        return this.correctDetails(session, row.patient, row.versionId, previous, correction.demographics);
      if (correction.kind === 'choose') {
        if (previous.length < 2)
          throw new AppError('INVALID_INPUT', 'There is only one version, so there is nothing to choose. Nothing was saved.');
        return save(session, row, previous, json, nothing);
      }
      const corrected = correctedJson(json, correction);
      if (corrected === null)
        throw new AppError(
          'INVALID_INPUT',
          'A record of this kind cannot be corrected in this way. Nothing was saved; what you typed is kept.',
        );
      return save(session, row, previous, corrected, nothing);
    },
    async details(session, patient) {
      const versions = await details(session, patient);
      return versions.map(({ row, json }) => {
        const { name, organization } = chart.authorOf(row.author);
        const at = store.operation(row.opId)?.operation.issuedAt ?? 0;
        return { versionId: row.versionId, author: name, organization, at, demographics: demographicsOf(json) };
      });
    },
    async correctDetails(session, patient, base, previous, demographics) {
      const recordId = primaryRecordId(patient, crypto);
      const row = baseOf(session, { patient, recordId, base, previous });
      const before = await details(session, row.patient);
      const json = correctedJson(await chart.content(session, row), { kind: 'demographics', demographics });
      if (json === null) throw new AppError('INVALID_INPUT', 'This is not a record of a patient. Nothing was saved.');
      const identifiers = before.flatMap((version) => demographicsOf(version.json).identifiers);
      const changes = claims.changes(session, row.patient, identifiers, demographics.identifiers, deps.othersOf(row.patient));
      return save(session, row, previous, json, changes);
    },
  };
}
