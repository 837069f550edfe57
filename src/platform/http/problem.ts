import { AppError, DOOR_WORDS, ERRORS, type ErrorCode } from '../../kernel/errors.ts';

/** The one table from error code to HTTP status. */
export const STATUS_OF = {
  invalid_request: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  method_not_allowed: 405,
  not_found: 404,
  unauthenticated: 401,
  forbidden: 403,
  idempotency_key_reused: 422,
  request_in_flight: 409,
  order_not_found: 404,
  ticket_not_found: 404,
  ticket_change_refused: 409,
  seats_taken: 409,
  seats_refused: 400,
  discount_refused: 400,
  price_not_chargeable: 422,
  order_not_pending: 409,
  order_changed: 409,
  order_already_paid: 409,
  hold_ended: 409,
  nothing_to_pay: 409,
  payment_missing: 402,
  refund_not_possible: 409,
  payment_not_stuck: 404,
  payment_mismatch: 409,
  payment_refused: 402,
  webhook_signature_invalid: 400,
  ticket_forged: 400,
  ticket_superseded: 409,
  ticket_wrong_session: 403,
  ticket_cancelled: 409,
  ticket_not_paid: 409,
  ticket_too_early: 409,
  ticket_too_late: 409,
  already_checked_in: 409,
  not_checked_in: 409,
  reentry_not_allowed: 409,
  scan_time_refused: 400,
  too_many_streams: 429,
  streams_full: 503,
  overloaded: 503,
  identity_unavailable: 503,
  seating_unavailable: 503,
  payments_unavailable: 503,
  printing_busy: 503,
  exports_busy: 503,
  database_unavailable: 503,
  starting: 503,
  shutting_down: 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
/** What a client is asked to wait after one of these unless the error says, in seconds. */
const RETRY_AFTER_S = 2;
const TELLS_WHEN: ReadonlySet<number> = new Set([429, 503]);
const UNAUTHORIZED = 401;

/** RFC 9457, with a stable `code`, and `message` because the front end shows that. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly seat_ids?: readonly string[];
  readonly seats?: readonly { readonly seat_id: string; readonly label: string }[];
  readonly errors?: readonly { readonly field: string; readonly reason: string }[];
  readonly checked_in_time?: string;
  readonly checked_in_gate?: string;
  readonly refusal?: string;
}

/** The body of an error's answer: https://www.rfc-editor.org/rfc/rfc9457 */
export function toProblem(error: AppError): Problem {
  const { code, extra } = error;
  const refusal = DOOR_WORDS[code];
  return {
    type: `/docs/errors#${code}`,
    title: ERRORS[code].title,
    status: STATUS_OF[code],
    detail: error.message,
    code,
    message: error.message,
    ...(extra.seatIds ? { seat_ids: extra.seatIds } : {}),
    ...(extra.seats ? { seats: extra.seats.map(({ seatId, label }) => ({ seat_id: seatId, label })) } : {}),
    ...(extra.fields ? { errors: extra.fields } : {}),
    ...(extra.checkedInTime ? { checked_in_time: extra.checkedInTime } : {}),
    ...(extra.checkedInGate ? { checked_in_gate: extra.checkedInGate } : {}),
    ...(refusal ? { refusal } : {}),
  };
}

/** What a document of the API shows for a code. */
export function problemExample(code: ErrorCode): Problem {
  return toProblem(new AppError(code, `${ERRORS[code].title}.`));
}

/** The headers that go with an error's status. */
export function problemHeaders(error: AppError): Record<string, string> {
  const status: number = STATUS_OF[error.code];
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    ...(TELLS_WHEN.has(status) ? { 'retry-after': String(error.extra.retryAfterS ?? RETRY_AFTER_S) } : {}),
    ...(error.extra.allowed ? { allow: error.extra.allowed.join(', ') } : {}),
    ...(status === UNAUTHORIZED ? { 'www-authenticate': 'Bearer' } : {}),
  };
}
