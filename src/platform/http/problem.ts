import { AppError, type ErrorCode, type ErrorFacts, type Errors } from '../../kernel/errors.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
/** Default `Retry-After` in seconds. */
const RETRY_AFTER_S = 2;
/** Statuses that have a `Retry-After`. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 503]);
const UNAUTHORIZED = 401;

/** An error's problem document (https://www.rfc-editor.org/rfc/rfc9457); the front end shows `message`. */
export function toProblem(error: AppError, { status, title, doorWord }: ErrorFacts) {
  const { code, extra } = error;
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    detail: error.message,
    code,
    message: error.message,
    ...(extra.seatIds ? { seat_ids: extra.seatIds } : {}),
    ...(extra.seats ? { seats: extra.seats.map(({ seatId, label }) => ({ seat_id: seatId, label })) } : {}),
    ...(extra.fields ? { errors: extra.fields } : {}),
    ...(extra.checkedInTime ? { checked_in_time: extra.checkedInTime } : {}),
    ...(extra.checkedInGate ? { checked_in_gate: extra.checkedInGate } : {}),
    ...(doorWord === undefined ? {} : { refusal: doorWord }),
  };
}

/** The example of a code in the API documentation. */
export function problemExample(code: ErrorCode, errors: Errors) {
  return toProblem(new AppError(code, `${errors[code].title}.`), errors[code]);
}

/** The headers that go with an error's status. */
export function problemHeaders(error: AppError, { status }: ErrorFacts): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    ...(RETRYABLE.has(status) ? { 'retry-after': String(error.extra.retryAfterS ?? RETRY_AFTER_S) } : {}),
    ...(error.extra.allowed ? { allow: error.extra.allowed.join(', ') } : {}),
    ...(status === UNAUTHORIZED ? { 'www-authenticate': 'Bearer' } : {}),
  };
}
