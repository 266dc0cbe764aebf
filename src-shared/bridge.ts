/**
 * The one door between a screen and its shell. The Electron preload puts it on `window.anamnesis`; the browser shell's page builds the
 * same form over HTTP (src-renderer/browser-bridge.ts). Screens know only this form, so they run in both unchanged.
 */
import type { WireError } from './errors.ts';
import type { EventMessage } from './ipc-schema.ts';

export type BridgeReply = { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly error: WireError };

export interface Bridge {
  /** Always resolves: a failure is a value, because errors lose their code on the way between worlds. */
  call(name: string, input: unknown): Promise<BridgeReply>;
  /** Tells every event of the core; returns how to stop listening. */
  onEvent(listener: (message: EventMessage) => void): () => void;
  /** Prints what is on screen: to a PDF chosen by the person (Electron), or by the browser's print dialog. Rejects where printing failed; not where it was cancelled. */
  printToPdf(suggestedName: string): Promise<void>;
}
