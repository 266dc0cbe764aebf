/**
 * Asking a patient for access: a practitioner says what for and which categories; it waits until the patient, at a desk, approves or declines.
 * A request opens nothing. Its words are sealed to the patient and the asker; the ledger holds who asked whom, for what purpose, until when.
 */
import { z } from 'zod';
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { accessBits, purposes, type Purpose } from '../../../src-shared/operations.ts';
import type { FoundPatient, PatientRequest, SentRequest } from '../../../src-shared/view-types.ts';
import type { OperationCodecPort, PersonKeys, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import type { AccessRequest, Consents } from './consents.ts';
import type { DeskRights } from './desk-rights.ts';
import type { Directory } from './directory.ts';
import type { NoteReader, Notes } from './notes.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import { summaryOf } from './patients.ts';
import type { Profiles } from './profiles.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession, Session } from './sessions.ts';
import type { Sharing } from './sharing.ts';
import type { Signing } from './signing.ts';
import { explainRefusal } from './sync/refusals.ts';

export interface Asking {
  readonly patient: string;
  readonly categories: readonly Category[];
  readonly write: boolean;
  readonly purpose: Purpose;
  /** Seconds; 0 = open end. */
  readonly until: number;
  readonly reason: string;
}

export interface Approval {
  readonly request: string;
  readonly categories: readonly Category[];
  readonly write: boolean;
  readonly until: number;
}

export interface AccessRequests {
  /** By a registered identifier or an account. Throws NOT_FOUND. */
  find(session: Session, by: { account: string } | { system: string; value: string }): FoundPatient;
  /** Throws NOT_FOUND, ALREADY_EXISTS (one waits already), NOT_ALLOWED (the patient themselves). */
  ask(session: Session, asking: Asking): Promise<void>;
  /** What the person logged in asked for, newest first. */
  sent(session: Session): Promise<SentRequest[]>;
  /** What the patient at the desk has not answered, oldest first. */
  open(desk: DeskSession): Promise<PatientRequest[]>;
  /** Signed by the patient. Throws NOT_FOUND where it is answered already. */
  approve(desk: DeskSession, approval: Approval): Promise<void>;
  decline(desk: DeskSession, request: string): void;
}

/** What is in a request's sealed reason. Written by another workstation, so parsed like any input. */
const words = z.strictObject({
  v: z.literal(1),
  reason: z.string().max(1000),
  categories: z.array(z.enum(categories)).max(categories.length),
});
type Words = z.infer<typeof words>;

const shownRequests = 50;

export function createAccessRequests(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly claims: Pick<IdentifierClaims, 'accountOf'>;
  readonly notes: Notes;
  readonly sharing: Sharing;
  readonly rights: DeskRights;
  /** The patient and those who decide in their stead, as readers of what is asked. Throws NOT_FOUND. */
  readonly deciders: (patient: string) => NoteReader[];
  readonly signing: Signing;
  readonly publisher: Publisher;
}): AccessRequests {
  const { store, codec, consents, directory, profiles, claims, notes, sharing, signing, publisher } = deps;

  const clinicName = (id: string) => {
    const fallback = `Clinic ${id.slice(2, 8)}`;
    const organization = directory.organization(id);
    return organization ? profiles.name(organization.profile, fallback) : fallback;
  };

  const wordsOf = async (request: AccessRequest, reader: string, keys: PersonKeys): Promise<Words | null> => {
    const text = await notes.open(request.reason, request.patient, granteeOfAccount(reader), keys);
    if (text === null) return null;
    try {
      return words.safeParse(JSON.parse(text)).data ?? null;
    } catch {
      // Not JSON: somebody else's program wrote it. The request is shown without words, as one whose words have not come.
      return null;
    }
  };

  const openOne = (desk: DeskSession, id: string): AccessRequest => {
    const request = consents.requests(desk.patient).find((r) => r.id === id);
    if (request?.state !== 'open') throw new AppError('NOT_FOUND', 'This request was answered already. Nothing was changed.');
    return request;
  };

  return {
    find(session, by) {
      const patient = 'account' in by ? by.account : claims.accountOf(by.system, by.value);
      const registration = patient
        ? store.operations({ kinds: ['RegisterPatient'], patient }).find((o) => o.state !== 'rejected')
        : undefined;
      const decoded = registration && codec.decodePayload(registration.operation);
      if (!patient || decoded?.kind !== 'RegisterPatient') {
        throw new AppError(
          'NOT_FOUND',
          'Nobody in this network is registered under this. Check it for a typing error and which kind of identifier it is. Nothing was sent.',
        );
      }
      const row = session.index.patient(patient);
      return { patient, registeredBy: clinicName(decoded.payload.organization), summary: row ? summaryOf(row) : null };
    },
    async ask(session, { patient, reason, ...asking }) {
      if (patient === session.account) throw new AppError('NOT_ALLOWED', 'Nobody needs to ask for their own record. Nothing was sent.');
      const readers = deps.deciders(patient);
      const waits = consents.requests(patient).some((r) => r.asker === session.account && r.state === 'open');
      if (waits) throw new AppError('ALREADY_EXISTS', 'You have asked this patient already, and the answer is awaited. Nothing was sent.');
      const text: Words = { v: 1, reason, categories: [...asking.categories] };
      const own = { id: granteeOfAccount(session.account), encryptionKey: session.keys.encryptionKey };
      const note = await notes.seal(patient, [...readers, own], JSON.stringify(text));
      const payload = {
        patient,
        // Which compartment a category is in, only the patient and those who read it can tell: the sealed words say what is asked for.
        compartment: zero32,
        organization: zero32,
        access: accessBits.read | (asking.write ? accessBits.write : 0),
        purpose: purposes[asking.purpose],
        validUntil: asking.until,
        reason: note.digest,
      };
      publisher.publish([note], [signing.make('RequestAccess', payload, 'Ask a patient for access', session.keys)]);
    },
    async sent(session) {
      const asked = store.operations({
        kinds: ['RequestAccess'],
        actor: session.account,
        order: 'seq',
        descending: true,
        limit: shownRequests,
      });
      return Promise.all(
        asked.map(async (stored): Promise<SentRequest> => {
          const decoded = codec.decodePayload(stored.operation);
          if (decoded.kind !== 'RequestAccess') throw new AppError('INTERNAL', 'A request could not be read.');
          const { patient, access, purpose: _purpose, validUntil, reason: digest } = decoded.payload;
          const known = consents.requests(patient).find((r) => r.id === stored.operation.opId);
          const text = known ? await wordsOf({ ...known, reason: digest }, session.account, session.keys) : null;
          const row = session.index.patient(patient);
          return {
            id: stored.operation.opId,
            patient,
            summary: row ? summaryOf(row) : null,
            categories: text?.categories ?? null,
            reason: text?.reason ?? null,
            write: (access & accessBits.write) !== 0,
            until: validUntil,
            askedAt: stored.operation.issuedAt,
            anchored: stored.block !== null,
            state: known?.state ?? 'refused',
            answeredAt: known?.answeredAt ?? 0,
            problem: stored.state === 'rejected' ? explainRefusal(stored.rejectReason) : null,
          };
        }),
      );
    },
    async open(desk) {
      const waiting = consents.requests(desk.patient).filter((r) => r.state === 'open');
      return Promise.all(
        waiting.slice(0, shownRequests).map(async (request): Promise<PatientRequest> => {
          const text = await wordsOf(request, desk.keys.account, desk.keys);
          const [member] = directory.memberships(request.asker);
          return {
            id: request.id,
            name: member ? profiles.name(member.profile, request.asker) : request.asker,
            organization: member ? clinicName(member.organization) : '',
            account: request.asker,
            active: member !== undefined,
            categories: text?.categories ?? null,
            reason: text?.reason ?? null,
            write: request.write,
            purpose: request.purpose,
            until: request.until,
            askedAt: request.issuedAt,
          };
        }),
      );
    },
    async approve(desk, { request: id, ...terms }) {
      const request = openOne(desk, id);
      await sharing.grant(desk, { grantee: request.grantee, purpose: request.purpose, ...terms }, id);
    },
    decline(desk, id) {
      const { compartment } = openOne(desk, id);
      deps.rights.require(desk, 'share', compartment);
      const payload = { patient: desk.patient, request: id, reason: zero32 };
      publisher.publish([], [signing.make('DeclineRequest', payload, 'Decline a request for access', desk.keys)]);
    },
  };
}
