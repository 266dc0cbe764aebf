/**
 * The one table of calls and events between a screen and the core. Each input has a runtime parser (zod), which the core applies before
 * anything else; both sides' types are derived from here. Sizes are bounded: what a call may carry is what a screen needs, no more.
 */
import { z } from 'zod';
import { categories, type Category } from './categories.ts';
import { readFhirDate } from './format/dates.ts';
import {
  capacities,
  powerBits,
  purposes,
  recoveryLimits,
  roleBits,
  type Capacity,
  type Power,
  type Purpose,
  type Role,
} from './operations.ts';
import type * as view from './view-types.ts';

const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
/** A line a person types. */
const line = (max: number) => z.string().trim().max(max);
/** What somebody is called: something that can be seen, in one line, that turns nothing round in the lines beside it. */
const shown = (max: number) => line(max).regex(/^[^\p{Cc}\u2028-\u202e\u2066-\u2069\ud800-\udfff]*$/u);
export const name = shown(200).regex(/[\p{L}\p{N}]/u);
const passphrase = z.string().min(1).max(1024);
const newPassphrase = z.string().min(10).max(1024);
const phrase = z.string().min(1).max(500);
/** A key that somebody has already. */
const keySource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('phrase'), phrase }),
  z.strictObject({ kind: z.literal('privateKey'), privateKey: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('keystore'), json: z.string().min(1).max(16_384), password: z.string().max(1024) }),
]);
export type KeySource = z.infer<typeof keySource>;
/** What a new card is sealed under: a PIN of 6 to 12 digits, or a passphrase. */
const newPin = z.union([z.string().regex(/^[0-9]{6,12}$/), newPassphrase]);
const code = z.string().min(1).max(20_000);
const recoveryCode = z.string().min(1).max(300);
const category = z.enum(categories);
/** Seconds; 0 = open end. */
const until = z.number().int().min(0).max(4_102_444_800);
const fhirDate = z
  .string()
  .max(10)
  .refine((text) => readFhirDate(text) !== null);
const roles = z
  .array(z.enum(Object.keys(roleBits) as [Role, ...Role[]]))
  .min(1)
  .max(4);
const coded = z.strictObject({ system: line(200), code: line(50).min(1), display: line(300) });
const identifier = z.strictObject({ system: line(200).min(1), label: line(80), value: line(80).min(1) });
/** Of a node of the ledger; or `peer:` and the id of the workstation that runs it. */
const endpoint = z.union([z.url({ protocol: /^https?$/ }).max(300), z.string().regex(/^peer:[1-9A-HJ-NP-Za-km-z]{20,80}$/)]);
const freeingLimits = z.strictObject({
  keepBytes: z.number().int().min(0).max(1e15),
  recentDays: z.number().int().min(0).max(3650),
});
const nothing = z.strictObject({});

const demographics = z.strictObject({
  family: shown(120),
  given: shown(120),
  prefix: line(20),
  birthDate: z.union([fhirDate, z.literal('')]),
  birthDateEstimated: z.boolean(),
  gender: z.enum(['male', 'female', 'other', 'unknown']),
  phone: line(40),
  address: line(300),
  identifiers: z.array(identifier).max(10),
});
export type Demographics = z.infer<typeof demographics>;

const encounterInput = z.strictObject({
  patient: account,
  /** FHIR Encounter.class (v3 ActCode): ambulatory, home, virtual, emergency. */
  class: z.enum(['AMB', 'HH', 'VR', 'EMER']),
  /** ISO instant of the start. */
  start: z.iso.datetime({ offset: true }),
  reason: line(500),
  diagnoses: z
    .array(
      z.strictObject({
        concept: coded,
        clinicalStatus: z.enum(['active', 'resolved']),
        verificationStatus: z.enum(['provisional', 'confirmed']),
        onset: z.union([fhirDate, z.literal('')]),
        note: line(2000),
      }),
    )
    .max(30),
  note: z.string().max(50_000),
  /** The draft this is saved from; it is discarded with the save. */
  draft: z.string().max(80).optional(),
});
export type EncounterInput = z.infer<typeof encounterInput>;

