/** All services of one workstation, put together over the ports. What they tell each other goes over the fact bus. */
import type {
  CarPort,
  EmbeddedLedgerPort,
  IpfsPort,
  PeerPort,
  BlockCarePort,
  KeyPort,
  PinningPort,
  LedgerPort,
  OperationCodecPort,
  RecordCryptoPort,
  SharesPort,
  StorePort,
} from '../ports.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { formatAccount, formatName } from '../../../src-shared/format/index.ts';
import { createAccessRequests } from './access-requests.ts';
import { createAccountRecoveries } from './account-recoveries.ts';
import { createAccountRecovery } from './account-recovery.ts';
import { createAccounts } from './accounts.ts';
import { createAttemptLimiter } from './attempts.ts';
import { createAttention } from './attention.ts';
import { createAvailability, type Availability } from './availability/availability.ts';
import { createBlockLists } from './availability/operation-blocks.ts';
import { createCarry } from './carry/carry.ts';
import { createBringingBack } from './bringing-back.ts';
import { createCards } from './cards.ts';
import { createChart } from './chart.ts';
import { createCommitBlocks } from './commit-blocks.ts';
import { createCommitReader } from './commit-reader.ts';
import { createClockWatch } from './clock-watch.ts';
import { createConnections } from './connections.ts';
import { consentKinds, createConsents } from './consents.ts';
import { createContentDropping } from './content-dropping.ts';
import { createConsultations } from './consultations.ts';
import { createCorrections } from './corrections.ts';
import { createDelegates, type Delegates } from './delegates.ts';
import { createDemo, type DemoFiles } from './demo.ts';
import { createDeskRights } from './desk-rights.ts';
import { createDirectory, directoryKinds } from './directory.ts';
import { createDownloads } from './downloads.ts';
import { createDrafts } from './drafts.ts';
import { createDuplicates } from './duplicates.ts';
import { createEmergency } from './emergency.ts';
import { createEmergencySeals } from './emergency-seals.ts';
import { createEmergencyKeys } from './emergency-keys.ts';
import { createFactBus } from './facts.ts';
import { createGrantees } from './grantees.ts';
import { createImports } from './imports.ts';
import { claimAfterMove } from './claims-after-move.ts';
import { createIdentifierClaims } from './identifier-claims.ts';
import { createIndexer } from './indexer.ts';
import { createKeyring } from './keyring.ts';
import { createMoving } from './moving.ts';
import { createNetwork } from './network.ts';
import { createKeyRotation } from './key-rotation.ts';
import { createNeighbourhood, type Neighbourhood } from './peers/neighbourhood.ts';
import { createNewEpochs } from './new-epochs.ts';
import { createOrganizationKeys } from './organization-keys.ts';
import { createNotes } from './notes.ts';
import { createPatientLinks, linkKinds } from './patient-links.ts';
import { createPatientKeys } from './patient-keys.ts';
import { createPatientRotation } from './patient-rotation.ts';
import { createPatients } from './patients.ts';
import { createPeople, type People } from './people.ts';
import { createProfiles } from './profiles.ts';
import { createPublisher } from './publisher.ts';
import { createRecovery } from './recovery.ts';
import { createRecords } from './records.ts';
import { createReencrypting } from './reencrypting.ts';
import { createReencryptionPlans } from './reencryption-plan.ts';
import { createReencryptionCheck } from './reencryption-check.ts';
import { createReencryptions } from './reencryptions.ts';
import { createRenewals } from './renewals.ts';
import { createResealing } from './resealing.ts';
import { createSessions } from './sessions.ts';
import { createSetup, forgetUnfinished, type Clinic, type Setup } from './setup.ts';
import { createSharing } from './sharing.ts';
import { createSharingViews } from './sharing-view.ts';
import { createSigning } from './signing.ts';
import { createSnapshots } from './snapshot.ts';
import { createOutboxView } from './outbox-view.ts';
import { createUploads } from './uploads.ts';
import { createVerifiableExports } from './verifiable-export.ts';
import { createVerification } from './verification.ts';
import { createWithdrawals } from './withdrawals.ts';

