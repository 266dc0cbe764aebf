/**
 * The front desk: finding patients and registering them. Registration makes the patient's key and card and, in one save, the registration signed by
 * registrar and patient, the claim of the identifiers, the clinic's grant to the demographics, and the demographics themselves as a record.
 */
import { categories as allCategories, clinicCategories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { patientResourceOf, patientRowOf, similarity } from '../../../src-shared/fhir/patient.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import { accessBits, purposes } from '../../../src-shared/operations.ts';
import type { ClaimedIdentifier, PatientSummary, RegistrationResult } from '../../../src-shared/view-types.ts';
import type { AccountIndexPort, EnvelopeKey, KeyPort, OperationCodecPort, PatientRow, PersonKeys, RecordCryptoPort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { Cards } from './cards.ts';
import type { Delegates } from './delegates.ts';
import type { Directory } from './directory.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { FactBus } from './facts.ts';
import type { Grantees } from './grantees.ts';
import type { Keyring } from './keyring.ts';
import type { IdentifierClaims } from './identifier-claims.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import { primaryRecordId, randomId } from './record-ids.ts';
import type { Indexer } from './indexer.ts';
import type { Records } from './records.ts';
import type { Session } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';

const similarEnough = 0.72;
const readAndWrite = accessBits.read | accessBits.write;
/** Of a guardian who is named at registration: all of it, until the patient, with their own card, decides otherwise. */
const guardianship = { capacity: 'guardian', powers: ['share', 'revoke', 'emergency'], categories: [], until: 0 } as const;

/** A person to whom the patient grants categories at registration, in the same save. */
export interface FirstGrant {
  readonly account: string;
  readonly encryptionKey: string;
  readonly categories: readonly Category[];
}

/** What the patient decides in the same save. */
export interface FirstDecisions {
  readonly grants?: readonly FirstGrant[] | undefined;
  /** The account of somebody with a card who decides for the patient from the beginning: a child's mother. */
  readonly guardian?: string | undefined;
}

export interface Patients {
  search(index: AccountIndexPort, text: string, limit: number, offset: number): { hits: PatientSummary[]; total: number };
  /** Throws NOT_FOUND. */
  get(index: AccountIndexPort, patient: string): PatientSummary;
  similar(index: AccountIndexPort, demographics: Demographics): { hits: PatientSummary[]; claimed: ClaimedIdentifier[] };
  /**
   * Throws NOT_FOUND where nobody with a card is the guardian. The card, sealed by the PIN, is kept among the registrar's drafts (`cardDraft`) until it is discarded as handed over: were the workstation to
   * end before it was printed, the patient's key would be gone.
   */
  register(session: Session, demographics: Demographics, pin: string, first?: FirstDecisions): Promise<RegistrationResult>;
}

/** Id of the draft with a card that has not been handed over. */
export const cardDraft = (patient: string): string => `card:${patient}`;

export function summaryOf({ updatedAt: _updatedAt, ...row }: PatientRow): PatientSummary {
  return row;
}

export function createPatients(deps: {
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly cards: Cards;
  readonly directory: Directory;
  readonly seals: EmergencySeals;
  readonly keyring: Keyring;
  readonly grantees: Grantees;
  readonly appointing: Delegates['operations'];
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly records: Records;
  readonly indexer: Indexer;
  readonly claims: IdentifierClaims;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly organization: () => string;
  /** Whether a session has not ended. */
  readonly isOpen: (session: Session) => boolean;
}): Patients {
  const { keys, crypto, directory, network, signing, publisher, records, claims } = deps;

  const grantOperations = (
    patient: PersonKeys,
    { grantee, categories }: { readonly grantee: string; readonly categories: readonly Category[] },
    compartments: ReadonlyMap<Category, string>,
    envelope: string,
    access: number,
  ) =>
    categories.map((category) => {
      const payload = {
        patient: patient.account,
        compartment: compartments.get(category) ?? '',
        grantee,
        access,
        purpose: purposes.treatment,
        validFrom: 0,
        validUntil: 0,
        epoch: 0,
        envelope,
      };
      return signing.make('Grant', payload, 'Share with the clinic', patient);
    });

  /** Whoever decides for a patient reads everything, and writes nothing. */
  const guardianOf = (account: string, keys: readonly EnvelopeKey[]) => {
    const grantee = granteeOfAccount(account);
    return { grantee, encryptionKey: deps.grantees.require(grantee), categories: allCategories, keys };
  };

  const publishRegistration = async (
    session: Session,
    patient: PersonKeys,
    demographics: Demographics,
    { grants: firstGrants = [], guardian }: FirstDecisions,
  ) => {
    const id = network.ofPatient(patient.account);
    const organization = directory.organization(deps.organization());
    if (!organization) throw new AppError('NOT_SET_UP', 'This clinic is not admitted to the network yet, so it cannot register patients.');
    const holder = { keys: patient, patient: patient.account };
    const record = deps.keyring.of(holder);
    const compartments = new Map(allCategories.map((category) => [category, record.compartmentOf(category)]));
    const first = await Promise.all([...compartments.values()].map((compartment) => record.upTo(compartment)));
    const keysFor = (wanted: readonly Category[]): EnvelopeKey[] =>
      first.flatMap(({ keys: known }) => known.filter(({ category }) => wanted.includes(category)));
    const clinicKeys = keysFor(clinicCategories);
    const grantees = [
      { grantee: organization.id, encryptionKey: organization.organizationKey, categories: clinicCategories, keys: clinicKeys },
      ...firstGrants.map((g) => ({
        grantee: granteeOfAccount(g.account),
        encryptionKey: g.encryptionKey,
        categories: g.categories,
        keys: keysFor(g.categories),
      })),
    ];
    const guardians = guardian ? [guardianOf(guardian, keysFor(allCategories))] : [];
    const envelope = await crypto.sealEnvelopes(id, patient.account, [
      ...[...grantees, ...guardians].map((g) => ({ id: g.grantee, encryptionKey: g.encryptionKey, keys: g.keys })),
      // Until the patient switches it off, a practitioner of this clinic can open the record in an emergency.
      ...(await deps.seals.recipients(record, patient.account)),
    ]);
    const recordId = primaryRecordId(patient.account, crypto);
    const resource = patientResourceOf(demographics, recordId);
    const json = JSON.stringify(resource);
    const demographicsKey = clinicKeys.find((key) => key.category === 'demographics');
    if (!demographicsKey) throw new AppError('INTERNAL', 'The demographics key was not made.');
    const commit = await records.prepare({
      patient: patient.account,
      category: 'demographics',
      compartment: demographicsKey.compartment,
      epoch: 0,
      kek: demographicsKey.kek,
      through: organization.id,
      author: session.keys,
      records: [{ recordId, versionId: randomId(crypto), previous: [], resourceType: 'Patient', category: 'demographics', json }],
    });
    const registration = { organization: organization.id, patient: patient.account, encryptionKey: patient.encryptionKey };
    const operations: PreparedOperation[] = [
      signing.make('RegisterPatient', registration, 'Register a patient', session.keys, { cosigners: [patient] }),
      ...claims.free(demographics.identifiers).map((digest) => claims.operation(session, patient.account, digest)),
      ...grantees.flatMap((g) => grantOperations(patient, g, compartments, envelope.digest, readAndWrite)),
      ...(guardian ? deps.appointing(holder, record, { delegate: guardian, ...guardianship }) : []),
      ...guardians.flatMap((g) => grantOperations(patient, g, compartments, envelope.digest, accessBits.read)),
      commit.operation,
    ];
    publisher.publish([envelope, ...commit.blocks], operations);
    const row = patientRowOf(resource, patient.account);
    await publisher.follow(() => {
      session.index.addKeks(
        grantees
          .filter((g) => g.grantee === organization.id || g.grantee === granteeOfAccount(session.account))
          .flatMap((g) => g.keys.map((key) => ({ ...key, patient: patient.account }))),
      );
      deps.indexer.addOwn(session, [commit]);
    });
    deps.facts.tell('patientsChanged', null);
    return row;
  };

  return {
    search(index, text, limit, offset) {
      if (text.trim() === '') return { hits: index.patients({ limit, offset }).map(summaryOf), total: index.countPatients() };
      const hits = index.searchPatients(text, limit + offset).slice(offset);
      return { hits: hits.map(summaryOf), total: offset + hits.length };
    },
    get(index, patient) {
      const row = index.patient(patient);
      if (!row) throw new AppError('NOT_FOUND', 'This patient is not known here. Ask the patient to share the demographics with you.');
      return summaryOf(row);
    },
    similar(index, demographics) {
      const candidate = patientRowOf(patientResourceOf(demographics, primaryRecordId('', crypto)), '');
      const texts = [
        `${demographics.family} ${demographics.given.split(' ')[0] ?? ''}`,
        demographics.family,
        demographics.given,
        demographics.phone,
      ];
      const found = new Map<string, PatientRow>();
      for (const text of [...texts, ...demographics.identifiers.map((i) => i.value)]) {
        if (text.trim().length < 2) continue;
        for (const row of index.searchPatients(text, 20)) found.set(row.patient, row);
      }
      const scored = [...found.values()]
        .map((row) => ({ row, score: similarity(row, candidate) }))
        .filter(({ score }) => score >= similarEnough);
      scored.sort((a, b) => b.score - a.score);
      return {
        hits: scored.slice(0, 5).map(({ row }) => summaryOf(row)),
        claimed: demographics.identifiers.flatMap(({ system, label, value }) => {
          const patient = claims.accountOf(system, value);
          const row = patient === null ? undefined : index.patient(patient);
          return patient === null ? [] : [{ label, value, patient, summary: row ? summaryOf(row) : null }];
        }),
      };
    },
    async register(session, demographics, pin, first = {}) {
      if (!/[\p{L}\p{N}]/u.test(demographics.family + demographics.given))
        throw new AppError('INVALID_INPUT', 'A patient needs a family name or a given name.', { field: 'family' });
      const phrase = keys.createPhrase();
      const patient = keys.fromPhrase(phrase);
      try {
        const card = await deps.cards.write(patient, pin);
        if (!deps.isOpen(session))
          throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nobody was registered; log in and try again.');
        const { account } = patient;
        session.index.saveDraft({
          id: cardDraft(account),
          patient: account,
          kind: 'card',
          json: JSON.stringify({ card }),
          updatedAt: deps.clock(),
        });
        try {
          const row = await publishRegistration(session, patient, demographics, first);
          return { patient: summaryOf(row), card, phrase };
        } catch (error) {
          // Nobody was registered. After a lock the index is closed: then the card of nobody stays, and is never shown.
          if (deps.isOpen(session)) session.index.deleteDraft(cardDraft(account));
          throw error;
        }
      } finally {
        patient.destroy();
      }
    },
  };
}
