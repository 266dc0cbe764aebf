/**
 * Breaking the glass: a practitioner opens a record that is not shared with them, for a reason and a bounded time, with the clinic's emergency key. The
 * opening is signed and saved before anything is decrypted into the index; when its time is over, everything it brought leaves the index again.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { EmergencyView } from '../../../src-shared/view-types.ts';
import type { EnvelopeKey, IpfsPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, isEqual, zero32 } from './bytes.ts';
import type { Consents, Opening } from './consents.ts';
import type { Directory } from './directory.ts';
import type { EmergencyKeys } from './emergency-keys.ts';
import type { FactBus } from './facts.ts';
import type { Indexer } from './indexer.ts';
import type { NetworkService } from './network.ts';
import type { NoteReader, Notes } from './notes.ts';
import type { Publisher } from './publisher.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface Emergency {
  view(session: Session, patient: string): EmergencyView;
  /** Throws NOT_ALLOWED (switched off), NOT_FOUND (nothing is sealed for this clinic), KEY_MISSING, BLOCK_UNAVAILABLE; then nothing was logged. */
  open(session: Session, patient: string, reason: string, hours: number): Promise<void>;
  /** Ends it before its time in this workstation; on the ledger it runs out. */
  close(session: Session, patient: string): Promise<void>;
}

const timeoutMs = 8_000;

/** Not the number alone: revocations made apart each bring a key for the same one. */
const isSameKey = (a: EnvelopeKey, b: EnvelopeKey) => a.compartment === b.compartment && a.epoch === b.epoch && isEqual(a.kek, b.kek);