/** A change of a record. `choose`: one of the versions is right as it is. */
const correction = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('choose') }),
  z.strictObject({
    kind: z.literal('condition'),
    clinicalStatus: z.enum(['active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved']),
    verificationStatus: z.enum(['unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered-in-error']),
    onset: z.union([fhirDate, z.literal('')]),
    note: line(2000),
  }),
  z.strictObject({ kind: z.literal('note'), text: z.string().min(1).max(50_000) }),
  z.strictObject({ kind: z.literal('cancel'), reason: line(300).min(1) }),
  z.strictObject({ kind: z.literal('demographics'), demographics }),
]);
export type Correction = z.infer<typeof correction>;
/** The version whose content is corrected or chosen, and all current ones that the person saw: those it replaces. */
const replaces = { base: uuid, previous: z.array(uuid).min(1).max(32) };

interface Call<I extends z.ZodType, O> {
  readonly input: I;
  /** Type only. */
  readonly output?: O;
}
const call = <O>() =>
  function withInput<I extends z.ZodType>(input: I): Call<I, O> {
    return { input };
  };

export const calls = {
  // -- start
  'workstation.snapshot': call<view.Snapshot>()(nothing),
  'setup.createPhrase': call<{ phrase: string }>()(nothing),
  'setup.createClinic': call<null>()(z.strictObject({ clinicName: name, personName: name, passphrase: newPassphrase, phrase })),
  'setup.createDemo': call<null>()(nothing),
  'setup.join': call<{ requestCode: string }>()(
    z.strictObject({ invitation: code, clinicName: name, personName: name, passphrase: newPassphrase, phrase }),
  ),
  /** Makes this computer another workstation of a clinic that has one. */
  'setup.joinClinic': call<{ clinicName: string }>()(z.strictObject({ invitation: code, computerName: shown(80).min(1) })),
  // -- people and sessions
  'people.createKey': call<{ account: string; enrolmentCode: string }>()(
    z.strictObject({ personName: name, passphrase: newPassphrase, phrase }),
  ),
  'people.enrolmentCode': call<{ enrolmentCode: string }>()(z.strictObject({ account })),
  // -- one's own key
  /** Whose key this is; keeps nothing. */
  'keys.read': call<{ account: string; fromPhrase: boolean }>()(z.strictObject({ key: keySource })),
  'keys.take': call<{ account: string; enrolmentCode: string }>()(
    z.strictObject({ personName: name, passphrase: newPassphrase, key: keySource }),
  ),
  'keys.phrase': call<{ phrase: string | null }>()(z.strictObject({ passphrase })),
  'keys.keystore': call<{ json: string }>()(z.strictObject({ passphrase, password: newPassphrase })),
  'keys.changePassphrase': call<null>()(z.strictObject({ passphrase, newPassphrase })),
  /** A new key from these words for whoever is logged in, under the same passphrase. */
  'keys.rotate': call<null>()(z.strictObject({ passphrase, phrase })),
  /** The key that the account was given at another workstation. */
  'keys.adopt': call<null>()(z.strictObject({ passphrase, phrase })),
  'session.logIn': call<null>()(z.strictObject({ account, passphrase })),
  'session.lock': call<null>()(nothing),
  /** Somebody is there: puts off the idle lock. */
  'session.touch': call<null>()(nothing),
  'settings.set': call<null>()(
    z.strictObject({ theme: z.enum(['system', 'light', 'dark']).optional(), idleLockMinutes: z.number().int().min(1).max(60).optional() }),
  ),
  // -- the operating system's keychain
  'keychain.view': call<view.KeychainView>()(nothing),
  /** The recovery code of this workstation: to be printed, and confirmed by turning the keychain on with it. */
  'keychain.code': call<{ code: string }>()(z.strictObject({ passphrase })),
  'keychain.turnOn': call<null>()(z.strictObject({ code: recoveryCode })),
  'keychain.turnOff': call<null>()(z.strictObject({ passphrase })),
  /** At a start at which no keychain opened the key: by the recovery code, or (null) by asking the keychain again. */
  'keychain.recover': call<{ sealedAnew: boolean }>()(z.strictObject({ code: recoveryCode.nullable() })),
  // -- admin
  'staff.list': call<view.StaffMember[]>()(nothing),
  'staff.readCode': call<{ account: string; personName: string; alreadyEnrolled: boolean }>()(z.strictObject({ enrolmentCode: code })),
  'staff.approve': call<null>()(z.strictObject({ enrolmentCode: code, roles })),
  'staff.changeRoles': call<null>()(z.strictObject({ account, roles })),
  'staff.setSuspended': call<null>()(z.strictObject({ account, suspended: z.boolean() })),
  'staff.leave': call<null>()(z.strictObject({ account })),
  'network.view': call<view.NetworkView>()(nothing),
  'network.invitation': call<{ invitation: string }>()(nothing),
  'computers.list': call<view.ComputerView[]>()(nothing),
  /** For one further computer of this clinic. */
  'computers.invitation': call<{ invitation: string }>()(nothing),
  'computers.remove': call<null>()(z.strictObject({ peer: line(80).min(1) })),
  // -- where records are
  'availability.view': call<view.AvailabilityView>()(nothing),
  'availability.record': call<view.RecordCopies>()(z.strictObject({ versionId: uuid })),
  /** For the whole clinic. */
  'availability.setCopies': call<null>()(
    z.strictObject({ computers: z.number().int().min(1).max(9), hub: z.boolean(), outside: z.boolean() }),
  ),
  /** From here on, all that this computer keeps is pinned there; null: nowhere any more. */
  'availability.setPinning': call<null>()(
    z.strictObject({
      service: z.strictObject({ name, endpoint: z.url({ protocol: /^https?$/ }).max(300), token: z.string().min(1).max(500) }).nullable(),
    }),
  ),
  /** Freeing space on this computer: what that would do, choosing it (null: off), and doing it now. */
  'availability.previewFreeing': call<view.FreeingPreview>()(freeingLimits),
  'availability.setFreeing': call<null>()(z.strictObject({ limits: freeingLimits.nullable() })),
  'availability.free': call<view.FreeingResult>()(nothing),
  /** Compares all blocks of this computer with their hashes, and mends what can be mended. */
  'availability.check': call<view.BlockCheckView>()(nothing),
  'network.readRequest': call<{ organization: string; clinicName: string; adminName: string; alreadyAdmitted: boolean; moving: boolean }>()(
    z.strictObject({ requestCode: code }),
  ),
  'network.admit': call<null>()(z.strictObject({ requestCode: code })),
  'network.dial': call<null>()(z.strictObject({ address: line(300).min(1) })),
  /** From the ledger of this workstation to a network that clinics run together. */
  'moving.view': call<view.MovingView>()(nothing),
  'moving.ask': call<{ requestCode: string }>()(z.strictObject({ invitation: code })),
  'moving.forget': call<null>()(nothing),
  /** Locks the workstation. */
  'moving.go': call<null>()(nothing),
  'moving.follow': call<null>()(z.strictObject({ invitation: code })),
  'network.setEndpoint': call<null>()(z.strictObject({ endpoint })),
  // -- patients
  'patients.search': call<{ hits: view.PatientSummary[]; total: number; linked: view.LinkMark[] }>()(
    z.strictObject({ text: z.string().max(200), limit: z.number().int().min(1).max(200), offset: z.number().int().min(0).max(10_000_000) }),
  ),
  'patients.get': call<view.PatientSummary>()(z.strictObject({ patient: account })),
  /** Similar people already known here, and identifiers already claimed on the network. */
  'patients.similar': call<{ hits: view.PatientSummary[]; claimed: view.ClaimedIdentifier[] }>()(demographics),
  /** `guardian`: who decides for the patient from the beginning, a child say. */
  'patients.register': call<view.RegistrationResult>()(z.strictObject({ demographics, pin: newPin, guardian: account.optional() })),
  /** A new card of the same key, from the recovery words. */
  'cards.reissue': call<{ card: string }>()(z.strictObject({ patient: account, phrase, pin: newPin })),
  /** A new key for the patient, whose old one opens the call. The words are shown once. */
  'cards.newKey': call<{ card: string; phrase: string }>()(
    z.strictObject({
      patient: account,
      opening: z.discriminatedUnion('by', [
        z.strictObject({ by: z.literal('card'), card: z.string().min(1).max(2000), pin: passphrase }),
        z.strictObject({ by: z.literal('words'), phrase }),
        z.strictObject({ by: z.literal('shares'), shares: z.array(code).min(1).max(2) }),
      ]),
      pin: newPin,
    }),
  ),
  'cards.guessing': call<{ secondsPerGuess: number }>()(nothing),
  /** Makes the three shares of the patient at the desk: the vault's is kept here, the other two are printed. */
  'recovery.make': call<{ card: string; guardian: string }>()(nothing),
  /** A new card from two shares, or from one and the vault's. */
  'recovery.card': call<{ card: string }>()(z.strictObject({ patient: account, shares: z.array(code).min(1).max(2), pin: newPin })),
  /** New keys of a patient that were asked for and are not in force, and who can help to one. */
  'helpers.pending': call<{ helpers: view.KeyHelpersView; pending: view.PendingKey[] }>()(z.strictObject({ patient: account })),
  /** Card, PIN and words are lost: asks for a new key with the card of the first who can help. The words are shown once. */
  'helpers.begin': call<{ card: string; phrase: string; code: string }>()(
    z.strictObject({
      patient: account,
      helper: z.strictObject({ card: z.string().min(1).max(2000), pin: passphrase }),
      pin: newPin,
    }),
  ),
  /** With the new card, when the waiting time is over. */
  'helpers.complete': call<null>()(z.strictObject({ patient: account, card: z.string().min(1).max(2000), pin: passphrase })),
  /** What the owner of the card at the desk has to do with new keys. */
  'helpers.atDesk': call<view.NewKeysAtDesk>()(nothing),
  /** Signed by the patient at the desk. No helpers: nobody can help any more. */
  'helpers.choose': call<null>()(
    z.strictObject({
      helpers: z.array(account).max(recoveryLimits.guardians),
      threshold: z.number().int().min(0).max(recoveryLimits.guardians),
      days: z.number().int().min(0).max(90),
    }),
  ),
  /** Signed by the helper at the desk. */
  'helpers.agree': call<null>()(z.strictObject({ proposal: bytes32 })),
  /** Signed by the owner at the desk, who still has the old card. */
  'helpers.stop': call<null>()(nothing),
  /** Seals to the patient's new key what the person logged in, or the delegate at the desk, can read of the record from before. */
  'helpers.bringBack': call<{ categories: Category[] }>()(nothing),
  /** Current versions of the registered demographics: more than one where two desks corrected them at once. */
  'patients.details': call<view.DetailsVersion[]>()(z.strictObject({ patient: account })),
  'patients.correct': call<view.SavedRecords>()(z.strictObject({ patient: account, ...replaces, demographics })),
  // -- what needs a person
  'attention.list': call<view.AttentionView>()(nothing),
  /** Refused, known, and left as it is: it stays in the list of what was made here. */
  'attention.setAside': call<null>()(z.strictObject({ opId: bytes32 })),
  // -- people registered more than once
  'duplicates.list': call<view.DuplicatesView>()(nothing),
  /** Other registrations of the same person. */
  'duplicates.of': call<view.LinkedPatient[]>()(z.strictObject({ patient: account })),
  /** One person: `survivor` is the record to go on with. Gives nobody access to anything. */
  'duplicates.link': call<null>()(z.strictObject({ duplicate: account, survivor: account, reason: line(1000).min(1) })),
  'duplicates.unlink': call<null>()(z.strictObject({ duplicate: account, reason: line(1000).min(1) })),
  /** Two people who look alike: remembered at this workstation. */
  'duplicates.dismiss': call<null>()(z.strictObject({ a: account, b: account, dismissed: z.boolean() })),
  // -- a patient at the desk
  'desk.open': call<{ patient: string; name: string }>()(z.strictObject({ card: z.string().min(1).max(2000), pin: passphrase })),
  'desk.close': call<null>()(nothing),
  /** For whom the card's owner decides; null: to be asked again. */
  'desk.actFor': call<null>()(z.strictObject({ patient: account.nullable() })),
  'desk.sharing': call<view.SharingView>()(nothing),
  'desk.grant': call<null>()(
    z.strictObject({
      grantee: bytes32,
      categories: z.array(category).min(1).max(categories.length),
      write: z.boolean(),
      purpose: z.enum(Object.keys(purposes) as [Purpose, ...Purpose[]]),
      until,
    }),
  ),
  'desk.revoke': call<null>()(z.strictObject({ grantee: bytes32, categories: z.array(category).max(categories.length) })),
  /** The same of everything, sealed by the patient at the desk. */
  'desk.export': call<view.ExportResult>()(nothing),
  // -- old records, encrypted anew by the patient at the desk
  'earlier.view': call<view.EarlierRecords>()(nothing),
  /** Answers when it is done or stopped; all categories where none is named. */
  'earlier.reencrypt': call<view.ReencryptionResult>()(z.strictObject({ categories: z.array(category).max(categories.length) })),
  'earlier.stop': call<null>()(z.strictObject({ patient: account })),
  /** Requests that a closed desk or a restart interrupted, with what the person logged in calls the patient. */
  'earlier.interrupted': call<(view.InterruptedReencryption & { readonly name: string })[]>()(nothing),
  // -- guardians and delegates
  /** Whom a patient could appoint: whoever is registered, by card, identifier or account. */
  'delegates.find': call<Omit<view.FoundPatient, 'summary'> & { name: string }>()(
    z.union([
      z.strictObject({ account }),
      z.strictObject({ card: z.string().min(1).max(2000) }),
      z.strictObject({ system: line(200).min(1), value: line(80).min(1) }),
    ]),
  ),
  /** Signed by the patient at the desk. No categories: for everything. */
  'delegates.appoint': call<null>()(
    z.strictObject({
      delegate: account,
      capacity: z.enum(Object.keys(capacities) as [Capacity, ...Capacity[]]),
      powers: z
        .array(z.enum(Object.keys(powerBits) as [Power, ...Power[]]))
        .min(1)
        .max(3),
      categories: z.array(category).max(categories.length),
      until,
    }),
  ),
  'delegates.dismiss': call<null>()(z.strictObject({ delegate: account })),
  // -- emergencies
  'emergency.view': call<view.EmergencyView>()(z.strictObject({ patient: account })),
  'emergency.open': call<null>()(z.strictObject({ patient: account, reason: line(1000).min(10), hours: z.number().int().min(1).max(24) })),
  'emergency.close': call<null>()(z.strictObject({ patient: account })),
  /** Signed by the patient at the desk. */
  'emergency.switch': call<null>()(z.strictObject({ allowed: z.boolean() })),
  // -- requests for access
  'requests.find': call<view.FoundPatient>()(
    z.union([z.strictObject({ account }), z.strictObject({ system: line(200).min(1), value: line(80).min(1) })]),
  ),
  'requests.ask': call<null>()(
    z.strictObject({
      patient: account,
      categories: z.array(category).min(1).max(categories.length),
      write: z.boolean(),
      purpose: z.enum(Object.keys(purposes) as [Purpose, ...Purpose[]]),
      until,
      reason: line(1000).min(1),
    }),
  ),
  /** What the person logged in asked for. */
  'requests.sent': call<view.SentRequest[]>()(nothing),
  /** What the patient at the desk is asked for. */
  'requests.open': call<view.PatientRequest[]>()(nothing),
  'requests.approve': call<null>()(
    z.strictObject({ request: bytes32, categories: z.array(category).min(1).max(categories.length), write: z.boolean(), until }),
  ),
  'requests.decline': call<null>()(z.strictObject({ request: bytes32 })),
  // -- chart
  'chart.open': call<view.ChartView>()(z.strictObject({ patient: account })),
  'chart.entries': call<{ entries: view.ChartEntry[]; more: boolean }>()(
    z.strictObject({
      patient: account,
      resourceTypes: z.array(line(60)).max(50).optional(),
      category: category.optional(),
      before: z.strictObject({ date: line(40), recordId: uuid }).optional(),
      limit: z.number().int().min(1).max(500),
    }),
  ),
  'chart.record': call<view.RecordView>()(z.strictObject({ patient: account, recordId: uuid, versionId: uuid.optional() })),
  /** offline: from what is held here alone, without asking connected workstations for blocks. */
  'chart.verify': call<view.VerifyReport>()(z.strictObject({ patient: account, offline: z.boolean().default(false) })),
  /** Makes a verifiable export of what the person logged in may read; it is fetched with files.read. */
  'chart.export': call<view.ExportResult>()(z.strictObject({ patient: account })),
  'chart.saveEncounter': call<view.SavedRecords>()(encounterInput),
  /** A new version of a record. Versions the person had not seen stay beside it. */
  'chart.correct': call<view.SavedRecords>()(z.strictObject({ patient: account, recordId: uuid, ...replaces, correction })),
  'drafts.list': call<view.Draft[]>()(z.strictObject({ patient: account.optional() })),
  'drafts.save': call<null>()(
    z.strictObject({ id: line(80).min(1), patient: line(80), kind: line(40).min(1), json: z.string().max(200_000) }),
  ),
  'drafts.discard': call<null>()(z.strictObject({ id: line(80).min(1) })),
  'terminology.search': call<view.CodedConcept[]>()(z.strictObject({ text: line(100), limit: z.number().int().min(1).max(50) })),
  // -- import
  'files.begin': call<{ file: string }>()(z.strictObject({ name: line(255), size: z.number().int().min(0) })),
  'files.append': call<null>()(z.strictObject({ file: uuid, offset: z.number().int().min(0), base64: z.string().max(1_500_000) })),
  'files.read': call<{ base64: string }>()(z.strictObject({ file: uuid, offset: z.number().int().min(0) })),
  'files.discard': call<null>()(z.strictObject({ file: uuid })),
  'import.preview': call<view.ImportPreview>()(z.strictObject({ file: uuid, patient: account.nullable() })),
  'import.run': call<view.ImportResult>()(z.strictObject({ file: uuid, patient: account })),
  // -- outbox
  'sync.outbox': call<view.OutboxPage>()(
    z.strictObject({
      show: z.enum(['all', 'waiting', 'refused', 'anchored']),
      /** Only what was made before this position. */
      before: z.number().int().min(1).optional(),
      limit: z.number().int().min(1).max(500),
    }),
  ),
  'sync.retry': call<null>()(z.strictObject({ opId: bytes32 })),
  /** Sends everything again that was refused and may be taken now; how many. */
  'sync.retryAll': call<{ sent: number }>()(nothing),
  'sync.withdrawal': call<view.WithdrawalView>()(z.strictObject({ opId: bytes32 })),
  /** `edit`: a consultation goes back into its draft. */
  'sync.withdraw': call<{ patient: string | null }>()(z.strictObject({ opId: bytes32, edit: z.boolean() })),
  'sync.now': call<null>()(nothing),
  // -- carried by hand
  /** Begins a file with what waits here. */
  'carry.out': call<view.CarryOutView>()(nothing),
  /** Its next slice; null after the last. */
  'carry.read': call<{ base64: string | null }>()(nothing),
  'carry.begin': call<null>()(nothing),
  /** The next slice of a file from elsewhere; answered when it was taken in. `more`: whether to go on. */
  'carry.append': call<{ more: boolean }>()(z.strictObject({ base64: z.string().max(1_500_000) })),
  /** After the last slice that could be read. */
  'carry.end': call<view.CarryInView>()(nothing),
  'carry.stop': call<null>()(nothing),
  /** Halts the reading of what gathered on the ledger, or goes on with it. */
  'sync.pause': call<null>()(z.strictObject({ paused: z.boolean() })),
} as const;

