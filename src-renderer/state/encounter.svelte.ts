/** The encounter that is being written: autosaved as a draft, checked, and saved as a commit. A failing save keeps everything. */
import { api, asAppError } from '../api.ts';
import { DraftKeeper } from './draft.svelte.ts';
import { parseTypedDate } from '../../src-shared/format/index.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { EncounterInput } from '../../src-shared/ipc-schema.ts';
import type { CodedConcept, RecordState, SavedRecords } from '../../src-shared/view-types.ts';

export interface DiagnosisFields {
  concept: CodedConcept;
  clinicalStatus: 'active' | 'resolved';
  verificationStatus: 'provisional' | 'confirmed';
  onset: string;
  note: string;
}

interface Fields {
  class: EncounterInput['class'];
  /** As typed: a date and HH:MM, local time. */
  startDate: string;
  startTime: string;
  reason: string;
  diagnoses: DiagnosisFields[];
  note: string;
}

export const encounterClasses: readonly { value: EncounterInput['class']; label: string }[] = [
  { value: 'AMB', label: 'At the clinic' },
  { value: 'HH', label: 'At home' },
  { value: 'VR', label: 'By phone or video' },
  { value: 'EMER', label: 'Emergency' },
];

const two = (n: number) => String(n).padStart(2, '0');
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

function emptyAt(now: number): Fields {
  const at = new Date(now);
  return {
    class: 'AMB',
    startDate: `${two(at.getDate())}-${months[at.getMonth()]}-${at.getFullYear()}`,
    startTime: `${two(at.getHours())}:${two(at.getMinutes())}`,
    reason: '',
    diagnoses: [],
    note: '',
  };
}

const text = (value: unknown, max: number) => (typeof value === 'string' ? value.slice(0, max) : '');

/** A kept draft, whatever it holds, brought into form. */
function fieldsOf(draft: unknown, now: number): Fields {
  const from = (typeof draft === 'object' && draft !== null ? draft : {}) as Record<string, unknown>;
  // One that was withdrawn to be edited has its start as an instant.
  const start = typeof from.start === 'string' ? Date.parse(from.start) : NaN;
  const base = emptyAt(Number.isNaN(start) ? now : start);
  const rows = Array.isArray(from.diagnoses) ? (from.diagnoses as Record<string, unknown>[]) : [];
  return {
    class: encounterClasses.find((c) => c.value === from.class)?.value ?? 'AMB',
    startDate: text(from.startDate, 40) || base.startDate,
    startTime: text(from.startTime, 10) || base.startTime,
    reason: text(from.reason, 500),
    diagnoses: rows.slice(0, 30).map((row) => {
      const concept = (row?.concept ?? {}) as Record<string, unknown>;
      return {
        concept: { system: text(concept.system, 200), code: text(concept.code, 50), display: text(concept.display, 300) },
        clinicalStatus: row?.clinicalStatus === 'resolved' ? 'resolved' : 'active',
        verificationStatus: row?.verificationStatus === 'provisional' ? 'provisional' : 'confirmed',
        onset: text(row?.onset, 10),
        note: text(row?.note, 2000),
      };
    }),
    note: text(from.note, 50_000),
  };
}

export interface SavedRecord {
  readonly recordId: string;
  readonly resourceType: string;
  readonly title: string;
  readonly state: RecordState;
}

const savedHere: RecordState = { chip: 'saved', block: null, final: false, reason: null };

