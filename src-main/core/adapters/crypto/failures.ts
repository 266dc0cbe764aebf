/**
 * The failures of this adapter. Texts are for people; none repeats the input, which could hold a secret or be hostile.
 */
import { AppError } from '../../../../src-shared/errors.ts';

/** Bytes that are not what their author sealed, or not in the one form they must have. `what` names the part, for support. */
export function tampered(what: string, cause?: unknown): AppError {
  return new AppError(
    'TAMPERED',
    'This data is not what its author sealed: it was changed, or it belongs elsewhere. It is not shown; everything else is safe. ' +
      'Fetch it again from another workstation, and tell the administrator if it happens again.',
    { part: what },
    { cause },
  );
}

/** A caller's mistake, or input beyond a limit. */
export function invalid(message: string, cause?: unknown): AppError {
  return new AppError('INVALID_INPUT', message, {}, { cause });
}

/** How a decoder reports a fault: the same checks serve blocks (TAMPERED), codes, cards and callers (INVALID_INPUT). */
export type Refuse = (what: string, cause?: unknown) => AppError;
