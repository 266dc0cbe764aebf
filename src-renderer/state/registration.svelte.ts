/**
 * Registering a patient: what is typed, what is wrong with it, who looks alike, and, after saving, the card and the recovery words until
 * they have been handed over. The PIN and the words are in this window's memory only: never in a draft, never on disk. The card, which is sealed
 * by the PIN, waits in the core until it was handed over.
 */
import { api, asAppError } from '../api.ts';
import { CardSecret } from './card-secret.svelte.ts';
import { identifierTypes } from './identifier-types.ts';
import { PersonFinder } from './person-finder.svelte.ts';
import { DraftKeeper } from './draft.svelte.ts';
import type { FieldError } from '../components/types.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { Demographics } from '../../src-shared/ipc-schema.ts';
import type { ClaimedIdentifier, PatientSummary, RegistrationResult } from '../../src-shared/view-types.ts';

interface Fields {
  family: string;
  given: string;
  prefix: string;
  birthDate: string;
  birthDateEstimated: boolean;
  gender: Demographics['gender'] | '';
  phone: string;
  address: string;
  identifiers: { label: string; value: string }[];
}

const empty = (): Fields => ({
  family: '',
  given: '',
  prefix: '',
  birthDate: '',
  birthDateEstimated: false,
  gender: '',
  phone: '',
  address: '',
  identifiers: [],
});

const text = (value: unknown, max: number) => (typeof value === 'string' ? value.slice(0, max) : '');

/** A draft as it was kept, whatever it holds, brought into form. */
function fieldsOf(draft: unknown): Fields {
  const from = (typeof draft === 'object' && draft !== null ? draft : {}) as Record<string, unknown>;
  const genders = ['male', 'female', 'other', 'unknown'] as const;
  const rows = Array.isArray(from.identifiers) ? (from.identifiers as Record<string, unknown>[]) : [];
  return {
    family: text(from.family, 120),
    given: text(from.given, 120),
    prefix: text(from.prefix, 20),
    birthDate: text(from.birthDate, 10),
    birthDateEstimated: from.birthDateEstimated === true,
    gender: genders.find((g) => g === from.gender) ?? '',
    phone: text(from.phone, 40),
    address: text(from.address, 300),
    identifiers: rows.slice(0, 10).map((row) => ({ label: text(row?.label, 80), value: text(row?.value, 80) })),
  };
}

export class Registration {
  fields = $state<Fields>(empty());
  readonly secret = new CardSecret();
  /** Who decides for the patient from the beginning; nobody as a rule. */
  readonly guardian = new PersonFinder();
  hasGuardian = $state(false);
  errors = $state<FieldError[]>([]);
  /** What the core answered to a failed save; everything typed stays. */
  failure = $state<AppError | null>(null);
  busy = $state(false);
  similar = $state.raw<readonly PatientSummary[]>([]);
  /** Identifiers that someone on the network has already. */
  claimed = $state.raw<readonly ClaimedIdentifier[]>([]);
  /** Accounts that the registrar said are someone else. */
  dismissed = $state.raw<ReadonlySet<string>>(new Set());
  similarFailure = $state<AppError | null>(null);
  /** Set once saved, until card and sheet were handed over. */
  result = $state.raw<RegistrationResult | null>(null);
  /** Who registered: nobody else sees card and words. */
  registrar = $state<string | null>(null);

  readonly draft = new DraftKeeper('register', '', 'register');
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly touched = $derived(JSON.stringify(this.fields) !== JSON.stringify(empty()));

  async restore(): Promise<void> {
    const content = await this.draft.restore();
    if (content !== null && !this.touched) this.fields = fieldsOf(content);
  }

  /** A card that an earlier run of the window or the core left without its having been handed over; its patient is registered. */
  async restoreCard(registrar: string): Promise<void> {
    if (this.result) return;
    for (const draft of await api.call('drafts.list', {})) {
      if (draft.kind !== 'card') continue;
      try {
        const patient = await api.call('patients.get', { patient: draft.patient });
        const { card } = JSON.parse(draft.json) as { card: string };
        this.result = { patient, card, phrase: '' };
        this.registrar = registrar;
        return;
      } catch (error) {
        // The registration did not come to its end, or is not in the list of patients yet.
        if (asAppError(error).code !== 'NOT_FOUND') throw error;
      }
    }
  }

  /** Called with every change: keeps the draft and looks for people who are alike. */
  changed(): void {
    if (this.touched) this.draft.keep($state.snapshot(this.fields));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#findSimilar(), 250);
  }

