import { AppError, type ErrorTable } from '../kernel/errors.ts';

export const platformErrors = {
  invalid_request: { status: 400, title: 'The request is not valid', retry: false },
  body_too_large: { status: 413, title: 'The body is too large', retry: false },
  unsupported_media_type: { status: 415, title: 'The content type is not supported', retry: false },
  method_not_allowed: { status: 405, title: 'This address does not take this method', retry: false },
  headers_too_large: { status: 431, title: 'The headers are too long', retry: false },
  request_too_slow: { status: 408, title: 'The request did not arrive in time', retry: true },
  not_found: { status: 404, title: 'There is nothing at this address', retry: false },
  unauthenticated: { status: 401, title: 'A valid access token is needed', retry: false },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request', retry: false },
  request_in_flight: { status: 409, title: 'The same request is being worked on', retry: true },
  overloaded: { status: 503, title: 'Too many orders are being placed', retry: true },
  identity_unavailable: { status: 503, title: 'The identity provider cannot be reached', retry: true },
  database_unavailable: { status: 503, title: 'The database cannot do its work', retry: true },
  starting: { status: 503, title: 'The service is starting', retry: true },
  shutting_down: { status: 503, title: 'The service is stopping', retry: true },
  internal: { status: 500, title: 'Something went wrong on our side', retry: true },
} as const satisfies ErrorTable;

declare module '../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof platformErrors, true> {}
}

/** The issuer's keys or a token of it cannot be fetched. */
export function identityUnavailable(cause: unknown): AppError {
  const detail = 'The identity provider cannot be reached right now. Try again shortly.';
  return new AppError('identity_unavailable', detail, { cause });
}
