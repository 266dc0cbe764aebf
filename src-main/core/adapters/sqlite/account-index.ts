/**
 * One account's index: decrypted metadata and search under a key from that person's seed. It can be rebuilt from ledger and blocks; the
 * drafts cannot, so they lie in a database of their own beside it and survive a rebuild.
 */
import type { Category } from '../../../../src-shared/categories.ts';
import type { AccountIndexPort, DraftRow, KekRow } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db } from './database.ts';
import { translating } from './errors.ts';
import { PatientTable } from './patient-table.ts';
import { RecordTable } from './record-table.ts';

/**
 * The port over two open, migrated databases; `close` closes both.
 * @param onDamaged called when a damaged page is met later than at opening.
 */
export function accountIndex(db: Db, draftsDb: Db, onDamaged: () => void, onClose: () => void): AccountIndexPort {
  const patients = new PatientTable(db);
  const records = new RecordTable(db);
  const addKek = db.prepare(
    'INSERT INTO keks (patient, compartment, category, epoch, kek) VALUES (?, ?, ?, ?, ?) ON CONFLICT (patient, compartment, epoch, kek) DO NOTHING',
  );
  const removeKeks = db.prepare('DELETE FROM keks WHERE patient = ?');
  const kekColumns = 'SELECT patient, compartment, category, epoch, kek FROM keks';
  const allKeks = db.prepare(`${kekColumns} ORDER BY patient, compartment, epoch, id`);
  const keksOfPatient = db.prepare(`${kekColumns} WHERE patient = ? ORDER BY compartment, epoch, id`);
  const keksOfCompartment = db.prepare(`${kekColumns} WHERE compartment = ? ORDER BY patient, epoch, id`);
  const keksOfBoth = db.prepare(`${kekColumns} WHERE patient = ? AND compartment = ? ORDER BY epoch, id`);
  const cursor = db.prepare('SELECT value FROM cursors WHERE name = ?').pluck();
  const setCursor = db.prepare('INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  const compartments = db.prepare('SELECT DISTINCT compartment FROM keks');
  const saveDraft = draftsDb.prepare(`
    INSERT INTO drafts (id, patient, kind, json, updated_at) VALUES (@id, @patient, @kind, @json, @updatedAt)
    ON CONFLICT (id) DO UPDATE SET patient = @patient, kind = @kind, json = @json, updated_at = @updatedAt`);
  const draftColumns = 'SELECT id, patient, kind, json, updated_at AS updatedAt FROM drafts';
  const allDrafts = draftsDb.prepare(`${draftColumns} ORDER BY updated_at DESC`);
  const draftsOf = draftsDb.prepare(`${draftColumns} WHERE patient = ? ORDER BY updated_at DESC`);
  const deleteDraft = draftsDb.prepare('DELETE FROM drafts WHERE id = ?');

  const keks = ({ patient, compartment }: { readonly patient?: string; readonly compartment?: string }): unknown[] => {
    if (compartment === undefined) return patient === undefined ? allKeks.all() : keksOfPatient.all(patient);
    const id = bytesOfHex(compartment, 'compartment', 32);
    return patient === undefined ? keksOfCompartment.all(id) : keksOfBoth.all(patient, id);
  };

  return translating<AccountIndexPort>(
    'account index',
    {
      upsertPatients: (rows) => patients.upsertPatients(rows),
      patient: (patient) => patients.patient(patient),
      patients: (options) => patients.patients(options),
      countPatients: () => patients.countPatients(),
      searchPatients: (text, limit) => patients.searchPatients(text, limit),
      addKeks(rows) {
        db.transaction(() => {
          for (const { patient, compartment, category, epoch, kek } of rows) {
            addKek.run(patient, bytesOfHex(compartment, 'compartment', 32), category, epoch, kek);
          }
        }).immediate();
      },
      forgetPatient(patient) {
        db.transaction(() => {
          removeKeks.run(patient);
          records.removePatient(patient);
          patients.removePatient(patient);
        }).immediate();
      },
      keks(filter) {
        const rows = keks(filter) as { patient: string; compartment: Uint8Array; category: Category; epoch: number; kek: Uint8Array }[];
        return rows.map((row): KekRow => ({ ...row, compartment: hexOfBytes(row.compartment), kek: new Uint8Array(row.kek) }));
      },
      compartments: () => (compartments.pluck().all() as Uint8Array[]).map(hexOfBytes),
      addRecords: (commit, rows) => records.addRecords(commit, rows),
      commitIndexed: (commit) => records.commitIndexed(commit),
      records: (filter) => records.records(filter),
      countRecords: (patient) => records.countRecords(patient),
      searchRecords: (patient, text, limit) => records.searchRecords(patient, text, limit),
      conflicts: (limit) => records.conflicts(limit),
      currentVersions: (patient, category, recordId) => records.currentVersions(patient, category, recordId),
      appointments: (from, limit) => records.appointments(from, limit),
      versions: (recordId) => records.versions(recordId),
      version: (versionId) => records.version(versionId),
      removeCommit: (commit) => records.removeCommit(commit),
      cursor: (name) => (cursor.get(name) as number | undefined) ?? 0,
      setCursor(name, value) {
        setCursor.run(name, value);
      },
      saveDraft(draft) {
        saveDraft.run(draft);
      },
      drafts: (patient) => (patient === undefined ? allDrafts.all() : draftsOf.all(patient)) as DraftRow[],
      deleteDraft(id) {
        deleteDraft.run(id);
      },
      close() {
        db.close();
        draftsDb.close();
        onClose();
      },
    },
    onDamaged,
  );
}
