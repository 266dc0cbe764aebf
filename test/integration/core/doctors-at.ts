/** What doctors of a clinic without a ledger do in tests: save a record of one category, and see which of them they have. */
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { Ledgerless } from './ledgerless.ts';

export const category = 'problems-and-encounters' as const;

/** @param place which there is when the functions are called. */
export function doctorsAt(place: () => Ledgerless) {
  const doctor = (i: number) => {
    const found = place().doctors[i];
    if (!found) throw new Error(`There is no doctor ${i}.`);
    return found;
  };
  /** Saved, and waiting for the ledger. The version's id. */
  const save = (i: number, patient: string): Promise<string> =>
    place().as(doctor(i).secret, async (session) => {
      const { records, publisher } = place().w;
      const versionId = crypto.randomUUID();
      const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
      const record = { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category, json };
      const commits = await records.prepareAll(session.keys, session.index, patient, [record]);
      publisher.publish(
        commits.flatMap(({ blocks }) => blocks),
        commits.map(({ operation }) => operation),
      );
      return versionId;
    });
  return {
    doctor,
    grantee: (i: number) => granteeOfAccount(doctor(i).account),
    save,
    /** Saved and anchored. */
    async write(i: number, patient: string): Promise<string> {
      const versionId = await save(i, patient);
      place().anchor();
      return versionId;
    },
    /** Ids of the versions that a doctor has in the list. */
    readBy: (i: number, patient: string): Promise<string[]> =>
      place().as(doctor(i).secret, ({ index }) =>
        index
          .records({ patient, categories: [category], limit: 100 })
          .map(({ versionId }) => versionId)
          .sort(),
      ),
  };
}
