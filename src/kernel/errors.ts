/** What a code means: its HTTP status, a title for people, and whether sending the same request again can succeed. */
export interface ErrorFacts {
  readonly status: number;
  readonly title: string;
  readonly retry: boolean;
  /** Short word for a scanner's screen. */
  readonly doorWord?: string;
}

/** Error codes of one owner: a feature or the platform. */
export type ErrorTable = Readonly<Record<string, ErrorFacts>>;

/** Every error code; each owner adds those of its table by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: the owners of codes extend it
export interface ErrorCodes {}

/** The closed list of refusals and failures; clients may switch on it. */
export type ErrorCode = keyof ErrorCodes;

/** What each code means. `docs/errors.md` lists the same codes (a test keeps them equal). */
export type Errors = Readonly<Record<ErrorCode, ErrorFacts>>;

/** One thing wrong with one field of a request; `field` is a JSON pointer or a parameter's name. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

export interface AppErrorExtra {
  /** Seats that are taken, for `seats_taken`; those that a seating service named, for `seats_refused`. */
  readonly seatIds?: readonly string[];
  /** The seats of `seatIds` that have a known label. */
  readonly seats?: readonly { readonly seatId: string; readonly label: string }[];
  readonly fields?: readonly FieldError[];
  /** The methods that the address allows, for `method_not_allowed`. */
  readonly allowed?: readonly string[];
  /** Time (RFC 3339) and gate of the first check-in, for `already_checked_in`. */
  readonly checkedInTime?: string;
  readonly checkedInGate?: string;
  /** Whole seconds after which a retry may succeed, for `overloaded`. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** The one error class of use cases. `detail` is shown to the caller, so it contains no secret and no SQL. */
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

/** The reason of a failure, short enough to be stored with the failed row for an operator. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS);
}

/** Ends a switch over a union: the call compiles only if every case is handled. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
