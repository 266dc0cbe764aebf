import { consentKinds, createConsents } from '../../src-main/core/services/consents.ts';
import { createDirectory } from '../../src-main/core/services/directory.ts';
import { createPublisher } from '../../src-main/core/services/publisher.ts';
import { createRecords, type RecordToSave } from '../../src-main/core/services/records.ts';
import { createSigning } from '../../src-main/core/services/signing.ts';
import type { Workstation } from './clinic.ts';

/** The services of a save, put together as workstation.ts does it, over the parts of a running workstation. */
export function saving({ core }: Workstation) {
  const { store, codec, crypto, network, clock, ipfs, facts, directory, indexer, sessions } = core.workstation;
  const workstation = store.workstation;
  const consents = createConsents(workstation, codec, directory, crypto);
  facts.on('operations', ({ kinds }) => {
    if ([...kinds].some((kind) => consentKinds.has(kind))) consents.invalidate();
  });
  const signing = createSigning(workstation, codec, crypto, network, createDirectory(workstation, codec), clock);
  const records = createRecords({
    store: workstation,
    ipfs,
    crypto,
    consents,
    signing,
    network,
    clock,
    keysOpened: () => indexer.settled(),
  });
  const publisher = createPublisher(workstation, ipfs, facts, (error) => {
    throw error;
  });
  return async (patient: string, record: RecordToSave): Promise<void> => {
    const session = sessions.require();
    const commits = await records.prepareAll(session.keys, session.index, patient, [record]);
    publisher.publish(
      commits.flatMap((c) => c.blocks),
      commits.map((c) => c.operation),
    );
    indexer.addOwn(session, commits);
    facts.tell('patientChanged', { patient });
  };
}
