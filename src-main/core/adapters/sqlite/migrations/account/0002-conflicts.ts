/** Records of which several versions are current at once, kept as they come, and appointments by their time. */
import type { Migration } from '../../migrate.ts';

export const conflicts: Migration = {
  version: 2,
  sql: `
    CREATE TABLE conflicts (
      patient   TEXT NOT NULL COLLATE NOCASE,
      category  TEXT NOT NULL,
      record_id TEXT NOT NULL,
      PRIMARY KEY (patient, category, record_id)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO conflicts (patient, category, record_id)
      SELECT patient, category, record_id FROM records
      WHERE NOT EXISTS (SELECT 1 FROM replaced WHERE replaced.version_id = records.version_id AND replaced.patient = records.patient
        AND replaced.category = records.category AND replaced.record_id = records.record_id)
      GROUP BY patient, category, record_id HAVING count(*) > 1;

    CREATE INDEX records_appointments ON records (date) WHERE resource_type = 'Appointment';
  `,
};
