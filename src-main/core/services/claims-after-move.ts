/**
 * Claims identifiers again after a move: the clinic's former network had another key for them, so under this one nobody finds its patients by number. A registrar's
 * log-in does it, in slices, until all of the patients who were registered in the former network are through; what was claimed once is not claimed again.
 */
import type { OperationCodecPort, WorkstationStorePort } from '../ports.ts';
import type { Directory } from './directory.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import type { Indexer } from './indexer.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Session, Sessions } from './sessions.ts';
import type { PreparedOperation } from './signing.ts';

/** Id of the network in which all have been claimed. */
const claimedSetting = 'identifiersClaimedIn';
const perSave = 50;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

export function claimAfterMove(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly network: NetworkService;
  readonly directory: Pick<Directory, 'roles'>;
  readonly claims: IdentifierClaims;
  readonly publisher: Publisher;
  readonly indexer: Pick<Indexer, 'settled'>;
  readonly sessions: Sessions;
  readonly organization: () => string;
  readonly report: (error: unknown) => void;
}): void {
  const { store, codec, network, claims, sessions } = deps;

  /** Patients whom the clinic registered in its former network. */
  const broughtAlong = (): string[] =>
    store.operations({ kinds: ['RegisterPatient'], organization: deps.organization() }).flatMap(({ operation, predecessor, state }) => {
      const decoded = codec.decodePayload(operation);
      return decoded.kind === 'RegisterPatient' && predecessor !== null && state !== 'rejected' ? [decoded.payload.patient] : [];
    });

  /** Also where somebody else has claimed it here: the ledger refuses that, and the two registrations are shown under "Needs attention". */
  const missing = (session: Session, patient: string): PreparedOperation[] | null => {
    const row = session.index.patient(patient);
    if (!row) return null;
    return row.identifiers
      .map(({ system, value }) => claims.digestOf(system, value))
      .filter((digest) => store.operations({ kinds: ['ClaimIdentifier'], digest, patient }).length === 0)
      .map((digest) => claims.operation(session, patient, digest));
  };

  const claimAll = async (session: Session): Promise<void> => {
    await deps.indexer.settled();
    let complete = true;
    let waiting: PreparedOperation[] = [];
    const save = () => {
      if (waiting.length > 0) deps.publisher.publish([], waiting);
      waiting = [];
    };
    for (const [i, patient] of broughtAlong().entries()) {
      if (i % perSave === perSave - 1) await turn();
      if (sessions.current() !== session) return;
      const operations = missing(session, patient);
      if (operations === null) complete = false;
      else waiting.push(...operations);
      if (waiting.length >= perSave) save();
    }
    save();
    if (complete) store.setSetting(claimedSetting, network.require().id);
  };

  sessions.onBegin((session) => {
    const current = network.current();
    if (!current || store.setting('movedFrom') === undefined || store.setting(claimedSetting) === network.require().id) return;
    if (!deps.directory.roles(deps.organization(), session.account).includes('registrar')) return;
    claimAll(session).catch((error: unknown) => {
      // A lock in the midst closes the index; the next log-in goes on.
      if (sessions.current() === session) deps.report(error);
    });
  });
}