export function createEmergency(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: IpfsPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly emergencyKeys: EmergencyKeys;
  readonly indexer: Indexer;
  readonly network: NetworkService;
  readonly notes: Notes;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly organization: () => string;
  readonly report: (error: unknown) => void;
  /** The patient and those who decide in their stead. Throws NOT_FOUND. */
  readonly deciders: (patient: string) => NoteReader[];
}): Emergency {
  const { store, ipfs, crypto, codec, consents, directory, emergencyKeys, indexer, network, notes, sessions, signing, publisher, facts } =
    deps;
  const seconds = () => Math.floor(deps.clock() / 1000);
  const timers = new Map<string, NodeJS.Timeout>();
  const ending = new Set<string>();
  const marker = (opId: string) => `emergency:${opId}`;

  /** Digests of a patient's envelopes, the newest first. */
  const envelopesOf = (patient: string): string[] => {
    const digests = store.operations({ kinds: ['Grant', 'Revoke', 'ApproveRequest'], patient }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      return stored.state !== 'rejected' && 'envelope' in decoded.payload && decoded.payload.envelope !== zero32
        ? [decoded.payload.envelope]
        : [];
    });
    return [...new Set(digests.reverse())];
  };

  /** The keys in one envelope; null where none is in it for this clinic. */
  const openWith = async (bytes: Uint8Array, patient: string, secrets: readonly Uint8Array[]): Promise<EnvelopeKey[] | null> => {
    for (const secret of [...secrets].reverse()) {
      try {
        return await crypto.openEnvelopes(bytes, network.ofPatient(patient), patient, emergencyKeys.idOf(deps.organization()), secret);
      } catch (error) {
        // Sealed to a key before this one.
        if (!(error instanceof AppError) || error.code !== 'TAMPERED') throw error;
      }
    }
    return null;
  };

  const unseal = async (session: Session, patient: string): Promise<EnvelopeKey[]> => {
    const secrets = await emergencyKeys.secrets(session, deps.organization());
    const found: EnvelopeKey[] = [];
    let away: AppError | null = null;
    try {
      for (const digest of envelopesOf(patient)) {
        try {
          const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs, offline: found.length > 0 });
          found.push(...((await openWith(bytes, patient, secrets)) ?? []).filter((key) => !found.some((one) => isSameKey(one, key))));
        } catch (error) {
          if (!(error instanceof AppError) || error.code !== 'BLOCK_UNAVAILABLE') throw error;
          away = error;
        }
      }
    } finally {
      for (const secret of secrets) secret.fill(0);
    }
    if (found.length === 0 && away) throw away;
    if (found.length === 0) {
      throw new AppError(
        'NOT_FOUND',
        'Nothing of this record is sealed for emergencies at this clinic: the patient is registered elsewhere, or was registered before there was an emergency key. Nothing was opened and nothing was logged.',
      );
    }
    return found;
  };

  const own = (session: Session, patient: string): Opening[] =>
    consents.emergency(patient).openings.filter((o) => o.practitioner === session.account && session.index.cursor(marker(o.opId)) === 0);

  const isOpen = (opening: Opening, patient: string) => consents.emergency(patient).allowed && seconds() < opening.endsAt;

  const add = (session: Session, patient: string, keys: readonly EnvelopeKey[]) => {
    const held = session.index.keks({ patient });
    indexer.addKeks(
      session,
      keys.filter((key) => !held.some((one) => isSameKey(one, key))).map((key) => ({ ...key, patient })),
    );
    facts.tell('patientChanged', { patient });
  };

  /** Everything it brought goes out of the index; what is shared with the person comes back from their own envelopes. */
  const end = async (session: Session, patient: string, opIds: readonly string[]): Promise<void> => {
    if (ending.has(patient)) return;
    ending.add(patient);
    try {
      await indexer.relearn(session, patient);
      if (sessions.current() === session) for (const opId of opIds) session.index.setCursor(marker(opId), 1);
    } finally {
      ending.delete(patient);
    }
  };

  const watch = (session: Session, patient: string) => {
    clearTimeout(timers.get(patient));
    timers.delete(patient);
    const mine = own(session, patient);
    if (mine.length === 0) return;
    const latest = Math.max(...mine.filter((o) => isOpen(o, patient)).map((o) => o.endsAt));
    if (!Number.isFinite(latest)) {
      const opIds = mine.map((o) => o.opId);
      end(session, patient, opIds).catch((error: unknown) => {
        if (sessions.current() === session) deps.report(error);
      });
      return;
    }
    const timer = setTimeout(() => watch(session, patient), Math.max(0, latest * 1000 - deps.clock()) + 50);
    timer.unref();
    timers.set(patient, timer);
  };

  /** Patients whose records the person opened; also those whose opening the ledger refused. */
  const openedBy = (session: Session): string[] => {
    const patients = store.operations({ kinds: ['OpenEmergency'], actor: session.account }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      const closed = session.index.cursor(marker(stored.operation.opId)) !== 0;
      return decoded.kind === 'OpenEmergency' && !closed ? [{ patient: decoded.payload.patient, stored }] : [];
    });
    for (const { patient, stored } of patients) {
      if (stored.state !== 'rejected') continue;
      end(session, patient, [stored.operation.opId]).catch((error: unknown) => {
        if (sessions.current() === session) deps.report(error);
      });
    }
    return [...new Set(patients.filter(({ stored }) => stored.state !== 'rejected').map(({ patient }) => patient))];
  };

  sessions.onBegin((session) => {
    if (!network.current()) return;
    for (const patient of openedBy(session)) {
      watch(session, patient);
      if (!timers.has(patient)) continue;
      // The index may have been lost, or the process ended between saving the opening and reading.
      unseal(session, patient)
        .then((keys) => {
          if (sessions.current() === session && timers.has(patient)) add(session, patient, keys);
        })
        .catch((error: unknown) => {
          if (!(error instanceof AppError)) deps.report(error);
        });
    }
  });
  sessions.onEnd(() => {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  });
  facts.on('operations', ({ kinds }) => {
    const session = sessions.current();
    if (!session || !(kinds.has('SwitchEmergency') || kinds.has('OpenEmergency'))) return;
    for (const patient of openedBy(session)) watch(session, patient);
  });

  return {
    view(session, patient) {
      const { allowed } = consents.emergency(patient);
      const mine = own(session, patient);
      const open = mine.filter((o) => isOpen(o, patient));
      // A PC that slept past the end: its timers come late, the clock does not.
      if (mine.length > 0 && open.length === 0) watch(session, patient);
      return {
        allowed,
        until: open.length === 0 ? 0 : Math.max(...open.map((o) => o.endsAt)),
        possible: allowed && emergencyKeys.publicKey(deps.organization()) !== null,
      };
    },
    async open(session, patient, reason, hours) {
      const deciders = deps.deciders(patient);
      if (!consents.emergency(patient).allowed) {
        throw new AppError('NOT_ALLOWED', 'The patient has switched emergency access off. Nothing was opened and nothing was logged.');
      }
      const organization = deps.organization();
      const keys = await unseal(session, patient);
      const known = directory.organization(organization);
      const readers = [...deciders, { id: granteeOfAccount(session.account), encryptionKey: session.keys.encryptionKey }];
      if (known) readers.push({ id: organization, encryptionKey: known.organizationKey });
      const note = await notes.seal(patient, readers, reason);
      if (sessions.current() !== session)
        throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nothing was opened and nothing was logged.');
      const payload = { patient, organization, reason: note.digest, duration: hours * 3600 };
      publisher.publish([note], [signing.make('OpenEmergency', payload, 'Open a record in an emergency', session.keys)]);
      add(session, patient, keys);
      watch(session, patient);
    },
    async close(session, patient) {
      clearTimeout(timers.get(patient));
      timers.delete(patient);
      await end(
        session,
        patient,
        own(session, patient).map((o) => o.opId),
      );
    },
  };
}
