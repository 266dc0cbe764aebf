/**
 * People registered more than once: a registrar says that two patients are one person, or that they are not. Linking opens nothing to anybody and
 * moves nothing; both charts stay as they are, and the link can be undone. The reason is sealed to both patients and to the registrar's clinic.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { DuplicatesView, LinkedPatient, LinkMark, PatientLinkView, PatientSummary } from '../../../src-shared/view-types.ts';
import type { OperationCodecPort, WorkstationStorePort } from '../ports.ts';
import { findCandidates } from './duplicate-candidates.ts';
import type { Directory } from './directory.ts';
import { precedes } from './ledger-order.ts';
import type { FactBus } from './facts.ts';
import type { Notes } from './notes.ts';
import type { PatientLink, PatientLinks } from './patient-links.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import { summaryOf } from './patients.ts';
import type { Profiles } from './profiles.ts';
import type { Publisher } from './publisher.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface Duplicates {
  list(session: Session): Promise<DuplicatesView>;
  /** Other registrations of the same person. */
  linked(session: Session, patient: string): LinkedPatient[];
  /** Those of these patients whose person has other registrations. */
  marks(patients: readonly string[]): LinkMark[];
  /** Throws NOT_FOUND (not registered), ALREADY_EXISTS (linked before, or others are linked to the duplicate), INVALID_INPUT (the same one). */
  link(session: Session, duplicate: string, survivor: string, reason: string): Promise<void>;
  /** Throws NOT_FOUND where it is not linked. */
  unlink(session: Session, duplicate: string, reason: string): Promise<void>;
  /** Remembers at this workstation that two are not one person, or forgets that again. */
  dismiss(session: Session, a: string, b: string, dismissed: boolean): void;
}

interface Dismissal {
  readonly by: string;
  /** Milliseconds. */
  readonly at: number;
}

type Found = Awaited<ReturnType<typeof findCandidates>>;

