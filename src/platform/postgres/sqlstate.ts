/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505';

const LOCK_NOT_AVAILABLE = '55P03';

/** Data exceptions and broken constraints: what a row says is at fault. */
const ROW_CLASSES: ReadonlySet<string> = new Set(['22', '23']);

/** Running the same transaction again can succeed. */
const RETRYABLE: ReadonlySet<string> = new Set(['40001', '40P01']);

/**
 * The server answers and cannot do the work: it is a standby or read-only, its disk is full, its memory is used up, or it
 * cannot read or write its files. Another server may be behind the same address by the next connection.
 */
const UNFIT: ReadonlySet<string> = new Set(['25006', '53000', '53100', '53200', '58000', '58030']);

/** The server is away, stopping, starting, or out of connections. */
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

/** What `pg` says of a statement that was sent and not answered in time. */
const UNANSWERED = 'Query read timeout';

/** What `pg` says without a code when a connection is lost or none can be had. */
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

/** Whether a unique index refused the row; `index` narrows it to one. */
export function isUniqueViolation(error: unknown, index: string): boolean {
  if (codeOf(error) !== UNIQUE_VIOLATION || !(error instanceof Error)) return false;
  return 'constraint' in error && error.constraint === index;
}

/** Whether one of the statement's rows is at fault: the others may be fine. */
export function isRowAtFault(error: unknown): boolean {
  return ROW_CLASSES.has(codeOf(error)?.slice(0, 2) ?? '');
}

/** Whether a lock was waited for as long as `lock_timeout` allows. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === LOCK_NOT_AVAILABLE;
}

/** Whether the transaction lost a race that it may win when it runs again. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && RETRYABLE.has(code);
}

/** Whether the database is unavailable: nothing is wrong with the request. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return OUTAGE.has(code);
  return error instanceof Error && OUTAGE_MESSAGES.some((message) => error.message.includes(message));
}

/** Whether the server answered that it cannot do the work: its connection is not to be used again. */
export function isUnfit(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && UNFIT.has(code);
}

/** Whether the connection itself is silent: what was sent may still be done, and nothing more can be said on it. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message === UNANSWERED || isUnanswered(error.cause);
}
