/**
 * The core as its process offers it: usually the core itself. Where no keychain opens the machine's key it waits, with the store closed, and
 * takes one call, `keychain.recover`, until the recovery code or the keychain opens it.
 */
import { AppError, toWireError } from '../../src-shared/errors.ts';
import { calls, type CallMessage, type EventMessage, type ReplyMessage } from '../../src-shared/ipc-schema.ts';
import { createCore, type Core, type CoreOptions } from './core.ts';
import type { KeychainPort } from './ports.ts';

export interface CoreDoor {
  call(message: CallMessage): Promise<ReplyMessage>;
  onEvent(listener: (event: EventMessage) => void): void;
  stop(): Promise<void>;
}

/** Throws what `createCore` throws, except KEY_SEALED. */
export async function openCoreDoor(options: CoreOptions, keychain: KeychainPort): Promise<CoreDoor> {
  const listeners: ((event: EventMessage) => void)[] = [];
  const tell = (event: EventMessage): void => {
    for (const listener of listeners) listener(event);
  };
  let core: Core | null = null;
  let sealed = new AppError('KEY_SEALED', '');
  let opening: Promise<unknown> = Promise.resolve();

  const open = async (recoveryCode?: string): Promise<Core> => {
    const opened = await createCore(options, { keychain, recoveryCode });
    opened.onEvent(tell);
    core = opened;
    return opened;
  };

  const recover = async (input: unknown): Promise<{ sealedAnew: boolean }> => {
    const parsed = calls['keychain.recover'].input.safeParse(input);
    if (!parsed.success)
      throw new AppError('INVALID_INPUT', 'What was entered for “code” cannot be used. Nothing was changed.', { field: 'code' });
    const opened = core ?? (await open(parsed.data.code ?? undefined));
    // Screens wait for the first picture of the workstation.
    tell({ event: 'snapshot', payload: opened.workstation.snapshots.read() });
    return { sealedAnew: opened.sealedAnew };
  };

  const answerSealed = async ({ id, call, input }: CallMessage): Promise<ReplyMessage> => {
    if (call !== 'keychain.recover') return { id, ok: false, error: toWireError(sealed) };
    // One at a time: two would meet at the folder's lock.
    const mine = opening.then(() => recover(input));
    opening = mine.catch(() => undefined);
    try {
      return { id, ok: true, output: await mine };
    } catch (error) {
      return { id, ok: false, error: toWireError(error) };
    }
  };

  try {
    await open();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'KEY_SEALED') throw error;
    sealed = error;
  }

  return {
    call: (message) => core?.call(message) ?? answerSealed(message),
    onEvent: (listener) => listeners.push(listener),
    async stop() {
      await opening;
      await core?.stop();
    },
  };
}
