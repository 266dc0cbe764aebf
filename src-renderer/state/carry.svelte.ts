/** Carrying by hand: what waits goes into a file that the window saves; a file from elsewhere goes to the core slice by slice. */
import { api, asAppError } from '../api.ts';
import { base64Of } from './base64.ts';
import { saveFile } from './save-file.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { CarryInView, CarryOutView, Progress } from '../../src-shared/view-types.ts';

const sliceBytes = 1024 * 1024;

export class Carry {
  busy = $state<'writing' | 'reading' | null>(null);
  /** 0..1. */
  fraction = $state(0);
  failure = $state<AppError | null>(null);
  written = $state.raw<CarryOutView | null>(null);
  read = $state.raw<CarryInView | null>(null);
  #stopped = false;

  hear(progress: Progress): void {
    if (this.busy === 'reading' && progress.job === 'carry:in' && progress.total > 0) this.fraction = progress.done / progress.total;
  }

  async write(): Promise<void> {
    await this.#run('writing', async () => {
      const made = await api.call('carry.out', {});
      const slices: Uint8Array<ArrayBuffer>[] = [];
      for (;;) {
        const { base64 } = await api.call('carry.read', {});
        if (this.#stopped) return;
        if (base64 === null) break;
        slices.push(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
      }
      saveFile(new Blob(slices, { type: 'application/vnd.ipld.car' }), made.name);
      this.written = made;
    });
  }

  async take(file: File): Promise<void> {
    await this.#run('reading', async () => {
      await api.call('carry.begin', {});
      for (let offset = 0; offset < file.size; offset += sliceBytes) {
        const bytes = await sliceOf(file, offset);
        // The stick is gone: what was read so far counts.
        if (bytes === null || this.#stopped) break;
        const { more } = await api.call('carry.append', { base64: base64Of(bytes) });
        if (!more) break;
      }
      this.read = await api.call('carry.end', {});
    });
  }

  /** The dialog goes away. What was taken in is kept. */
  async close(): Promise<void> {
    if (this.busy === null) return;
    this.#stopped = true;
    try {
      await api.call('carry.stop', {});
    } catch {
      // The core ends it with the session by itself; what was read is kept either way.
    }
  }

  async #run(kind: 'writing' | 'reading', step: () => Promise<void>): Promise<void> {
    if (this.busy !== null) return;
    this.busy = kind;
    this.fraction = 0;
    this.failure = null;
    this.written = null;
    this.read = null;
    try {
      await step();
    } catch (error) {
      this.failure = asAppError(error);
    } finally {
      this.busy = null;
    }
  }
}

async function sliceOf(file: File, offset: number): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await file.slice(offset, offset + sliceBytes).arrayBuffer());
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
