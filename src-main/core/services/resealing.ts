/**
 * Commits that the ledger refused because their epoch had passed, or their author's key: somebody's access was revoked, or the key was replaced elsewhere,
 * while they were on their way. Their entries (not the contents) are sealed under the key of the epoch in force and signed again, as soon as the author is logged
 * in and has both keys. Nothing typed is lost, and nobody enters anything again.
 */
import type { OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { CommitReader } from './commit-reader.ts';
import type { Consents } from './consents.ts';
import { keyInForce } from './epoch-keys.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import { keysIn } from './held-keys.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import { recordRow } from './record-rows.ts';
import { commitDigest } from './records.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface Resealing {
  /** Resolves when everything that can be sealed again now has been. */
  settled(): Promise<void>;
}

export function createResealing(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly consents: Consents;
  readonly network: NetworkService;
  readonly directory: Directory;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Resealing {
  const { store, crypto, codec, reader, consents, signing, publisher, sessions, facts } = deps;
  let running: Promise<void> | null = null;

  /** Signed here with a key that was replaced meanwhile, by somebody who has the new one by now. */
  const isByFormerKey = ({ keys }: Session, { operation, predecessor, rejectReason }: StoredOperation): boolean => {
    if (predecessor !== null || !rejectReason?.startsWith('SignatureWrong')) return false;
    const signer = deps.directory.signer(operation.actor);
    const signed = codec.recover(codec.digest(deps.network.require().config, operation), operation.signatures[0] ?? '');
    return signed !== signer && keys.signers.includes(signer) && signed !== null && keys.signers.includes(signed);
  };

  const refused = (session: Session) =>
    store
      .operations({ kinds: ['Commit'], actor: session.account, states: ['rejected'] })
      .filter((stored) => stored.origin === 'here' && (stored.rejectReason?.startsWith('EpochPassed') || isByFormerKey(session, stored)));

  /** A parent that was itself sealed again is gone under its old name: this commit then follows the newest one, as one written now would. */
  const parentsNow = (compartment: string, parents: readonly string[]): string[] => {
    const commits = store
      .operations({ kinds: ['Commit'], compartment, states: ['pending', 'submitted', 'mined', 'final'], order: 'seq' })
      .map(({ operation }) => crypto.cidOfDigest(commitDigest(operation.payload)));
    const known = parents.filter((parent) => commits.includes(parent));
    return known.length === parents.length ? known : [...new Set([...known, ...commits.slice(-1)])];
  };

  const sealAgain = async (session: Session, operation: StoredOperation): Promise<void> => {
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Commit') return;
    const { patient, compartment, epoch: passed } = decoded.payload;
    const epoch = consents.epoch(patient, compartment);
    const keks = session.index.keks({ compartment });
    const before = keks.filter((k) => k.epoch === passed);
    const now = keyInForce(crypto, consents.of(patient).get(compartment), keks);
    // The new key has not come yet, or never will because this author's own access has ended: the commit stays refused and shown.
    if (before.length === 0 || !now || (epoch === passed && !isByFormerKey(session, operation))) return;
    const old = await reader.open(operation, keysIn(session.index), { offline: true });
    const contents = await reader.contents(old, { offline: true });
    if (sessions.current() !== session) return;
    const parents = parentsNow(compartment, old.header.parents);
    const header = { ...old.header, parents, epoch, issuedAt: Math.floor(deps.clock() / 1000) };
    const block = crypto.encodeCommit(header, old.pack, old.entries, now.kek);
    const payload = { ...decoded.payload, epoch, commit: block.digest };
    const prepared = signing.make('Commit', payload, operation.label, session.keys, { opId: block.digest });
    publisher.publish([block], [prepared], [operation.operation.opId]);
    const { opId } = prepared.operation;
    const context = { patient, author: session.account, commit: block.digest, opId, position: store.operation(opId)?.seq ?? 0 };
    session.index.removeCommit(commitDigest(operation.operation.payload));
    session.index.addRecords(
      block.digest,
      old.entries.map((entry, i) => {
        const content = contents[i];
        return recordRow(entry, content instanceof Uint8Array ? new TextDecoder().decode(content) : '', now.category, context);
      }),
    );
    facts.tell('patientChanged', { patient });
  };

  const run = async (session: Session): Promise<void> => {
    try {
      for (const operation of refused(session)) await sealAgain(session, operation);
    } catch (error) {
      if (sessions.current() === session) deps.report(error);
    } finally {
      running = null;
    }
  };

  const wake = () => {
    const session = sessions.current();
    if (session && !running && refused(session).length > 0) running = run(session);
  };
  sessions.onBegin(wake);
  facts.on('operations', wake);
  // New keys arrive with their envelopes.
  facts.on('patientChanged', wake);

  return {
    async settled() {
      while (running) await running;
    },
  };
}