export interface WorkstationPorts {
  readonly store: StorePort;
  readonly keys: KeyPort;
  readonly shares: SharesPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ledger: LedgerPort;
  readonly embedded: EmbeddedLedgerPort;
  readonly ipfs: IpfsPort & PeerPort;
  readonly care: BlockCarePort;
  readonly service: PinningPort;
  readonly car: CarPort;
  readonly clock: () => number;
  readonly demoFiles: () => DemoFiles;
  /** A fault nobody asked for an answer about. */
  readonly report: (error: unknown) => void;
}

export interface WorkstationOptions {
  readonly version: string;
  readonly ledgerDir: string;
  readonly mdns: boolean;
  readonly listen: readonly string[];
  readonly kind: 'workstation' | 'hub';
  /** See FollowerOptions. */
  readonly catchUpFrom?: number;
}

export type Workstation = ReturnType<typeof createWorkstation>;

export function createWorkstation(ports: WorkstationPorts, options: WorkstationOptions) {
  const { store, crypto, codec, ipfs, clock, report } = ports;
  const facts = createFactBus(report);
  forgetUnfinished(store.workstation);
  const network = createNetwork(store.workstation, codec, crypto);
  const directory = createDirectory(store.workstation, codec, () => store.workstation.setting<Clinic>('clinic')?.id);
  const consents = createConsents(store.workstation, codec, directory, crypto);
  const links = createPatientLinks(store.workstation, codec, directory);
  // Read models are dropped before anybody else hears of new operations.
  facts.on('operations', ({ kinds }) => {
    if ([...kinds].some((kind) => consentKinds.has(kind))) consents.invalidate();
    if ([...kinds].some((kind) => directoryKinds.has(kind))) directory.invalidate();
    if ([...kinds].some((kind) => linkKinds.has(kind))) links.invalidate();
  });
  const profiles = createProfiles(ipfs, crypto, facts, clock);
  const signing = createSigning(store.workstation, codec, crypto, network, directory, clock);
  const publisher = createPublisher(store.workstation, ipfs, facts, report);
  const claims = createIdentifierClaims({ store: store.workstation, codec, crypto, network, signing });
  const attempts = createAttemptLimiter(store.workstation, clock);
  const idleMinutes = () => snapshots.settings().idleLockMinutes;
  const patientKeys = createPatientKeys({ ...ports, store: store.workstation, directory, network });
  const sessions = createSessions({ store, keys: ports.keys, attempts, facts, idleMinutes, patientKeys });
  const clockWatch = createClockWatch(clock);
  const connections = createConnections({
    ...{ ...ports, ...options, store: store.workstation, network, facts, clockWatch },
    headStartMs: () => neighbourhood.headStartMs(),
    wanted: () => sessions.current()?.index.compartments() ?? [],
  });
  const atHand = () => [chart.openPatient(), sessions.desk()?.patient].flatMap((patient) => patient ?? []);
  const lists = createBlockLists({ store: store.workstation, ipfs, crypto, codec, reencryptions: () => reencryptions });
  const neighbourhood: Neighbourhood = createNeighbourhood({
    ...{ ...ports, store: store.workstation, held: store.holdings, directory, network, sessions, facts, clockWatch },
    organization: () => setup.clinic()?.id ?? null,
    ownPeer: () => store.workstation.setting<string>('ownPeer') ?? null,
    ledgerTime: () => connections.status()?.headTime ?? null,
    areMoved: (commit, digest) => lists.areMoved(commit, digest),
    onReplicated: () => availability.holdings.wake(),
    onReachable: () => connections.poke(),
  });
  const availability: Availability = createAvailability({
    ...{
      ...ports,
      store: store.workstation,
      held: store.holdings,
      table: store.freeing,
      queue: store.pins,
      kept: store.keptPins,
      lists,
      neighbourhood,
      facts,
      directory,
    },
    kind: options.kind,
    ownPeer: () => store.workstation.setting<string>('ownPeer') ?? null,
    atHand,
    reencryptions: () => reencryptions,
    organization: () => setup.clinic()?.id ?? null,
    networkOf: (id) => network.ofOrganization(id),
    clinicOf(peer) {
      const id = computers.organizationOf(peer);
      const known = id === null ? undefined : directory.organization(id);
      return known ? profiles.name(known.profile, `Clinic ${known.id.slice(2, 8)}`) : 'Another clinic';
    },
  });
  const { computers } = neighbourhood;
  const setup: Setup = createSetup({
    ...ports,
    computers,
    store: store.workstation,
    network,
    connections,
    directory,
    people: () => people,
    sessions,
    signing,
    publisher,
    facts,
  });
  const clinic = () => {
    const own = setup.clinic();
    if (!own) throw new AppError('NOT_SET_UP', 'This workstation is not set up yet.');
    return own;
  };
  const moving = createMoving({ ...ports, store: store.workstation, network, connections, sessions, setup, facts });
  const organization = () => clinic().id;
  const organizationKeys = createOrganizationKeys({
    ...ports,
    store: store.workstation,
    directory,
    sessions,
    signing,
    publisher,
    network,
    organization,
  });
  const people: People = createPeople({
    ...ports,
    directory,
    profiles,
    sessions,
    signing,
    publisher,
    network,
    organizationKeys,
    organization,
  });
  const accounts = createAccounts({ store: store.workstation, keys: ports.keys, attempts, sessions, directory, people });
  const keyRotation = createKeyRotation({
    store: store.workstation,
    keys: ports.keys,
    accounts,
    directory,
    sessions,
    signing,
    facts,
    isGovernor: (account) => network.current()?.embedded?.governors.includes(account) ?? false,
  });
  const records = createRecords({
    ...{ store: store.workstation, ipfs, crypto, consents, signing, network, clock },
    keysOpened: () => indexer.settled(),
  });
  const blocks = createCommitBlocks(ipfs, crypto, codec, network);
  const reencryptions = createReencryptions({ store: store.workstation, crypto, blocks, facts, clock });
  const reader = createCommitReader(ipfs, crypto, blocks, reencryptions);
  const reencryptionCheck = createReencryptionCheck({ store: store.workstation, crypto, codec, reader, reencryptions });
  const indexer = createIndexer({
    store: store.workstation,
    ipfs,
    crypto,
    codec,
    reader,
    reencryptionCheck,
    organizationKeys,
    directory,
    sessions,
    network,
    facts,
    atHand,
    report,
  });
  const cards = createCards({ keys: ports.keys, patientKeys });
  const notes = createNotes(store.workstation, ipfs, crypto, codec, network, directory);
  const emergencyKeys = createEmergencyKeys({
    ...{ store: store.workstation, keys: ports.keys, crypto, codec, ipfs, directory, network, sessions, signing, publisher, facts, report },
    organization: () => setup.clinic()?.id ?? null,
  });
  const keyring = createKeyring({ store: store.workstation, codec, crypto, ipfs, consents, directory, network });
  const grantees = createGrantees(store.workstation, codec, directory);
  const seals = createEmergencySeals({ store: store.workstation, codec, consents, directory, emergencyKeys, organization });
  const recovery = createRecovery({ store: store.workstation, shares: ports.shares, cards, patientKeys, network, directory, organization });
  const patients = createPatients({
    ...{ keyring, seals, grantees },
    appointing: (holder, record, appointment) => delegates.operations(holder, record, appointment),
    ...ports,
    cards,
    directory,
    network,
    signing,
    publisher,
    records,
    indexer,
    claims,
    facts,
    organization,
    isOpen: (session) => sessions.current() === session,
  });
  const verification = createVerification({
    ...{ store: store.workstation, codec, crypto, reader, reencryptionCheck, consents, directory, network },
  });
  const othersOf = (patient: string) => links.othersOf(patient).map((other) => other.patient);
  const chart = createChart({
    store: store.workstation,
    reader,
    verification,
    reencryptions,
    consents,
    directory,
    profiles,
    patients,
    indexer,
    sessions,
    facts,
    clock,
    openUntil: (session, patient) => emergency.view(session, patient).until,
    othersOf,
    ledgerState() {
      const status = connections.status();
      if (status?.state !== 'online') return 'away';
      return status.followed === status.head ? 'current' : 'behind';
    },
    report,
  });
  const emergency = createEmergency({
    ...{ store: store.workstation, ipfs, crypto, codec, consents, directory, emergencyKeys, indexer, network, notes, sessions, signing },
    ...{ publisher, facts, clock, organization, report },
    deciders: (patient) => delegates.deciders(patient),
  });
  const epochs = createNewEpochs({ crypto, consents, grantees, seals, signing, network, notes, clock });
  const renewals = createRenewals({
    ...{ store: store.workstation, ipfs, codec, crypto, consents, directory, grantees, keyring, seals, network, signing, publisher, clock },
    ...{ epochs, finishRotation: (desk) => patientRotation.finish(desk) },
  });
  const rights = createDeskRights(consents, clock);
  /** What the person logged in may see of an account's name. */
  const nameOf = (account: string): string => {
    const row = sessions.current()?.index.patient(account);
    return row ? formatName(row) : `Patient ${formatAccount(account)}`;
  };
  /** Staff are known by their profiles, others as far as whoever is logged in may see them. */
  const namedAnywhere = (account: string): string => {
    const member = directory.members().find((m) => m.account === account);
    return member ? profiles.name(member.profile, account) : nameOf(account);
  };
  const delegates: Delegates = createDelegates({
    ...{ store: store.workstation, codec, crypto, keys: ports.keys, consents, grantees, keyring, seals, epochs, rights, network },
    ...{ signing, publisher, clock, nameOf, accountOf: claims.accountOf, patientReader: notes.patientReader },
    clinicName(id) {
      const known = directory.organization(id);
      return known ? profiles.name(known.profile, `Clinic ${id.slice(2, 8)}`) : `Clinic ${id.slice(2, 8)}`;
    },
  });
  const recoveries = createAccountRecoveries(store.workstation, codec);
  const accountRecovery = createAccountRecovery({
    ...{ keys: ports.keys, recoveries, directory, delegates, rights, cards, sessions, signing, publisher, nameOf: namedAnywhere },
    now: () => Math.max(Math.floor(clock() / 1000), connections.status()?.headTime ?? 0),
  });
  const patientRotation = createPatientRotation({
    ...{ keys: ports.keys, cards, consents, patientKeys, recovery, directory, keyring, epochs, sessions, signing, publisher, facts, clock },
  });
  const bringingBack = createBringingBack({
    ...{ store: store.workstation, codec, crypto, reader, consents, directory, keyring, epochs, seals, rights, publisher, clock },
    granteeName(grantee) {
      const organization = directory.organization(grantee);
      if (organization) return profiles.name(organization.profile, `Clinic ${grantee.slice(2, 8)}`);
      return namedAnywhere(codec.checksummed(`0x${grantee.slice(26)}`));
    },
  });
  const views = createSharingViews({
    ...{ store: store.workstation, codec, consents, directory, profiles, notes, reader, keyring, seals, delegates, rights, nameOf },
  });
  const sharing = createSharing({
    ...{ crypto, consents, emergencyKeys, epochs, grantees, keyring, network, publisher, renewals, rights, seals, signing, views },
  });
  const accessRequests = createAccessRequests({
    store: store.workstation,
    ...{ codec, consents, directory, profiles, claims, notes, sharing, rights, signing, publisher, deciders: delegates.deciders },
  });
  const duplicates = createDuplicates({
    ...{
      store: store.workstation,
      codec,
      links,
      claims,
      directory,
      profiles,
      notes,
      signing,
      publisher,
      sessions,
      facts,
      clock,
      organization,
    },
  });
  claimAfterMove({ ...ports, store: store.workstation, network, directory, claims, publisher, indexer, sessions, organization });
  const corrections = createCorrections({
    ...{ store: store.workstation, crypto, chart, claims, records, publisher, indexer, facts, othersOf },
  });
  const attention = createAttention({
    ...{ store: store.workstation, codec, chart, consents, directory, links, claims, profiles, records, sessions, facts, clock },
    ...{ organization, report },
  });
  const drafts = createDrafts({ store: store.workstation, sessions, report });
  const consultations = createConsultations({ crypto, drafts, records, publisher, indexer, facts, clock, clinicName: () => clinic().name });
  const imports = createImports({ crypto, records, publisher, indexer, chart, facts });
  const resealing = createResealing({
    store: store.workstation,
    crypto,
    codec,
    reader,
    consents,
    network,
    directory,
    signing,
    publisher,
    sessions,
    facts,
    clock,
    report,
  });
  const reencrypting = createReencrypting({
    ...{ store: store.workstation, ipfs, crypto, network, keyring, reader, consents, records, signing, publisher, sessions, facts, clock },
    plans: createReencryptionPlans({ store: store.workstation, crypto, blocks, reencryptions, check: reencryptionCheck, consents }),
  });
  const dropping = createContentDropping({
    ...{ store: store.workstation, ipfs, crypto, codec, blocks, consents, directory, sessions, facts, clock, report },
    check: reencryptionCheck,
  });
  const withdrawals = createWithdrawals({ store: store.workstation, ...{ codec, reader, sessions, indexer, facts, clock, report } });
  const outbox = createOutboxView({
    store: store.workstation,
    facts,
    nameOf(account) {
      const member = directory.members().find((m) => m.account === account);
      return member ? profiles.name(member.profile, account) : 'A patient';
    },
  });
  const carry = createCarry({ ...ports, store: store.workstation, network, facts, neighbourhood });
  const uploads = createUploads(crypto);
  const downloads = createDownloads(crypto);
  const exports = createVerifiableExports({
    store: store.workstation,
    ipfs,
    crypto,
    codec,
    reader,
    network,
    facts,
    clock,
    blockHash: (block) => (connections.status()?.state === 'online' ? ports.ledger.blockHash(block) : Promise.resolve(null)),
  });
  const demo = createDemo({
    store: store.workstation,
    keys: ports.keys,
    setup,
    people,
    sessions,
    patients,
    imports,
    indexer,
    facts,
    files: ports.demoFiles,
  });
  const snapshots = createSnapshots({
    moving,
    clockWatch,
    version: options.version,
    store,
    ipfs,
    network,
    connections,
    directory,
    people,
    sessions,
    setup,
    indexer,
    keyRotation,
    principals: delegates.principals,
    attention,
    availability,
  });

  /** Names are asked for as soon as their owners are known, so that a screen need not show an account first. */
  const learnNames = () => {
    for (const { profile } of [...directory.organizations(), ...directory.members()]) profiles.name(profile, '');
  };

  sessions.onEnd(() => {
    uploads.clear();
    carry.slices.clear();
    downloads.clear();
    verification.invalidate();
  });
  ipfs.onPeersChanged(() => {
    connections.hurry();
    facts.tell('status', null);
    indexer.wake();
  });
  facts.on('operations', ({ kinds }) => {
    if ([...kinds].some((kind) => directoryKinds.has(kind))) learnNames();
    connections.poke();
    facts.tell('outboxChanged', null);
    facts.tell('status', null);
    const open = [chart.openPatient(), sessions.desk()?.patient];
    for (const patient of new Set(open)) if (patient) facts.tell('patientChanged', { patient });
  });

  return {
    ...{
      store,
      network,
      directory,
      consents,
      facts,
      profiles,
      sessions,
      connections,
      setup,
      moving,
      people,
      computers,
      accounts,
      keyRotation,
      keyring,
      patientRotation,
      accountRecovery,
      bringingBack,
      cards,
      recovery,
      patients,
      chart,
      sharing,
      accessRequests,
      delegates,
      nameOf,
      rights,
      links,
      duplicates,
      corrections,
      attention,
      emergency,
      consultations,
      drafts,
      imports,
    },
    createPhrase: () => ports.keys.createPhrase(),
    keysOfPhrase: (phrase: string) => ports.keys.fromPhrase(phrase),
    ...{
      outbox,
      carry,
      withdrawals,
      uploads,
      downloads,
      exports,
      availability,
      care: ports.care,
      records,
      publisher,
      demo,
      snapshots,
      indexer,
      resealing,
      reader,
      signing,
      reencrypting,
      dropping,
      clinic,
      ipfs,
      crypto,
      codec,
      clock,
    },
    start() {
      availability.start();
      if (setup.phase() === 'unconfigured') return;
      reencrypting.recover();
      connections.start();
      dropping.wake();
      // Names are there before anybody has logged in.
      learnNames();
    },
    async stop() {
      await Promise.all([neighbourhood.stop(), availability.stop()]);
      indexer.stop();
      dropping.stop();
      sessions.lock();
      await connections.stop();
      store.close();
    },
  };
}
