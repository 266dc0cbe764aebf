/** Making a verifiable export and handing it to the person as a file: the core makes it, the window saves it. */
import { api, asAppError } from '../api.ts';
import { saveFile } from './save-file.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { ExportResult, Progress } from '../../src-shared/view-types.ts';

export class VerifiableExport {
  /** null: everything of the patient at the desk. */
  readonly patient: string | null;
  busy = $state(false);
  progress = $state.raw<Progress | null>(null);
  failure = $state<AppError | null>(null);
  result = $state.raw<ExportResult | null>(null);

  constructor(patient: string | null) {
    this.patient = patient;
  }

  hear(progress: Progress): void {
    if (this.busy && progress.job.startsWith('export:')) this.progress = progress;
  }

  async make(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    this.progress = null;
    this.result = null;
    try {
      const made = this.patient === null ? await api.call('desk.export', {}) : await api.call('chart.export', { patient: this.patient });
      saveFile(new Blob(await this.#fetch(made), { type: 'application/json' }), made.name);
      this.result = made;
    } catch (error) {
      this.failure = asAppError(error);
    } finally {
      this.busy = false;
    }
  }

  async #fetch({ file, size }: ExportResult): Promise<Uint8Array<ArrayBuffer>[]> {
    const slices: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < size;) {
      const { base64 } = await api.call('files.read', { file, offset: at });
      const slice = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      slices.push(slice);
      at += slice.length;
      this.progress = { job: 'export:file', label: 'Writing the file', done: at, total: size };
    }
    await api.call('files.discard', { file });
    return slices;
  }
}