export class EncounterEditor {
  readonly patient: string;
  readonly draft: DraftKeeper;
  fields = $state<Fields>(emptyAt(Date.now()));
  /** Sentences of diagnosis onset fields that cannot be read, by row. */
  errors = $state<{ field: string; text: string }[]>([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);
  ready = $state(false);
  /** What was saved last, with its state as it moves on. */
  saved = $state.raw<readonly SavedRecord[]>([]);

  readonly touched = $derived(this.fields.reason.trim() !== '' || this.fields.diagnoses.length > 0 || this.fields.note.trim() !== '');

  constructor(patient: string) {
    this.patient = patient;
    this.draft = new DraftKeeper(`encounter:${patient}`, patient, 'encounter');
  }

  async restore(): Promise<void> {
    try {
      const content = await this.draft.restore();
      if (content !== null && !this.touched) this.fields = fieldsOf(content, Date.now());
    } catch (error) {
      this.draft.failure = asAppError(error);
    } finally {
      this.ready = true;
    }
  }

  /** Called with every change. */
  changed(): void {
    if (this.ready && this.touched) this.draft.keep($state.snapshot(this.fields));
  }

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  addDiagnosis(concept: CodedConcept): boolean {
    const there = this.fields.diagnoses.some((d) => d.concept.system === concept.system && d.concept.code === concept.code);
    if (there || this.fields.diagnoses.length >= 30) return false;
    this.fields.diagnoses.push({ concept: { ...concept }, clinicalStatus: 'active', verificationStatus: 'confirmed', onset: '', note: '' });
    return true;
  }

  removeDiagnosis(index: number): void {
    this.fields.diagnoses.splice(index, 1);
  }

  async discard(): Promise<void> {
    this.fields = emptyAt(Date.now());
    this.errors = [];
    this.failure = null;
    try {
      await this.draft.discard();
    } catch (error) {
      this.draft.failure = asAppError(error);
    }
  }

  /** @returns whether it is saved, which means durable here. */
  async save(partErrors: readonly { field: string; text: string }[]): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    const start = this.#start();
    this.errors = [...(start.error ? [start.error] : []), ...partErrors];
    if (!this.touched)
      this.errors.push({ field: 'reason', text: 'Nothing is written yet. Give a reason, a diagnosis or a note before saving.' });
    if (this.errors.length > 0 || start.iso === null) return false;
    this.busy = true;
    await this.draft.flush();
    const f = $state.snapshot(this.fields);
    try {
      const result = await api.call('chart.saveEncounter', {
        patient: this.patient,
        class: f.class,
        start: start.iso,
        reason: f.reason.trim(),
        diagnoses: f.diagnoses.map((d) => ({ ...d, note: d.note.trim() })),
        note: f.note,
        draft: `encounter:${this.patient}`,
      });
      this.draft.forget();
      this.fields = emptyAt(Date.now());
      this.saved = result.records.map((record: SavedRecords['records'][number]) => ({ ...record, state: savedHere }));
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
    // Not waited for: whoever goes on writing must not have the form made anew under their hands.
    void this.refreshSaved();
    return true;
  }

  /** Asks again how far what was saved has come. */
  async refreshSaved(): Promise<void> {
    const before = this.saved;
    if (before.length === 0) return;
    const now = await Promise.all(
      before.map(async (record) => {
        try {
          const view = await api.call('chart.record', { patient: this.patient, recordId: record.recordId });
          return { ...record, title: view.entry.title || record.title, state: view.entry.state };
        } catch (error) {
          // It is saved; only its state is not known at this moment. The next event asks again.
          return { ...record, state: { ...record.state, reason: asAppError(error).message } };
        }
      }),
    );
    if (this.saved === before) this.saved = now;
  }

  #start(): { iso: string | null; error: { field: string; text: string } | null } {
    const date = parseTypedDate(this.fields.startDate, Date.now());
    if (!date.ok) return { iso: null, error: { field: 'startDate', text: date.message } };
    if (date.precision !== 'day')
      return { iso: null, error: { field: 'startDate', text: 'Type the day of the visit, like 14 Jul 2026 or “today”.' } };
    const time = /^([01]?\d|2[0-3])[:.]?([0-5]\d)$/.exec(this.fields.startTime.trim());
    if (!time) return { iso: null, error: { field: 'startTime', text: 'Type the time with 24 hours, like 09:30 or 14:05.' } };
    const at = new Date(`${date.date}T${(time[1] ?? '').padStart(2, '0')}:${time[2]}:00`);
    if (at.getTime() > Date.now() + 24 * 3600 * 1000)
      return { iso: null, error: { field: 'startDate', text: 'The visit would start more than a day from now. Type when it started.' } };
    return { iso: at.toISOString(), error: null };
  }
}
