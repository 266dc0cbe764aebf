/**
 * The only door from the screens to the core. Under Electron it is the preload's `window.anamnesis`; in a browser, the bridge to the
 * browser shell. Both have the same form, and failures come out as the AppError the core made.
 */
import { AppError, toWireError, type WireError } from '../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput, CoreEventName, CoreEvents, EventMessage } from '../src-shared/ipc-schema.ts';

type Answer = { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly error: WireError };

/** What a shell offers: Electron's preload and the browser bridge alike. */
export interface Bridge {
  call(name: string, input: unknown): Promise<Answer>;
  onEvent(listener: (message: EventMessage) => void): () => void;
  printToPdf(suggestedName: string): Promise<void>;
}

declare global {
  interface Window {
    readonly anamnesis?: Bridge;
  }
}

let bridgePromise: Promise<Bridge> | undefined;

/** The browser bridge is loaded only where there is no preload, so that Electron's window never opens a connection of its own. */
function bridge(): Promise<Bridge> {
  bridgePromise ??= window.anamnesis
    ? Promise.resolve(window.anamnesis)
    : import('./browser-bridge.ts').then((module) => module.createBrowserBridge());
  return bridgePromise;
}

/**
 * Calls the core.
 *
 * @throws AppError with the core's code and text.
 */
async function call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const answer = await (await bridge()).call(name, input);
  if (answer.ok) return answer.output as CallOutput<N>;
  const failure = fromWire(answer.error);
  if (failure.code === 'KEY_SEALED') hearSealed(failure);
  throw failure;
}

let hearSealed: (failure: AppError) => void = () => undefined;

/** Hears that the workstation is sealed by a keychain that does not open it: nothing but its recovery works then, whatever was asked. */
function onSealed(listener: (failure: AppError) => void): void {
  hearSealed = listener;
}

/** Hears a fact of the core; the returned function stops hearing it. */
function on<N extends CoreEventName>(event: N, listener: (payload: CoreEvents[N]) => void): () => void {
  let stopped = false;
  let stop: (() => void) | undefined;
  void bridge().then((door) => {
    if (stopped) return;
    stop = door.onEvent((message) => {
      if (message.event === event) listener(message.payload as CoreEvents[N]);
    });
  });
  return () => {
    stopped = true;
    stop?.();
  };
}

/** Prints the page as it stands (print styles decide what shows); a PDF in Electron, the print dialog in a browser. */
async function printPage(suggestedName: string): Promise<void> {
  await (await bridge()).printToPdf(suggestedName);
}

/** Rebuilds an error that crossed the border. */
function fromWire(error: WireError): AppError {
  return new AppError(error.code, error.message, error.details);
}

/** Any failure as an AppError: one text for everything the core did not name, without what might be a secret in it. */
export function asAppError(failure: unknown): AppError {
  return failure instanceof AppError ? failure : fromWire(toWireError(failure));
}

export const api = { call, on, onSealed, printPage, shell: window.anamnesis ? ('electron' as const) : ('browser' as const) };
