import pg from 'pg';
import { AppError } from '../../kernel/errors.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Wake } from '../jobs/wake.ts';
import { CONNECT_TIMEOUT_MS, type Connect, connectsBy, lend, sessionSettings, unavailable } from './connection.ts';
import { createProbe } from './probe.ts';
import { isOutage, isRetryable, isUnanswered, isUnfit } from './sqlstate.ts';
import { tlsOf } from './tls.ts';
import { withHooks } from './transaction-hooks.ts';

/** A statement that each connection prepares once under its name; a name always has the same text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs statements: the pool, or one transaction. Every store function takes it as its first argument. */
export interface Executor {
  /** The currency of all amounts. NUMERIC columns are read as its `Money`, and written with `currency.toDecimal`. */
  readonly currency: Currency;
  rows<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** An executor for statements that make background jobs due. */
export interface Writer extends Executor {
  /** Wakes a job: at once outside a transaction, otherwise after its commit. A rollback wakes nothing. */
  readonly wake: Wake;
  /** The trace of the current work, as a W3C `traceparent`; it is stored with deferred work. */
  readonly traceparent: () => string | undefined;
}

declare const transactionBrand: unique symbol;

/** One transaction. Functions that lock rows require it, so that a call outside a transaction does not compile. */
export interface Transaction extends Writer {
  readonly [transactionBrand]: true;
  /** Runs `prepare` as the last step of the transaction; its failure rolls back. A later call with the same key replaces it. */
  beforeCommit(key: string, prepare: () => Promise<void>): void;
  /** Runs `effect` after the commit, and never after a rollback. A later call with the same key replaces it. */
  afterCommit(key: string, effect: () => Promise<void> | void): void;
  /**
   * Stores the answer to the current request in this transaction, so that a repeated request finds both the change and the
   * answer, or neither. `result` is the result of the use case. Without an `Idempotency-Key` it does nothing.
   */
  keepAnswer(result: unknown): void;
}

/** The pool, without the hooks of transactions: tracing and tests wrap it before `withHooks` does. */
export interface Connections extends Executor {
  /**
   * Runs `work` in one transaction: commits when it resolves, and rolls back when it rejects. After a deadlock or a
   * serialisation failure it runs again, at most `MAX_ATTEMPTS` times, so `work` must have no effect except SQL.
   */
  transaction<Result>(work: (executor: Executor) => Promise<Result>): Promise<Result>;
  /** Runs `work` on one consistent, read-only snapshot of the database; writes fail. */
  snapshot<Result>(work: (executor: Executor) => Promise<Result>): Promise<Result>;
  /**
   * The rows of one statement from one snapshot, in batches, for any number of rows. It holds a connection until it is read
   * to its end or returned. A reader that takes longer than `MAX_READER_PAUSE_MS` for a batch is disconnected.
   */
  stream<Row>(statement: Statement, values: readonly unknown[]): AsyncGenerator<Row[], void, void>;
  /** Resolves when the server accepts reads and writes; rejects otherwise, within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  /** The current state of the pool. */
  use(): PoolUse;
  close(): Promise<void>;
}

/** The database as features use it. */
export interface Database extends Omit<Connections, 'transaction'>, Writer {
  /** As `Connections.transaction`, with hooks before and after the commit. */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /** Whether the current request has an `Idempotency-Key`; its change and `keepAnswer` then need the same transaction. */
  isKeyed(): boolean;
}

export interface PoolUse {
  readonly busy: number;
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

export interface DatabaseOptions {
  readonly dsn: string;
  readonly currency: Currency;
  readonly maxConnections: number;
  /** The server cancels a statement after this; default: `STATEMENT_TIMEOUT_MS`. */
  readonly statementTimeoutMs?: number;
  /** Called when an idle connection breaks; the pool replaces it. */
  readonly onIdleError: (error: Error) => void;
}

const STATEMENT_TIMEOUT_MS = 10_000;
/** An answer that is later than the statement timeout by this much means that the network or the server has failed. */
const ANSWER_LEEWAY_MS = 1_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 5;
/** Rows fetched at a time: some hundred kilobytes, and some milliseconds of work. */
const STREAM_BATCH_ROWS = 500;
/** The first batch may take as long as scanning all rows, when only a few of a million rows match. */
const STREAM_BATCH_TIMEOUT_MS = 60_000;
/** An open snapshot prevents the server from removing dead rows. */
const MAX_READER_PAUSE_MS = 60_000;

const TIMESTAMPTZ = 1184;
const INT8 = 20;
const NUMERIC = 1700;

/** Times are read as epoch milliseconds, eight-byte integers as numbers, and NUMERIC as `Money`, never as a float. */
function typesIn(currency: Currency): pg.CustomTypesConfig {
  const parseMoney = (text: string) => currency.fromDecimal(text);
  return {
    getTypeParser(oid, format) {
      if (oid === TIMESTAMPTZ) return parseTimestamptz;
      if (oid === INT8) return Number;
      if (oid === NUMERIC) return parseMoney;
      return pg.types.getTypeParser(oid, format);
    },
  };
}

/** Opens a database for a script or test. Its writes wake no jobs; a running service finds them in its next turn. */
export function openDatabase(options: DatabaseOptions): Database {
  const onEffectError = (error: unknown) =>
    options.onIdleError(error instanceof Error ? error : new Error(String(error)));
  return withHooks(openConnections(options), { wake: () => undefined, traceparent: () => undefined, onEffectError });
}

/** Opens a pool, which connects when a connection is first needed. */
export function openConnections(options: DatabaseOptions): Connections {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const ways = tlsOf(options.dsn);
  const pool = new pg.Pool({
    ssl: ways[0],
    ...sessionSettings(options.dsn, [
      'timezone=UTC',
      `statement_timeout=${statementTimeoutMs}`,
      `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_TIMEOUT_MS}`,
    ]),
    max: options.maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: statementTimeoutMs + ANSWER_LEEWAY_MS,
    keepAlive: true,
    types: typesIn(options.currency),
    application_name: 'ms-ticketing',
  });
  pool.on('error', options.onIdleError);
  const connect = connectsBy(pool, ways);
  const probe = createProbe(pool, connect);

  const { currency } = options;
  return {
    currency,
    rows: (statement, values) =>
      probe.watching(() => withRetry(() => lend(connect, (client) => run(client, statement, values), toError))),
    transaction: (work) => probe.watching(() => withRetry(() => transactionOnce(connect, 'BEGIN', currency, work))),
    snapshot: (work) =>
      withRetry(() => transactionOnce(connect, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', currency, work)),
    stream: (statement, values) => stream(connect, statement, values),
    ping: (timeoutMs) => probe.ask(timeoutMs),
    use: () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}

async function run<Row>(on: pg.PoolClient, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await on.query({ ...statement, values: [...values] });
    return result.rows as Row[];
  } catch (error) {
    throw translate(error);
  }
}

/** Runs work again when it was rolled back because of a deadlock or serialisation failure. */
async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

async function transactionOnce<Result>(
  connect: Connect,
  begin: string,
  currency: Currency,
  work: (executor: Executor) => Promise<Result>,
): Promise<Result> {
  const inTransaction = async (client: pg.PoolClient) => {
    await client.query(begin);
    const result = await work({ currency, rows: (statement, values) => run(client, statement, values) });
    await client.query('COMMIT');
    return result;
  };
  return lend(connect, inTransaction, rollBack).catch((error: unknown) => {
    throw translate(error);
  });
}

/** A batch may take longer than the pool's limit, which is meant for requests. */
const FETCH = {
  text: `FETCH ${STREAM_BATCH_ROWS} FROM rows`,
  query_timeout: STREAM_BATCH_TIMEOUT_MS + ANSWER_LEEWAY_MS,
};

async function* stream<Row>(
  connect: Connect,
  statement: Statement,
  values: readonly unknown[],
): AsyncGenerator<Row[], void, void> {
  const client = await connect();
  let broken: Error | undefined;
  // The server may disconnect a slow reader between two batches; without a listener, that would end the process.
  const onCut = (error: Error) => {
    broken = error;
  };
  client.on('error', onCut);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = ${MAX_READER_PAUSE_MS}`);
    await client.query(`SET LOCAL statement_timeout = ${STREAM_BATCH_TIMEOUT_MS}`);
    await client.query(`DECLARE rows NO SCROLL CURSOR FOR ${statement.text}`, [...values]);
    for (;;) {
      const { rows } = await client.query(FETCH);
      if (rows.length > 0) yield rows as Row[];
      if (rows.length < STREAM_BATCH_ROWS) return;
    }
  } catch (error) {
    if (isUnanswered(error)) broken = new Error('the connection does not answer');
    throw translate(error);
  } finally {
    // Nothing was written, so a partly read stream ends in the same way as a complete one.
    if (!broken) await client.query('ROLLBACK').catch(onCut);
    client.off('error', onCut);
    client.release(broken);
  }
}

/** The reason to close the connection instead of reusing it: no answer, an unfit server, or a failed rollback. */
async function rollBack(reason: unknown, client: pg.PoolClient): Promise<Error | undefined> {
  if (isUnanswered(reason)) return new Error('the connection does not answer');
  if (isUnfitOf(reason)) return new Error('the server cannot execute statements');
  return client.query('ROLLBACK').then(
    () => undefined,
    (error: Error) => error,
  );
}

/** The error may already have been converted by `translate`. */
function isUnfitOf(reason: unknown): boolean {
  return isUnfit(reason) || (reason instanceof AppError && isUnfit(reason.cause));
}

/** A connection on which a single statement failed is not used again. */
async function toError(error: unknown): Promise<Error> {
  return error instanceof Error ? error : new Error(String(error));
}

/** Converts an outage to `database_unavailable`; other errors stay as they are. */
function translate(error: unknown): unknown {
  return isOutage(error) ? unavailable(error) : error;
}

/** Converts `2026-11-24 03:17:15.905+00`, as the server writes it in UTC, to epoch milliseconds. */
function parseTimestamptz(text: string): number {
  return Date.parse(`${text.slice(0, -3).replace(' ', 'T')}Z`);
}
