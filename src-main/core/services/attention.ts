/**
 * What needs a person's decision, gathered for whoever is logged in: versions that stand beside each other, people registered twice, records that a
 * revocation overtook, slots booked twice, and whatever else the ledger refused. Each with both sides; nothing is decided by a clock.
 */
import type { AttentionItem, AttentionPatient, AttentionView } from '../../../src-shared/view-types.ts';
import { AppError } from '../../../src-shared/errors.ts';
import type { Role } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { doubleBookings } from './bookings.ts';
import type { Chart } from './chart.ts';
import type { Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import type { PatientLinks } from './patient-links.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import { summaryOf } from './patients.ts';
import type { Profiles } from './profiles.ts';
import { commitDigest, type Records } from './records.ts';
import type { Session, Sessions } from './sessions.ts';
import { explainRefusal } from './sync/refusals.ts';

export interface Attention {
  list(session: Session): AttentionView;
  /** How many there are, as they were counted last; 0 while nobody is logged in. */
  count(): number;
  /** A refused operation of the person logged in that is known and left as it is. Throws NOT_FOUND. */
  setAside(session: Session, opId: string): void;
}

/** More than a person works through at once. */
const listed = 100;
const recountAfterMs = 300;

export function createAttention(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly chart: Pick<Chart, 'authorOf'>;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly links: PatientLinks;
  readonly claims: Pick<IdentifierClaims, 'claimantOf'>;
  readonly profiles: Profiles;
  readonly records: Pick<Records, 'missing'>;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  /** Id of this workstation's organization; throws NOT_SET_UP. */
  readonly organization: () => string;
  readonly report: (error: unknown) => void;
}): Attention {
  const { store, codec, chart, consents, directory, links, claims, sessions, facts } = deps;

  const about = (session: Session, patient: string): AttentionPatient => {
    const row = session.index.patient(patient);
    return { patient, summary: row ? summaryOf(row) : null };
  };
  const asideName = (opId: string) => `set-aside/${opId}`;
  const registration = (patient: string) => {
    const stored = store.operations({ kinds: ['RegisterPatient'], patient }).find((o) => o.state !== 'rejected');
    const decoded = stored && codec.decodePayload(stored.operation);
    const organization = decoded?.kind === 'RegisterPatient' ? directory.organization(decoded.payload.organization) : undefined;
    return { at: stored?.operation.issuedAt ?? null, clinic: organization ? deps.profiles.name(organization.profile, '') : '' };
  };

  const versions = (session: Session, mine: readonly Role[]): AttentionItem[] =>
    session.index.conflicts(listed + 1).flatMap(({ patient, category, recordId }): AttentionItem[] => {
      // Demographics are the front desk's; what is clinical is for whoever reads it.
      if (category !== 'demographics' && !mine.includes('practitioner')) return [];
      const sides = session.index.currentVersions(patient, category, recordId);
      const [first] = sides;
      if (!first) return [];
      return [
        {
          kind: 'versions',
          about: about(session, patient),
          recordId,
          resourceType: first.resourceType,
          sides: sides.slice(0, 8).map(({ versionId, author, opId, title, detail }) => {
            const { name, organization } = chart.authorOf(author);
            return { versionId, author: name, organization, at: store.operation(opId)?.operation.issuedAt ?? 0, title, detail };
          }),
        },
      ];
    });

  const registrations = (session: Session, stored: StoredOperation): AttentionItem[] => {
    const decoded = codec.decodePayload(stored.operation);
    if (decoded.kind !== 'ClaimIdentifier') return [];
    const added = decoded.payload.account;
    const known = claims.claimantOf(decoded.payload.identifier);
    if (known === null || known === added || links.othersOf(added).some((other) => other.patient === known)) return [];
    const [addedBy, knownBy] = [registration(added), registration(known)];
    return [
      {
        kind: 'registrations',
        opId: stored.operation.opId,
        added: about(session, added),
        known: about(session, known),
        knownAt: knownBy.clinic,
        addedOn: addedBy.at,
        knownOn: knownBy.at,
      },
    ];
  };

  const refusedRecord = (session: Session, stored: StoredOperation): AttentionItem[] => {
    const decoded = codec.decodePayload(stored.operation);
    if (decoded.kind !== 'Commit') return [];
    const { patient, compartment } = decoded.payload;
    const mayWrite = consents.writesThrough(patient, compartment, session.account, Math.floor(deps.clock() / 1000)) !== null;
    // Of a passed epoch, with consent: it is sealed again by itself as soon as the new key is here.
    if (mayWrite && stored.rejectReason?.startsWith('EpochPassed')) return [];
    const digest = commitDigest(stored.operation.payload);
    const titles = session.index
      .records({ patient, current: false, limit: 5000 })
      .flatMap((row) => (row.commit === digest ? [row.title] : []));
    const reason = mayWrite
      ? 'The patient had ended your access when it reached the ledger, and has shared again since.'
      : 'The patient ended your access before it reached the ledger. Nobody else can read it.';
    return [
      {
        ...{ kind: 'refused-record', opId: stored.operation.opId, about: about(session, patient), titles: titles.slice(0, 10) },
        ...{ reason: consentReasons.test(stored.rejectReason ?? '') ? reason : explainRefusal(stored.rejectReason) },
        ...{ mayWrite, madeAt: stored.createdAt },
      },
    ];
  };

  const refused = (session: Session, mine: readonly Role[]): AttentionItem[] =>
    store.operations({ states: ['rejected'], origin: 'here', order: 'seq', descending: true, limit: listed + 1 }).flatMap((stored) => {
      const { opId, actor } = stored.operation;
      if (stored.kind === 'ClaimIdentifier' && mine.includes('registrar') && stored.rejectReason?.startsWith('IdentifierClaimed('))
        return registrations(session, stored);
      const own = actor === session.account;
      // What a patient signed at this desk is for the front desk to see to.
      const atDesk = mine.includes('registrar') && directory.memberships(actor).length === 0 && stored.kind !== 'Commit';
      if ((!own && !atDesk) || store.setting<boolean>(asideName(opId))) return [];
      if (stored.kind === 'Commit') return refusedRecord(session, stored);
      const reason = explainRefusal(stored.rejectReason);
      return [{ kind: 'refused' as const, opId, label: stored.label, reason, madeAt: stored.createdAt }];
    });

  const bookings = (session: Session): AttentionItem[] =>
    doubleBookings(session.index, deps.clock()).map(({ actor, a, b }): AttentionItem => {
      const side = (row: typeof a) => ({
        ...about(session, row.patient),
        recordId: row.recordId,
        versionIds: session.index.currentVersions(row.patient, row.category, row.recordId).map((version) => version.versionId),
        title: row.title,
        start: row.date,
        end: row.end,
        author: chart.authorOf(row.author).name,
        mayCancel: deps.records.missing(session.account, session.index, row.patient, [row.category]).length === 0,
      });
      return { kind: 'double-booking', actor, a: side(a), b: side(b) };
    });

  const list = (session: Session): AttentionView => {
    const mine = directory.roles(deps.organization(), session.account);
    if (!mine.some((role) => role === 'registrar' || role === 'practitioner')) return { items: [], more: false };
    const items = [...refused(session, mine), ...versions(session, mine), ...bookings(session)];
    return { items: items.slice(0, listed), more: items.length > listed };
  };

  let counted = 0;
  let timer: NodeJS.Timeout | null = null;
  const recount = () => {
    timer = null;
    const session = sessions.current();
    if (!session) return;
    try {
      const { items } = list(session);
      if (items.length === counted) return;
      counted = items.length;
      facts.tell('status', null);
    } catch (error) {
      deps.report(error);
    }
  };
  const wake = () => {
    if (timer || !sessions.current()) return;
    timer = setTimeout(recount, recountAfterMs);
    timer.unref();
  };
  facts.on('operations', wake);
  facts.on('patientChanged', wake);
  facts.on('patientsChanged', wake);
  sessions.onBegin(wake);
  sessions.onEnd(() => {
    if (timer) clearTimeout(timer);
    timer = null;
    counted = 0;
  });

  return {
    list,
    count: () => counted,
    setAside(session, opId) {
      const stored = store.operation(opId);
      if (stored?.state !== 'rejected' || (stored.operation.actor !== session.account && stored.kind === 'Commit'))
        throw new AppError('NOT_FOUND', 'There is no refused entry of yours with this number. Nothing was changed.');
      store.setSetting(asideName(opId), true);
      facts.tell('operations', { kinds: new Set() });
    },
  };
}

const consentReasons = /^(?:EpochPassed|WriteNotGranted)/;
