/** Exit codes of the command line: documented in docs/admin.md, so that scripts can tell what happened. */
import { AppError, type ErrorCode } from '../../../src-shared/errors.ts';

export const exitCodes = {
  ok: 0,
  fault: 1,
  usage: 2,
  notSetUp: 3,
  credentials: 4,
  badFile: 5,
  verificationFailed: 6,
  store: 7,
  notAllowed: 8,
  notFound: 9,
  unreachable: 10,
} as const;

const byCode: Partial<Record<ErrorCode, number>> = {
  INVALID_INPUT: exitCodes.usage,
  NOT_SET_UP: exitCodes.notSetUp,
  ALREADY_SET_UP: exitCodes.notSetUp,
  WRONG_CREDENTIALS: exitCodes.credentials,
  CODE_INVALID: exitCodes.credentials,
  TRY_LATER: exitCodes.credentials,
  NOT_LOGGED_IN: exitCodes.credentials,
  FILE_TOO_LARGE: exitCodes.badFile,
  FILE_NOT_JSON: exitCodes.badFile,
  FILE_NOT_FHIR: exitCodes.badFile,
  FILE_OTHER_PATIENT: exitCodes.badFile,
  FILE_UNSAFE: exitCodes.badFile,
  TAMPERED: exitCodes.verificationFailed,
  STORE_NEWER: exitCodes.store,
  STORE_DAMAGED: exitCodes.store,
  STORE_IN_USE: exitCodes.store,
  DISK_FULL: exitCodes.store,
  DISK_FAILED: exitCodes.store,
  KEY_SEALED: exitCodes.store,
  NOT_ALLOWED: exitCodes.notAllowed,
  CONSENT_MISSING: exitCodes.notAllowed,
  KEY_MISSING: exitCodes.notAllowed,
  NOT_FOUND: exitCodes.notFound,
  LEDGER_UNREACHABLE: exitCodes.unreachable,
  LEDGER_WRONG_CHAIN: exitCodes.unreachable,
  PEER_UNREACHABLE: exitCodes.unreachable,
  BLOCK_UNAVAILABLE: exitCodes.unreachable,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof AppError) return byCode[error.code] ?? exitCodes.fault;
  return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? exitCodes.notFound : exitCodes.fault;
}
