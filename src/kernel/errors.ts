/** What a code means: its HTTP status, its name for people, and whether sending the same request again can help. */
export interface ErrorFacts {
  readonly status: number;
  readonly title: string;
  readonly retry: boolean;
  /** What a scanner's screen calls it. */
  readonly doorWord?: string;
}

/** Error codes of one owner, a feature or the platform. */
export type ErrorTable = Readonly<Record<string, ErrorFacts>>;

/**
 * The closed list of everything that can be refused or fail, in the words a client may switch on.
 * `docs/errors.md` lists the same codes (a test keeps them equal); the HTTP status of each stands in `platform/http/problem.ts`.
 * `retry` tells whether sending the same request again can help.
 */
export const ERRORS = {
  invalid_request: { title: 'The request is not valid', retry: false },
  body_too_large: { title: 'The body is too large', retry: false },
  unsupported_media_type: { title: 'The content type is not supported', retry: false },
  method_not_allowed: { title: 'This address does not take this method', retry: false },
  not_found: { title: 'There is nothing at this address', retry: false },
  unauthenticated: { title: 'A valid access token is needed', retry: false },
  forbidden: { title: 'This is not yours', retry: false },
  idempotency_key_reused: { title: 'The Idempotency-Key was used for another request', retry: false },
  request_in_flight: { title: 'The same request is being worked on', retry: true },
  order_not_found: { title: 'There is no such order', retry: false },
  ticket_not_found: { title: 'There is no such ticket', retry: false },
  ticket_change_refused: { title: 'The ticket cannot be changed like this', retry: false },
  seats_taken: { title: 'Seats are taken', retry: false },
  seats_refused: { title: 'The seats cannot be ordered', retry: false },
  discount_refused: { title: 'The discount cannot be used', retry: false },
  price_not_chargeable: { title: 'The price cannot be charged', retry: false },
  order_not_pending: { title: 'The order is no longer pending', retry: false },
  order_changed: { title: 'The order was changed meanwhile', retry: true },
  order_already_paid: { title: 'The order is already paid', retry: false },
  hold_ended: { title: 'The hold on the seats has ended', retry: false },
  nothing_to_pay: { title: 'The order costs nothing', retry: false },
  payment_missing: { title: 'The order has not been paid', retry: true },
  refund_not_possible: { title: 'This cannot be given back', retry: false },
  payment_not_stuck: { title: 'Nothing by this id is stuck', retry: false },
  payment_mismatch: { title: 'The payment is not the price of the order', retry: false },
  payment_refused: { title: 'The payment was refused', retry: false },
  webhook_signature_invalid: { title: 'The webhook signature is not valid', retry: false },
  ticket_forged: { title: 'This is not a genuine ticket', retry: false },
  ticket_superseded: { title: 'A newer code was issued for the ticket', retry: false },
  ticket_wrong_session: { title: 'The ticket is for another session', retry: false },
  ticket_cancelled: { title: 'The ticket is cancelled', retry: false },
  ticket_not_paid: { title: 'The ticket is not paid', retry: false },
  ticket_too_early: { title: 'The doors are not open yet', retry: false },
  ticket_too_late: { title: 'The doors are closed', retry: false },
  already_checked_in: { title: 'The ticket is already checked in', retry: false },
  not_checked_in: { title: 'The ticket is not checked in', retry: false },
  reentry_not_allowed: { title: 'The session lets nobody in again', retry: false },
  scan_time_refused: { title: 'The time of the scan cannot be right', retry: false },
  too_many_streams: { title: 'You have too many event streams open', retry: true },
  streams_full: { title: 'There is no room for another event stream', retry: true },
  overloaded: { title: 'Too many orders are being placed', retry: true },
  identity_unavailable: { title: 'The identity provider cannot be reached', retry: true },
  seating_unavailable: { title: 'The seating service cannot be reached', retry: true },
  payments_unavailable: { title: 'The payment provider cannot be reached', retry: true },
  printing_busy: { title: 'Too many tickets are being drawn', retry: true },
  exports_busy: { title: 'Too many exports are under way', retry: true },
  database_unavailable: { title: 'The database cannot do its work', retry: true },
  starting: { title: 'The service is starting', retry: true },
  shutting_down: { title: 'The service is stopping', retry: true },
  internal: { title: 'Something went wrong on our side', retry: true },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** What a scanner's screen calls a refusal at the door: the platform's words, shorter than the codes. */
export const DOOR_WORDS: { readonly [Code in ErrorCode]?: string } = {
  ticket_forged: 'forged',
  ticket_superseded: 'superseded',
  ticket_wrong_session: 'wrong_session',
  ticket_cancelled: 'cancelled',
  ticket_not_paid: 'not_paid',
  ticket_too_early: 'too_early',
  ticket_too_late: 'too_late',
  already_checked_in: 'already_checked_in',
};

/** One thing wrong with one field of a request; `field` is a JSON pointer or a parameter's name. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

export interface AppErrorExtra {
  /** Seats that are taken, for `seats_taken`; those that a seating service named, for `seats_refused`. */
  readonly seatIds?: readonly string[];
  /** Those of them whose label is known. */
  readonly seats?: readonly { readonly seatId: string; readonly label: string }[];
  readonly fields?: readonly FieldError[];
  /** The methods an address takes, for `method_not_allowed`. */
  readonly allowed?: readonly string[];
  /** When the first check-in was, RFC 3339, and at which gate, for `already_checked_in`. */
  readonly checkedInTime?: string;
  readonly checkedInGate?: string;
  /** After how many whole seconds a new try is worth it, for `overloaded`. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** The one error a use case raises; `detail` is shown to the person who asked, so it holds no secret and no SQL. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly extra: AppErrorExtra;

  constructor(code: ErrorCode, detail: string, extra: AppErrorExtra = {}) {
    super(detail, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'AppError';
    this.code = code;
    this.extra = extra;
  }
}

const MAX_REASON_CHARS = 500;

/** Why something failed, short enough to be kept beside it for an operator. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS);
}

/** For the end of a switch over a union: compiles only when every case was handled. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
