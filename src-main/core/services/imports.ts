/**
 * Importing a history from a FHIR R4 Bundle: everything of a supported type exactly as it came, or nothing at all. What is not supported is listed by
 * type and count. Importing the same file twice adds nothing; a changed resource becomes a new version.
 */
import type { Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { patientRowOf, samePatient } from '../../../src-shared/fhir/patient.ts';
import type { ImportPreview, ImportResult } from '../../../src-shared/view-types.ts';
import type { PatientRow, RecordCryptoPort } from '../ports.ts';
import type { Chart } from './chart.ts';
import type { FactBus } from './facts.ts';
import { parseBundle, type ParsedBundle } from './import/bundle.ts';
import { recordIdOf } from './import/record-identity.ts';
import type { Indexer } from './indexer.ts';
import { summaryOf } from './patients.ts';
import type { Publisher } from './publisher.ts';
import { randomId } from './record-ids.ts';
import type { Records, RecordToSave } from './records.ts';
import type { Session } from './sessions.ts';

export interface Imports {
  /** Parses and compares; nothing is saved. `patient` null: the Bundle's patient is not asked about. */
  preview(session: Session, bytes: Uint8Array, patient: string | null): Promise<Omit<ImportPreview, 'file' | 'fileName'>>;
  run(session: Session, bytes: Uint8Array, patient: string): Promise<ImportResult>;
  patientOf(bytes: Uint8Array): PatientRow;
}

export function createImports(deps: {
  readonly crypto: RecordCryptoPort;
  readonly records: Records;
  readonly publisher: Publisher;
  readonly indexer: Indexer;
  readonly chart: Chart;
  readonly facts: FactBus;
}): Imports {
  const { crypto, records, publisher, indexer, chart, facts } = deps;

  const bundlePatient = (bundle: ParsedBundle) => patientRowOf(bundle.patient.resource, '');

  const isSame = (session: Session, bundle: ParsedBundle, patient: string): boolean => {
    const known = session.index.patient(patient);
    return known !== undefined && samePatient(known, bundlePatient(bundle));
  };

  /** What is new, with the versions it replaces; what is here unchanged is only counted. */
  const plan = async (session: Session, bundle: ParsedBundle, patient: string) => {
    const ids = bundle.entries.map((entry) => recordIdOf(patient, entry, crypto));
    const existing = new Map<string, { versionId: string; json: string }[]>();
    if (ids.some((id) => session.index.versions(id).length > 0)) {
      for (const { row, json } of await chart.contents(session, patient)) {
        existing.set(row.recordId, [...(existing.get(row.recordId) ?? []), { versionId: row.versionId, json }]);
      }
    }
    const toSave = new Map<string, RecordToSave>();
    let alreadyHere = 0;
    bundle.entries.forEach((entry, i) => {
      const recordId = ids[i] ?? '';
      const before = existing.get(recordId) ?? [];
      if (before.some((version) => version.json === entry.json)) {
        alreadyHere += 1;
        return;
      }
      const { resourceType, category, json } = entry;
      const previous = before.map((version) => version.versionId);
      toSave.set(recordId, { recordId, versionId: randomId(crypto), previous, resourceType, category, json });
    });
    return { toSave: [...toSave.values()], alreadyHere };
  };

  return {
    patientOf: (bytes) => bundlePatient(parseBundle(bytes)),
    async preview(session, bytes, patient) {
      const bundle = parseBundle(bytes);
      const planned = patient ? await plan(session, bundle, patient) : { toSave: [], alreadyHere: 0 };
      const supported = new Map<string, { resourceType: string; category: Category; count: number }>();
      for (const { resourceType, category } of bundle.entries) {
        const key = `${resourceType}/${category}`;
        supported.set(key, { resourceType, category, count: (supported.get(key)?.count ?? 0) + 1 });
      }
      const needed = [...new Set(planned.toSave.map((record) => record.category))];
      return {
        bundlePatient: summaryOf(bundlePatient(bundle)),
        match: !patient ? 'not-asked' : isSame(session, bundle, patient) ? 'same' : 'different',
        supported: [...supported.values()].sort((a, b) => b.count - a.count),
        unsupported: bundle.unsupported,
        alreadyHere: planned.alreadyHere,
        missingConsent: patient ? records.missing(session.account, session.index, patient, needed) : [],
      };
    },
    async run(session, bytes, patient) {
      const bundle = parseBundle(bytes);
      if (!session.index.patient(patient))
        throw new AppError('NOT_FOUND', 'This patient is not known here yet. Open the chart, then import again; nothing was imported.');
      if (!isSame(session, bundle, patient)) {
        const { family, given, birthDate } = bundlePatient(bundle);
        const about = [given, family].filter((part) => part !== '').join(' ') || 'a patient without a name';
        throw new AppError(
          'FILE_OTHER_PATIENT',
          `This file is about ${about.slice(0, 200)}, born ${birthDate || 'on an unknown date'}, not about the patient of this chart. Nothing was imported.`,
        );
      }
      const { toSave, alreadyHere } = await plan(session, bundle, patient);
      facts.tell('progress', { job: `import:${patient}`, label: 'Encrypting and signing', done: 0, total: toSave.length });
      const commits = await records.prepareAll(session.keys, session.index, patient, toSave);
      publisher.publish(
        commits.flatMap((c) => c.blocks),
        commits.map((c) => c.operation),
      );
      await publisher.follow(() => indexer.addOwn(session, commits));
      facts.tell('progress', { job: `import:${patient}`, label: 'Saved', done: toSave.length, total: toSave.length });
      facts.tell('patientChanged', { patient });
      const imported = new Map<string, number>();
      for (const { resourceType } of toSave) imported.set(resourceType, (imported.get(resourceType) ?? 0) + 1);
      return {
        imported: [...imported].map(([resourceType, count]) => ({ resourceType, count })).sort((a, b) => b.count - a.count),
        unsupported: bundle.unsupported,
        alreadyHere,
        commits: commits.length,
      };
    },
  };
}
