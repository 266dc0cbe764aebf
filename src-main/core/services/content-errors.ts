/** What went wrong in reading: something about what was read, or something about this computer, which passes and accuses nobody. */
import { AppError, type ErrorCode } from '../../../src-shared/errors.ts';

const wrong: ReadonlySet<ErrorCode> = new Set(['TAMPERED', 'INVALID_INPUT', 'FILE_TOO_LARGE']);

/** Whether content is only out of reach (its block with a peer that is away, its key not shared), as opposed to wrong. */
export function isUnreachable(error: AppError): boolean {
  return error.code === 'BLOCK_UNAVAILABLE' || error.code === 'KEY_MISSING';
}

/** Whether content is not what its name says, or too large: nobody will have a better one under that name. */
export function isWrong(error: AppError): boolean {
  return wrong.has(error.code);
}

/** Whether an error says something of the content itself or of where it lies; a disk that is full or fails says nothing of it. */
export function isOfContent(error: unknown): error is AppError {
  return error instanceof AppError && (isUnreachable(error) || isWrong(error));
}
