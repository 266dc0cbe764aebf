/** The form of a call as it comes from a screen, checked by the shells before it goes to the core, which checks the input itself. */
import type { CallMessage } from '../src-shared/ipc-schema.ts';

/** Throws where the value is not {id, call, input}. */
export function parseCallMessage(value: unknown): CallMessage {
  if (typeof value !== 'object' || value === null) throw new TypeError('not a call');
  const { id, call, input } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) throw new TypeError('not a call');
  if (typeof call !== 'string' || !/^[a-z]{1,30}\.[A-Za-z]{1,40}$/.test(call)) throw new TypeError('not a call');
  return { id, call, input };
}