export type CallName = keyof typeof calls;
export type CallInput<N extends CallName> = z.input<(typeof calls)[N]['input']>;
export type CallParsed<N extends CallName> = z.output<(typeof calls)[N]['input']>;
export type CallOutput<N extends CallName> =
  NonNullable<(typeof calls)[N]['output']> | (null extends (typeof calls)[N]['output'] ? null : never);

/** Facts the core tells without being asked. */
export interface CoreEvents {
  /** Anything of the snapshot changed. */
  readonly snapshot: view.Snapshot;
  /** Patients were added or changed in the index of the person logged in. */
  readonly patientsChanged: null;
  /** Records, grants or states of this patient changed. */
  readonly patientChanged: { readonly patient: string };
  readonly outboxChanged: null;
  readonly progress: view.Progress;
}
export type CoreEventName = keyof CoreEvents;

/** Messages on the wire between shell and core, and shell and renderer. */
export type CallMessage = { readonly id: number; readonly call: string; readonly input: unknown };
export type ReplyMessage =
  | { readonly id: number; readonly ok: true; readonly output: unknown }
  | { readonly id: number; readonly ok: false; readonly error: import('./errors.ts').WireError };
export type EventMessage = { [N in CoreEventName]: { readonly event: N; readonly payload: CoreEvents[N] } }[CoreEventName];