  demographics(): Demographics {
    const f = $state.snapshot(this.fields);
    return {
      family: f.family.trim(),
      given: f.given.trim(),
      prefix: f.prefix.trim(),
      birthDate: f.birthDate,
      birthDateEstimated: f.birthDate !== '' && f.birthDateEstimated,
      gender: f.gender === '' ? 'unknown' : f.gender,
      phone: f.phone.trim(),
      address: f.address.trim(),
      identifiers: f.identifiers
        .filter((row) => row.value.trim() !== '')
        .map((row) => ({ ...(identifierTypes.find((type) => type.label === row.label) ?? identifierTypes[4]), value: row.value.trim() })),
    };
  }

  addIdentifier(): void {
    if (this.fields.identifiers.length < 10) this.fields.identifiers.push({ label: identifierTypes[0].label, value: '' });
  }

  removeIdentifier(index: number): void {
    this.fields.identifiers.splice(index, 1);
  }

  dismiss(patient: string): void {
    this.dismissed = new Set(this.dismissed).add(patient);
  }

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  /** Checks and saves. @returns whether the patient is registered. */
  async save(registrar: string, dateError: string | undefined): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    this.errors = this.#check(dateError);
    if (this.errors.length > 0) return false;
    this.busy = true;
    try {
      const guardian = this.hasGuardian ? this.guardian.found?.patient : undefined;
      const patient = { demographics: this.demographics(), pin: this.secret.typed };
      this.result = await api.call('patients.register', guardian === undefined ? patient : { ...patient, guardian });
      this.registrar = registrar;
    } catch (error) {
      this.failure = asAppError(error);
      await this.draft.flush();
      return false;
    } finally {
      this.busy = false;
    }
    this.#clear();
    try {
      await this.draft.discard();
    } catch (error) {
      // The patient is registered; a left-over draft is only a nuisance, and the next change of the form says if drafts fail.
      this.draft.failure = asAppError(error);
    }
    return true;
  }

  /** Card and sheet are in the patient's hands: the words leave memory, the card leaves the core. */
  async handedOver(): Promise<void> {
    const patient = this.result?.patient.patient;
    if (patient) await api.call('drafts.discard', { id: `card:${patient}` });
    this.result = null;
    this.registrar = null;
  }

  async startOver(): Promise<void> {
    this.#clear();
    await this.draft.discard();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#asked++;
    this.fields = empty();
    this.secret.clear();
    this.guardian.clear();
    this.hasGuardian = false;
    this.errors = [];
    this.similar = [];
    this.claimed = [];
    this.dismissed = new Set();
  }

  #check(dateError: string | undefined): FieldError[] {
    const f = this.fields;
    const errors: FieldError[] = [];
    if (f.family.trim() === '' && f.given.trim() === '')
      errors.push({ field: 'family', text: 'Type the family name or the given names. One of them is enough.' });
    if (dateError) errors.push({ field: 'birthDate', text: dateError });
    else if (f.birthDate !== '' && f.birthDate > new Date().toISOString().slice(0, f.birthDate.length))
      errors.push({ field: 'birthDate', text: 'The birth date lies in the future. Type a date up to today.' });
    if (f.gender === '') errors.push({ field: 'gender', text: 'Choose the sex, or “Unknown”.' });
    if (f.phone.trim() !== '' && !/\d{3}/.test(f.phone.replace(/[\s().+-]/g, '')))
      errors.push({ field: 'phone', text: 'Type the phone number with its digits, like 022 4567 8901, or leave it empty.' });
    const seen = new Set<string>();
    f.identifiers.forEach((row, index) => {
      if (row.value.trim() === '')
        errors.push({ field: `identifier-${index}`, text: `Type the number of “${row.label}”, or remove the row.` });
      const key = `${row.label}|${row.value.trim()}`;
      if (row.value.trim() !== '' && seen.has(key))
        errors.push({ field: `identifier-${index}`, text: 'This identifier is there twice. Remove one.' });
      seen.add(key);
    });
    if (this.hasGuardian && !this.guardian.found)
      errors.push({ field: 'person', text: 'Find the guardian by their card, or untick that somebody else decides.' });
    return [...errors, ...this.secret.check()];
  }

  async #findSimilar(): Promise<void> {
    const asked = ++this.#asked;
    const demographics = this.demographics();
    if (demographics.family.length + demographics.given.length < 2 && demographics.identifiers.length === 0 && demographics.phone === '') {
      this.similar = [];
      this.claimed = [];
      return;
    }
    try {
      const { hits, claimed } = await api.call('patients.similar', demographics);
      if (asked !== this.#asked) return;
      this.similar = hits;
      this.claimed = claimed;
      this.similarFailure = null;
    } catch (error) {
      if (asked === this.#asked) this.similarFailure = asAppError(error);
    }
  }
}

/**
 * One registration a window. It outlives the screen and an idle lock on purpose: a patient whose card was not printed yet would lose
 * the key for good. Only the registrar who made it gets it back (`registrar`).
 */
export const registration = new Registration();
