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

/** Every error code; each owner adds those of its table by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: the owners of codes extend it
export interface ErrorCodes {}

/** The closed list of everything that can be refused or fail, in the words a client may switch on. */
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
