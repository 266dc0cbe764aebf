/**
 * The record from before a new key that helpers gave. Its keys came from a seed that is lost, so nobody derives them any more; whoever could read it still has
 * them. With the patient at the desk, the person logged in there hands on the keys that they hold; or a delegate does, with their own card. They are sealed to
 * the new key in the envelope of a revocation that ends nobody's access and begins an epoch under the new key. What nobody hands on stays closed to the
 * patient. Keys are compared with what the patient signed and with the commits that are here: one that is none of an epoch's is not handed on.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { EarlierKeysView } from '../../../src-shared/view-types.ts';
import type { EnvelopeKey, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { CommitReader } from './commit-reader.ts';
import { isCurrent, type Consents } from './consents.ts';
import type { DeskRights } from './desk-rights.ts';
import type { Directory } from './directory.ts';
import { precedes } from './ledger-order.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import { isKeyOf } from './epoch-keys.ts';
import type { Keyring, RecordKeys } from './keyring.ts';
import type { NewEpochs } from './new-epochs.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession, Session } from './sessions.ts';

export interface BringingBack {
  /** Null where the patient never got a new key from helpers. */
  view(desk: DeskSession, session: Session): Promise<EarlierKeysView | null>;
  /** The categories that were brought back. Throws NOT_FOUND where whoever is there has no keys that are still missing. */
  bring(desk: DeskSession, session: Session): Promise<readonly Category[]>;
}