export function createDuplicates(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly links: PatientLinks;
  readonly claims: Pick<IdentifierClaims, 'claimantOf'>;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly notes: Notes;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  /** Id of this workstation's organization; throws NOT_SET_UP. */
  readonly organization: () => string;
}): Duplicates {
  const { store, codec, links, directory, profiles, notes, signing, publisher, sessions } = deps;
  /** Of the person logged in; found anew after patients changed. */
  let found: { session: Session; result: Promise<Found> } | null = null;
  let onlyLinks = false;
  deps.facts.on('patientsChanged', () => {
    if (!onlyLinks) found = null;
  });
  deps.facts.on('operations', ({ kinds }) => {
    if (!kinds.has('LinkPatients') && !kinds.has('UnlinkPatients')) return;
    const settled = settledClaims();
    if (settled.length > 0) store.enqueue([], settled);
    // Lists show links; who is like whom has not changed by one.
    onlyLinks = true;
    deps.facts.tell('patientsChanged', null);
    onlyLinks = false;
  });
  sessions.onEnd(() => {
    found = null;
  });

  /** Claims that the ledger refused because the other record of the same person has the identifier: with the link they are moot. */
  const settledClaims = (): string[] =>
    store.operations({ kinds: ['ClaimIdentifier'], states: ['rejected'] }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind !== 'ClaimIdentifier' || stored.origin !== 'here') return [];
      const { account, identifier } = decoded.payload;
      const known = deps.claims.claimantOf(identifier);
      return known !== null && links.othersOf(account).some((other) => other.patient === known) ? [stored.operation.opId] : [];
    });

  const candidates = (session: Session): Promise<Found> => {
    if (found?.session === session) return found.result;
    const result = findCandidates(session.index, () => sessions.current() === session);
    found = { session, result };
    result.catch(() => {
      // Whoever asked is told; the next one begins anew.
      found = null;
    });
    return result;
  };

  const dismissalOf = (a: string, b: string) => `not-duplicate/${[a.toLowerCase(), b.toLowerCase()].sort().join('/')}`;

  const registration = (patient: string) => store.operations({ kinds: ['RegisterPatient'], patient }).find((o) => o.state !== 'rejected');

  const summary = (session: Session, patient: string): PatientSummary | null => {
    const row = session.index.patient(patient);
    return row ? summaryOf(row) : null;
  };

  const nameOf = (account: string) => {
    const member = directory.members().find((m) => m.account === account);
    return member ? profiles.name(member.profile, account) : account;
  };
  const clinicName = (id: string) => {
    const fallback = `Clinic ${id.slice(2, 8)}`;
    const organization = directory.organization(id);
    return organization ? profiles.name(organization.profile, fallback) : fallback;
  };

  const reasonOf = (session: Session, link: PatientLink): Promise<string | null> => {
    const secrets = session.organizationKeys.get(link.organization) ?? [];
    return notes.open(link.reason, link.duplicate, link.organization, { encryptionSecrets: () => secrets });
  };

  const viewOf = async (session: Session, link: PatientLink): Promise<PatientLinkView> => ({
    duplicate: link.duplicate,
    survivor: link.survivor,
    duplicateSummary: summary(session, link.duplicate),
    survivorSummary: summary(session, link.survivor),
    by: nameOf(link.by),
    organization: clinicName(link.organization),
    reason: await reasonOf(session, link),
    at: link.at,
    anchored: link.anchored,
  });

  /** Sealed to both patients and to the clinic. */
  const sealReason = (duplicate: string, survivor: string, reason: string) => {
    const clinic = directory.organization(deps.organization());
    if (!clinic) throw new AppError('NOT_SET_UP', 'This clinic is not admitted to the network yet, so it cannot link patients.');
    const readers = [
      notes.patientReader(duplicate),
      ...(survivor === duplicate ? [] : [notes.patientReader(survivor)]),
      { id: clinic.id, encryptionKey: clinic.organizationKey },
    ];
    return notes.seal(duplicate, readers, reason);
  };

  const requireUnlinked = (duplicate: string, survivor: string) => {
    if (duplicate.toLowerCase() === survivor.toLowerCase())
      throw new AppError('INVALID_INPUT', 'These are one and the same record. Nothing was changed.');
    const before = links.linkOf(duplicate) ?? links.linkOf(survivor);
    if (before) {
      throw new AppError(
        'ALREADY_EXISTS',
        'One of the two is linked to another record already. Undo that link first, or link to its main record. Nothing was changed.',
        { duplicate: before.duplicate, survivor: before.survivor },
      );
    }
    if (links.duplicatesOf(duplicate).length > 0) {
      throw new AppError(
        'ALREADY_EXISTS',
        'Other records are linked to this one, so it has to stay the main one: keep it as the main record, or undo those links first. Nothing was changed.',
      );
    }
  };

  return {
    async list(session) {
      const { pairs, more, compared } = await candidates(session);
      const apart = pairs.filter(({ a, b }) => !links.othersOf(a.patient).some((other) => other.patient === b.patient));
      const known = links.all().filter(({ duplicate, survivor }) => session.index.patient(duplicate) ?? session.index.patient(survivor));
      return {
        candidates: apart.map(({ a, b, likeness }) => {
          const [ra, rb] = [registration(a.patient), registration(b.patient)];
          const dismissal = store.setting<Dismissal>(dismissalOf(a.patient, b.patient));
          const dismissed = dismissal ? { by: nameOf(dismissal.by), at: dismissal.at } : null;
          const one = { summary: summaryOf(a), registered: ra?.operation.issuedAt ?? null };
          const two = { summary: summaryOf(b), registered: rb?.operation.issuedAt ?? null };
          // By the ledger's order: clocks may be wrong.
          const [first, second] = rb && (!ra || precedes(rb, ra)) ? [two, one] : [one, two];
          return {
            a: first.summary,
            b: second.summary,
            registeredA: first.registered,
            registeredB: second.registered,
            likeness,
            dismissed,
          };
        }),
        more,
        compared,
        links: await Promise.all(
          known
            .slice(-200)
            .reverse()
            .map((link) => viewOf(session, link)),
        ),
      };
    },
    linked: (session, patient) =>
      links.othersOf(patient).map(({ patient: other, link }) => ({
        patient: other,
        summary: summary(session, other),
        main: other === link.survivor,
        linkedAt: link.at,
        anchored: link.anchored,
      })),
    marks: (patients) =>
      patients.flatMap((patient) => {
        const others = links.othersOf(patient).length;
        return others === 0 ? [] : [{ patient, others, main: links.linkOf(patient) === undefined }];
      }),
    async link(session, duplicate, survivor, reason) {
      requireUnlinked(duplicate, survivor);
      const note = await sealReason(duplicate, survivor, reason);
      // Another desk may have said so while the reason was being sealed.
      requireUnlinked(duplicate, survivor);
      const payload = { organization: deps.organization(), duplicate, survivor, reason: note.digest };
      publisher.publish([note], [signing.make('LinkPatients', payload, 'Link two records of one person', session.keys)]);
    },
    async unlink(session, duplicate, reason) {
      const link = links.linkOf(duplicate);
      if (!link) throw new AppError('NOT_FOUND', 'This record is not linked to another. Nothing was changed.');
      const note = await sealReason(link.duplicate, link.survivor, reason);
      const payload = { organization: deps.organization(), duplicate: link.duplicate, reason: note.digest };
      publisher.publish([note], [signing.make('UnlinkPatients', payload, 'Undo the link of two records', session.keys)]);
    },
    dismiss(session, a, b, dismissed) {
      const dismissal: Dismissal = { by: session.account, at: deps.clock() };
      store.setSetting(dismissalOf(a, b), dismissed ? dismissal : undefined);
    },
  };
}
