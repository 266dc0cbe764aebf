/** Writing in the chart: an encounter with its diagnoses and note, saved together as one act. */
import { encounterResources } from '../../../src-shared/fhir/encounter.ts';
import { categoryOf } from '../../../src-shared/fhir/resource-types.ts';
import type { EncounterInput } from '../../../src-shared/ipc-schema.ts';
import type { SavedRecords } from '../../../src-shared/view-types.ts';
import type { RecordCryptoPort } from '../ports.ts';
import type { Drafts } from './drafts.ts';
import type { FactBus } from './facts.ts';
import type { Indexer } from './indexer.ts';
import type { Publisher } from './publisher.ts';
import { primaryRecordId, randomId } from './record-ids.ts';
import { savedRecords, type Records, type RecordToSave } from './records.ts';
import type { Session } from './sessions.ts';

export interface Consultations {
  /** Throws CONSENT_MISSING or KEY_MISSING before anything is saved; the draft stays until the save is durable. */
  saveEncounter(session: Session, input: EncounterInput): Promise<SavedRecords>;
}

export function createConsultations(deps: {
  readonly crypto: RecordCryptoPort;
  readonly drafts: Pick<Drafts, 'note'>;
  readonly records: Records;
  readonly publisher: Publisher;
  readonly indexer: Indexer;
  readonly facts: FactBus;
  readonly clock: () => number;
  /** Name of this workstation's clinic. */
  readonly clinicName: () => string;
}): Consultations {
  const { crypto, drafts, records, publisher, indexer, facts } = deps;
  return {
    async saveEncounter(session, input) {
      const author = { account: session.account, name: session.name };
      const patientRecord = primaryRecordId(input.patient, crypto);
      const resources = encounterResources(input, () => randomId(crypto), author, deps.clinicName(), patientRecord, deps.clock());
      const toSave = resources.map(({ recordId, resource }): RecordToSave => {
        const category = categoryOf(resource) ?? 'problems-and-encounters';
        const { resourceType } = resource;
        return { recordId, versionId: randomId(crypto), previous: [], resourceType, category, json: JSON.stringify(resource) };
      });
      const commits = await records.prepareAll(session.keys, session.index, input.patient, toSave);
      const [first] = commits;
      if (input.draft && first) drafts.note(session, input.draft, first.operation.operation.opId);
      publisher.publish(
        commits.flatMap((c) => c.blocks),
        commits.map((c) => c.operation),
      );
      await publisher.follow(() => {
        indexer.addOwn(session, commits);
        if (input.draft) session.index.deleteDraft(input.draft);
      });
      facts.tell('patientChanged', { patient: input.patient });
      return savedRecords(commits);
    },
  };
}