export function createBringingBack(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly reader: CommitReader;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly epochs: NewEpochs;
  readonly seals: EmergencySeals;
  readonly rights: DeskRights;
  readonly publisher: Publisher;
  readonly clock: () => number;
  /** What is known here of the name of a person or clinic. */
  readonly granteeName: (grantee: string) => string;
}): BringingBack {
  const { store, codec, consents, directory, keyring } = deps;

  /** Compartments whose keys were sealed to the patient since, by revocations that end nobody's access. */
  const broughtBack = (patient: string, recovery: StoredOperation): Set<string> =>
    new Set(
      store.operations({ kinds: ['Revoke'], patient, grantee: granteeOfAccount(patient) }).flatMap((stored) => {
        const decoded = codec.decodePayload(stored.operation);
        return decoded.kind === 'Revoke' && stored.state !== 'rejected' && precedes(recovery, stored) ? [decoded.payload.compartment] : [];
      }),
    );

  /** Compartments of the record from before. */
  const earlier = (patient: string, recovery: StoredOperation): Set<string> =>
    new Set(
      store.operations({ kinds: ['Grant', 'Revoke', 'Commit'], patient }).flatMap((stored) => {
        const decoded = codec.decodePayload(stored.operation);
        const named = 'compartment' in decoded.payload ? decoded.payload.compartment : undefined;
        return named !== undefined && stored.state !== 'rejected' && precedes(stored, recovery) ? [named] : [];
      }),
    );

  /** What whoever is there holds of it. */
  const held = async (desk: DeskSession, session: Session): Promise<EnvelopeKey[]> => {
    if (deps.rights.isSelf(desk)) return session.index.keks({ patient: desk.patient });
    await keyring.prepare(desk);
    const record = keyring.of(desk);
    const may = [...record.compartments.keys()].filter((compartment) => deps.rights.limit(desk, 'revoke', compartment) !== null);
    return (await Promise.all(may.map((compartment) => record.upTo(compartment)))).flatMap(({ keys }) => keys);
  };

  /** One key an epoch: that of the check value which its revocation signed; of the first, one that opens a commit, where one can be tried. */
  const usable = async (patient: string, keys: readonly EnvelopeKey[]): Promise<EnvelopeKey[]> => {
    const byEpoch = new Map<string, EnvelopeKey[]>();
    for (const key of keys) {
      const id = `${key.compartment}/${key.epoch}`;
      byEpoch.set(id, [...(byEpoch.get(id) ?? []), key]);
    }
    const chosen: EnvelopeKey[] = [];
    for (const candidates of byEpoch.values()) {
      const [one] = candidates;
      const last = candidates.at(-1);
      if (!one || !last) continue;
      const epoch = consents
        .of(patient)
        .get(one.compartment)
        ?.epochs.find(({ number }) => number === one.epoch);
      if (epoch) {
        const right = candidates.find(({ kek }) => isKeyOf(deps.crypto, epoch.begunBy.operation.opId, kek));
        if (right) chosen.push(right);
        continue;
      }
      const opening = await openingKey(patient, one, candidates);
      if (opening === undefined) chosen.push(last);
      else if (opening !== null) chosen.push({ ...last, kek: opening });
    }
    return chosen;
  };

  /** Null: a commit is here and none of the keys opens it; undefined: there is none to try. */
  const openingKey = async (patient: string, { compartment, epoch }: EnvelopeKey, candidates: readonly EnvelopeKey[]) => {
    let closed = false;
    for (const stored of store.operations({ kinds: ['Commit'], compartment, states: ['mined', 'final'] })) {
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind !== 'Commit' || decoded.payload.epoch !== epoch || decoded.payload.patient !== patient) continue;
      try {
        const opened = await deps.reader.open(stored, () => candidates.map(({ kek }) => kek), { offline: true });
        for (const entry of opened.entries) entry.dek.fill(0);
        return opened.kek;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        closed ||= error.code === 'TAMPERED';
      }
    }
    return closed ? null : undefined;
  };

  /** Epochs of a compartment from before, of which somebody has a key: what a reader of all of it holds. */
  const epochsBefore = (patient: string, compartment: string, recovery: StoredOperation): number[] => {
    const begun = consents.of(patient).get(compartment)?.epochs ?? [];
    return [0, ...begun.flatMap(({ number, begunBy, asMade }) => (asMade && precedes(begunBy, recovery) ? [number] : []))];
  };

  /**
   * Epochs from before whose keys the patient does not have, by compartment; who left earlier holds some of a compartment only. At a delegate's desk what the
   * patient opens is not known: there a compartment of which anything was brought counts as back.
   */
  const closedEpochs = async (desk: DeskSession, recovery: StoredOperation): Promise<Map<string, ReadonlySet<number>>> => {
    const { patient } = desk;
    const back = broughtBack(patient, recovery);
    const record = deps.rights.isSelf(desk) ? keyring.of(desk) : null;
    const closed = new Map<string, ReadonlySet<number>>();
    for (const compartment of earlier(patient, recovery)) {
      const all = epochsBefore(patient, compartment, recovery);
      const missing = new Set(back.has(compartment) ? [] : all);
      if (record && back.has(compartment)) for (const epoch of all) if (!(await hasKey(record, compartment, epoch))) missing.add(epoch);
      if (missing.size > 0) closed.set(compartment, missing);
    }
    return closed;
  };

  const due = async (desk: DeskSession, session: Session, closed: ReadonlyMap<string, ReadonlySet<number>>): Promise<EnvelopeKey[]> => {
    const wanted = (await held(desk, session)).filter(({ compartment, epoch }) => closed.get(compartment)?.has(epoch) === true);
    return usable(desk.patient, wanted);
  };

  const categoriesOf = (keys: readonly EnvelopeKey[]): Category[] =>
    categories.filter((category) => keys.some((key) => key.category === category));

  const holders = (patient: string, closed: Iterable<string>): string[] => {
    const now = Math.floor(deps.clock() / 1000);
    const states = consents.of(patient);
    const grants = [...closed].flatMap((compartment) => [...(states.get(compartment)?.grants.values() ?? [])]);
    const readers = grants.filter((grant) => grant.read && isCurrent(grant, now) && !deps.seals.isFor(grant.grantee));
    return [...new Set(readers.map(({ grantee }) => deps.granteeName(grantee)))];
  };

  return {
    async view(desk, session) {
      const recovery = directory.recovery(desk.patient);
      if (!recovery) return null;
      const back = broughtBack(desk.patient, recovery);
      const closed = await closedEpochs(desk, recovery);
      const { compartments } = keyring.of(desk);
      return {
        since: (recovery.blockTime ?? recovery.operation.issuedAt) * 1000,
        back: categories.filter((category) => [...compartments].some(([compartment, one]) => one === category && back.has(compartment))),
        closed: closed.size,
        holders: holders(desk.patient, closed.keys()),
        offered: categoriesOf(await due(desk, session, closed)),
      };
    },
    async bring(desk, session) {
      const recovery = directory.recovery(desk.patient);
      const returned = recovery ? await due(desk, session, await closedEpochs(desk, recovery)) : [];
      if (returned.length === 0) {
        throw new AppError(
          'NOT_FOUND',
          'Whoever is logged in here holds no keys of the earlier record that are still missing. Nothing was changed; somebody who could read it has to be logged in, at this clinic or another.',
        );
      }
      const record = keyring.of(desk, { returned });
      const compartments = [...new Set(returned.map(({ compartment }) => compartment))];
      const leaving = granteeOfAccount(desk.patient);
      const label = 'Bring the earlier record to the new key';
      const { blocks, revocations } = await deps.epochs.begin(desk, record, { compartments, leaving, label, returned });
      deps.publisher.publish(blocks, revocations);
      await keyring.prepare(desk);
      return categoriesOf(returned);
    },
  };
}

async function hasKey(record: RecordKeys, compartment: string, epoch: number): Promise<boolean> {
  const kek = await record.kek(compartment, epoch);
  kek?.fill(0);
  return kek !== null;
}
