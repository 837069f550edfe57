import pg from 'pg';
import { AppError } from '../../kernel/errors.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Wake } from '../jobs/wake.ts';
import { createProbe } from './probe.ts';
import { sessionSettings } from './session-settings.ts';
import { isOutage, isRetryable, isUnanswered, isUnfit } from './sqlstate.ts';
import { withHooks } from './transaction-hooks.ts';

/** A statement prepared once a connection under its name; the text never changes for a name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Whatever runs statements: the pool, or one transaction. Every store function takes it as its first argument. */
export interface Executor {
  /** What the amounts of the database are of. NUMERIC columns are read as `Money` of it; `currency.toDecimal` writes them. */
  readonly currency: Currency;
  rows<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** An executor for statements that make background work due. */
export interface Writer extends Executor {
  /** Wakes the work: at once outside of a transaction, else after its commit. A rollback wakes nothing. */
  readonly wake: Wake;
  /** The trace that the work under way belongs to, as a W3C `traceparent`; what is left for later keeps it. */
  readonly traceparent: () => string | undefined;
}

declare const transactionBrand: unique symbol;

/** One transaction. Functions that lock rows ask for it, so that a call outside of one does not compile. */
export interface Transaction extends Writer {
  readonly [transactionBrand]: true;
  /** Runs `prepare` as the last part of the transaction, in which it may still fail. The last of a key replaces earlier ones. */
  beforeCommit(key: string, prepare: () => Promise<void>): void;
  /** Runs `effect` once the transaction has committed, and never after a rollback. The last of a key replaces earlier ones. */
  afterCommit(key: string, effect: () => Promise<void> | void): void;
  /**
   * Stores the answer to the request under way with this transaction, so that the same request sent again finds either both
   * or neither. `result` is what the use case returns. Without an `Idempotency-Key` it does nothing.
   */
  keepAnswer(result: unknown): void;
}

/** Connections whose transactions have no hooks yet: what traces and tests wrap before `withHooks`. */
export interface Connections extends Executor {
  /**
   * Runs `work` in one transaction: commits what it resolves, rolls back what it throws. A deadlock or a serialisation
   * failure runs it again, at most `MAX_ATTEMPTS` times, so `work` does nothing but SQL.
   */
  transaction<Result>(work: (executor: Executor) => Promise<Result>): Promise<Result>;
  /** Runs `work` on one consistent, read-only view of the database; writing in it fails. */
  snapshot<Result>(work: (executor: Executor) => Promise<Result>): Promise<Result>;
  /**
   * The rows of one statement from one consistent view, a batch at a time, however many there are. It holds a connection
   * until it is read to its end or left; who takes longer than `MAX_READER_PAUSE_MS` for a batch is cut off.
   */
  stream<Row>(statement: Statement, values: readonly unknown[]): AsyncGenerator<Row[], void, void>;
  /** Resolves when the server takes reads and writes; rejects otherwise, within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  /** The pool as it is now. */
  use(): PoolUse;
  close(): Promise<void>;
}

/** The database as features use it. */
export interface Database extends Omit<Connections, 'transaction'>, Writer {
  /** As `Connections.transaction`, and what follows the commit belongs to it. */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /** Whether the request under way has an `Idempotency-Key`: its change and `keepAnswer` then share a transaction. */
  isKeyed(): boolean;
}

export interface PoolUse {
  readonly busy: number;
  readonly idle: number;
  /** Work that waits for a connection. */
  readonly waiting: number;
}

export interface DatabaseOptions {
  readonly dsn: string;
  readonly currency: Currency;
  readonly maxConnections: number;
  /** A statement that takes longer is ended by the server; `STATEMENT_TIMEOUT_MS` unless said. */
  readonly statementTimeoutMs?: number;
  /** Told of a connection that broke while idle; the pool replaces it. */
  readonly onIdleError: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** How much longer than a statement may take its answer is waited for: then the network or the server is gone. */
const ANSWER_LEEWAY_MS = 1_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 5;
/** Rows fetched at a time: some hundred kilobytes, and some milliseconds of work on them. */
const STREAM_BATCH_ROWS = 500;
/** Of a million rows only some may be wanted: the first batch then takes as long as reading all of them. */
const STREAM_BATCH_TIMEOUT_MS = 60_000;
/** A view that is held open keeps the server from clearing up behind it. */
const MAX_READER_PAUSE_MS = 60_000;

const TIMESTAMPTZ = 1184;
const INT8 = 20;
const NUMERIC = 1700;

/** Times come as epoch milliseconds, eight-byte integers as numbers, NUMERIC as `Money`: no float ever holds an amount. */
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

/** Opens a database beside a service: what it writes wakes no background work, which finds it at its next turn. */
export function openDatabase(options: DatabaseOptions): Database {
  const onEffectError = (error: unknown) =>
    options.onIdleError(error instanceof Error ? error : new Error(String(error)));
  return withHooks(openConnections(options), {
    wake: () => undefined,
    traceparent: () => undefined,
    onEffectError,
  });
}

/** Opens a pool; connections are made when they are first needed. */
export function openConnections(options: DatabaseOptions): Connections {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = new pg.Pool({
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
  const probe = createProbe(pool);

  return {
    currency: options.currency,
    rows: (statement, values) => probe.watching(() => withRetry(() => run(pool, statement, values))),
    transaction: (work) =>
      probe.watching(() => withRetry(() => transactionOnce(pool, 'BEGIN', options.currency, work))),
    snapshot: (work) =>
      withRetry(() =>
        transactionOnce(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', options.currency, work),
      ),
    stream: (statement, values) => stream(pool, statement, values),
    ping: (timeoutMs) => probe.ask(timeoutMs),
    use: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => pool.end(),
  };
}

async function run<Row>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const result = await on.query({ ...statement, values: [...values] });
    return result.rows as Row[];
  } catch (error) {
    throw translate(error);
  }
}

/** What was rolled back whole because it lost a race runs again. */
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
  pool: pg.Pool,
  begin: string,
  currency: Currency,
  work: (executor: Executor) => Promise<Result>,
): Promise<Result> {
  const client = await connect(pool);
  const tx: Executor = { currency, rows: (statement, values) => run(client, statement, values) };
  let broken: Error | undefined;
  // A connection may break between two statements; unheard, that would end the process.
  const onBreak = (error: Error) => {
    broken = error;
  };
  client.on('error', onBreak);
  try {
    await client.query(begin);
    const result = await work(tx);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    broken ??= await rollBack(client, error);
    throw translate(error);
  } finally {
    client.off('error', onBreak);
    client.release(broken);
  }
}

/** The pool's own bound is one for an answer that somebody waits for. */
const FETCH = {
  text: `FETCH ${STREAM_BATCH_ROWS} FROM rows`,
  query_timeout: STREAM_BATCH_TIMEOUT_MS + ANSWER_LEEWAY_MS,
};

async function* stream<Row>(
  pool: pg.Pool,
  statement: Statement,
  values: readonly unknown[],
): AsyncGenerator<Row[], void, void> {
  const client = await connect(pool);
  let broken: Error | undefined;
  // The server may cut a slow reader off while nothing is asked of it; unheard, that would end the process.
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
    if (isUnanswered(error)) broken = new Error('the connection is silent');
    throw translate(error);
  } finally {
    // Nothing was written; one that is left in the middle ends the same way as one read to its end.
    if (!broken) await client.query('ROLLBACK').catch(onCut);
    client.off('error', onCut);
    client.release(broken);
  }
}

/** What keeps the pool from handing the connection out again: it is silent, its server is unfit, or its rollback failed. */
async function rollBack(client: pg.PoolClient, reason: unknown): Promise<Error | undefined> {
  if (isUnanswered(reason)) return new Error('the connection is silent');
  if (isUnfitOf(reason)) return new Error('the server cannot do the work');
  return client.query('ROLLBACK').then(
    () => undefined,
    (error: Error) => error,
  );
}

/** A statement's error may have been translated on its way. */
function isUnfitOf(reason: unknown): boolean {
  return isUnfit(reason) || (reason instanceof AppError && isUnfit(reason.cause));
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!isOutage(error)) return error;
  return new AppError(
    'database_unavailable',
    'The database cannot do its work right now. Try again shortly.',
    { cause: error },
  );
}

/** `2026-11-24 03:17:15.905+00`, as the server writes it in the UTC time zone, to epoch milliseconds. */
function parseTimestamptz(text: string): number {
  return Date.parse(`${text.slice(0, -3).replace(' ', 'T')}Z`);
}
