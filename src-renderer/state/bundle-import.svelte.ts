/** Importing a FHIR Bundle: the file goes to the core in slices, is looked through there, and nothing is written before “Import”. */
import { api, asAppError } from '../api.ts';
import { base64Of } from './base64.ts';
import { AppError } from '../../src-shared/errors.ts';
import type { ImportPreview, ImportResult, Progress } from '../../src-shared/view-types.ts';

export const maxFileBytes = 100 * 1024 * 1024;
const sliceBytes = 1024 * 1024;

export type ImportStep = 'choose' | 'uploading' | 'reading' | 'preview' | 'importing' | 'done';

/** '3.4 MB'. */
export function sizeInWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024).toLocaleString('en-GB')} KB`;
  return `${(bytes / 1024 / 1024).toLocaleString('en-GB', { maximumFractionDigits: 1 })} MB`;
}

export class BundleImport {
  readonly patient: string;
  step = $state<ImportStep>('choose');
  fileName = $state('');
  /** 0..1 while uploading or importing. */
  fraction = $state(0);
  label = $state('');
  preview = $state.raw<ImportPreview | null>(null);
  result = $state.raw<ImportResult | null>(null);
  failure = $state<AppError | null>(null);
  #file: string | null = null;
  #run = 0;

  constructor(patient: string) {
    this.patient = patient;
  }

  async choose(file: File): Promise<void> {
    await this.#discard();
    const run = ++this.#run;
    this.failure = null;
    this.preview = null;
    this.result = null;
    this.fileName = file.name.slice(0, 255);
    if (file.size > maxFileBytes) {
      this.step = 'choose';
      this.failure = new AppError(
        'FILE_TOO_LARGE',
        `This file has ${sizeInWords(file.size)}; the limit is 100 MB. Nothing was read or changed. Ask for the history in several files.`,
      );
      return;
    }
    this.step = 'uploading';
    this.fraction = 0;
    try {
      const { file: id } = await api.call('files.begin', { name: this.fileName, size: file.size });
      this.#file = id;
      for (let offset = 0; offset < file.size; offset += sliceBytes) {
        const bytes = new Uint8Array(await file.slice(offset, offset + sliceBytes).arrayBuffer());
        if (run !== this.#run) return;
        await api.call('files.append', { file: id, offset, base64: base64Of(bytes) });
        if (run !== this.#run) return;
        this.fraction = Math.min(1, (offset + bytes.length) / file.size);
      }
      this.step = 'reading';
      await this.look();
    } catch (error) {
      if (run !== this.#run) return;
      this.failure = asAppError(error);
      this.step = 'choose';
      await this.#discard();
    }
  }

  /** Looks the file through again: after a missing consent was given, for one. */
  async look(): Promise<void> {
    const run = this.#run;
    if (this.#file === null) return;
    const preview = await api.call('import.preview', { file: this.#file, patient: this.patient });
    if (run !== this.#run) return;
    this.preview = preview;
    this.step = 'preview';
  }

  async run(): Promise<void> {
    if (this.#file === null || this.step !== 'preview') return;
    const run = this.#run;
    this.step = 'importing';
    this.fraction = 0;
    this.label = 'Preparing';
    this.failure = null;
    try {
      const result = await api.call('import.run', { file: this.#file, patient: this.patient });
      if (run !== this.#run) return;
      this.result = result;
      this.step = 'done';
      await this.#discard();
    } catch (error) {
      if (run !== this.#run) return;
      this.failure = asAppError(error);
      this.step = 'preview';
    }
  }

  progress(progress: Progress): void {
    if (this.step !== 'importing' && this.step !== 'reading') return;
    if (!progress.job.startsWith('import')) return;
    this.label = progress.label;
    this.fraction = progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0;
  }

  /** Back to the beginning. Possible until the import runs: from then on the core finishes what it began. */
  async cancel(): Promise<void> {
    if (this.step === 'importing') return;
    this.#run++;
    this.step = 'choose';
    this.preview = null;
    this.result = null;
    this.failure = null;
    await this.#discard();
  }

  /** The screen goes away. */
  close(): void {
    if (this.step === 'importing') return;
    this.#run++;
    void this.#discard();
  }

  async #discard(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    try {
      await api.call('files.discard', { file });
    } catch {
      // The core drops files nobody finishes by itself, and none of them is part of a record.
    }
  }
}
