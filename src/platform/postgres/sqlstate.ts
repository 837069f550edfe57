/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505';

const LOCK_NOT_AVAILABLE = '55P03';

/** Data exceptions and violated constraints: a row is invalid. */
const ROW_CLASSES: ReadonlySet<string> = new Set(['22', '23']);

/** The same transaction may succeed when it runs again. */
const RETRYABLE: ReadonlySet<string> = new Set(['40001', '40P01']);

/**
 * The server answers but cannot execute statements: it is a standby or read-only, its disk is full, it is out of memory, or
 * it cannot access its files. The next connection to the same address may reach another server.
 */
const UNFIT: ReadonlySet<string> = new Set(['25006', '53000', '53100', '53200', '58000', '58030']);

/** The server is unreachable, stopping, starting, or out of connections. */
const OUTAGE: ReadonlySet<string> = new Set([
  ...UNFIT,
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '57014',
  '25P03',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ECONNABORTED',
]);

/** The message of `pg` for a statement that was not answered in time. */
const UNANSWERED = 'Query read timeout';

/** The messages of `pg` without a code for a lost or failed connection. */
const OUTAGE_MESSAGES = [
  UNANSWERED,
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Client has encountered a connection error',
];

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether the unique index `index` refused the row. */
export function isUniqueViolation(error: unknown, index: string): boolean {
  if (codeOf(error) !== UNIQUE_VIOLATION || !(error instanceof Error)) return false;
  return 'constraint' in error && error.constraint === index;
}

function isOneOf(codes: ReadonlySet<string>, error: unknown): boolean {
  return codes.has(codeOf(error) ?? '');
}

/** Whether one of the statement's rows is invalid; the other rows may be valid. */
export function isRowAtFault(error: unknown): boolean {
  return ROW_CLASSES.has(codeOf(error)?.slice(0, 2) ?? '');
}

/** Whether the wait for a lock exceeded `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === LOCK_NOT_AVAILABLE;
}

/** Whether the transaction failed because of concurrent ones, and may succeed when it runs again. */
export function isRetryable(error: unknown): boolean {
  return isOneOf(RETRYABLE, error);
}

/** Whether the database is unavailable; the request itself may be valid. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return OUTAGE.has(code);
  return error instanceof Error && OUTAGE_MESSAGES.some((message) => error.message.includes(message));
}

/** Whether the server answered that it cannot execute statements; its connection must not be reused. */
export function isUnfit(error: unknown): boolean {
  return isOneOf(UNFIT, error);
}

/** Whether the connection does not answer: the statement may still be executed, and the connection cannot be reused. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message === UNANSWERED || isUnanswered(error.cause);
}
