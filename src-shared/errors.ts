/**
 * Every failure a person can meet has a code here. The text says what happened, what is safe, and what to do; the code lets a
 * caller choose. Errors cross process borders as {code, message, details}.
 */
export const errorCodes = [
  'INTERNAL',
  'INVALID_INPUT',
  'NOT_LOGGED_IN',
  'NOT_ALLOWED',
  'LOCKED',
  'ALREADY_SET_UP',
  'NOT_SET_UP',
  'WRONG_CREDENTIALS',
  'TRY_LATER',
  'PHRASE_INVALID',
  'KEY_INVALID',
  'CODE_INVALID',
  'CARD_INVALID',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'ALREADY_SENT',
  'CONSENT_MISSING',
  'KEY_MISSING',
  'KEY_REPLACED',
  'FILE_TOO_LARGE',
  'FILE_NOT_JSON',
  'FILE_NOT_FHIR',
  'FILE_OTHER_PATIENT',
  'FILE_UNSAFE',
  'BLOCK_UNAVAILABLE',
  'TAMPERED',
  'LEDGER_UNREACHABLE',
  'LEDGER_WRONG_CHAIN',
  'LEDGER_REFUSED',
  'PEER_UNREACHABLE',
  'STORE_NEWER',
  'STORE_DAMAGED',
  'STORE_IN_USE',
  'DISK_FULL',
  'DISK_FAILED',
  'KEY_SEALED',
  'KEYCHAIN_UNAVAILABLE',
  'CORE_RESTARTED',
  'CANCELLED',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Additional facts for the screen: plain values only, never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** An error as it crosses a process border. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What may cross a border: an AppError as it is; anything else without its text, which could hold a secret. */
export function toWireError(error: unknown): WireError {
  if (error instanceof AppError) return { code: error.code, message: error.message, details: error.details };
  return {
    code: 'INTERNAL',
    message: 'Something went wrong inside the workstation. What was shown as saved is safe. Try again; if it happens again, restart.',
    details: {},
  };
}
