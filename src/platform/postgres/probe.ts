import type pg from 'pg';
import { AppError } from '../../kernel/errors.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { type Connect, lend } from './connection.ts';
import { isOutage, isUnfit } from './sqlstate.ts';

/** Checks that the server can execute statements, not only that it answers. */
export interface Probe {
  /** Resolves when the server accepts reads and writes; rejects otherwise, within `timeoutMs`. */
  ask(timeoutMs: number): Promise<void>;
  /** Runs `work`. If the server refuses it as unfit, the next check includes a trial write. */
  watching<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** The server is a standby, or allows no writes. */
export class ReadOnlyServer extends Error {
  constructor() {
    super('the server is a standby or read-only');
    this.name = 'ReadOnlyServer';
  }
}

/**
 * True for a standby, a demoted primary, and a read-only server, database or role. A setting of a database or a role applies to
 * new sessions, so one that was made since this session began is looked up, unless the address overrides it.
 */
export const IS_READ_ONLY = `
  SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
      OR COALESCE((SELECT split_part(option, '=', 2)::boolean
                     FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS option
                    WHERE option LIKE 'default_transaction_read_only=%'
                      AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                      AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
                    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1), false)
         AND (SELECT source <> 'client' FROM pg_settings WHERE name = 'default_transaction_read_only') AS is_read_only`;

/** Interval of trial writes without a refused write: a disk may be full before a request writes. */
const TRIAL_WRITE_EVERY_MS = 30_000;
/** Nearly a page, so that the row needs a new page and therefore disk space. */
const TRIAL_BYTES = 7_900;
/** One message to the server. If a part of it fails, the connection is closed, which ends the transaction. */
const TRIAL_WRITE = `BEGIN; INSERT INTO write_trials (filler) VALUES (repeat('x', ${TRIAL_BYTES})); ROLLBACK`;

/** The check uses the pool, so that its result applies to the connections that do the work. */
export function createProbe(pool: pg.Pool, connect: Connect): Probe {
  let answeredAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  /** A write was refused as unfit, and no write has succeeded since. */
  let isInDoubt = false;
  pool.on('release', (error) => {
    if (!error) answeredAt = performance.now();
  });

  function tried(): void {
    triedAt = performance.now();
    isInDoubt = false;
  }

  async function question(client: pg.PoolClient, timeoutMs: number): Promise<void> {
    // A time limit of its own, so that a check without an answer does not keep its connection.
    const bound = { query_timeout: timeoutMs };
    const { rows } = await client.query({ text: IS_READ_ONLY, ...bound });
    if (rows[0]?.is_read_only) throw new ReadOnlyServer();
    if (!isInDoubt && performance.now() - triedAt < TRIAL_WRITE_EVERY_MS) return;
    await client.query({ text: TRIAL_WRITE, ...bound });
    tried();
  }

  async function askOnce(timeoutMs: number): Promise<void> {
    await lend(
      connect,
      (client) => question(client, timeoutMs),
      async (error) => new Error(String(error)),
    ).catch((error: unknown) => {
      isInDoubt ||= isUnfit(error);
      if (error instanceof ReadOnlyServer || error instanceof AppError || isOutage(error)) throw error;
      // A missing table or privilege says nothing about the disk.
      tried();
    });
  }

  return {
    async ask(timeoutMs) {
      const began = performance.now();
      await withTimeLimit(timeoutMs, askOnce(timeoutMs), () => {
        // If the check is waiting for a connection, the answers of other queries show that the server is only busy.
        if (answeredAt <= began || isInDoubt) throw new Error(`no answer within ${timeoutMs} ms`);
      });
    },
    async watching(work) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof AppError && isUnfit(error.cause)) isInDoubt = true;
        throw error;
      }
    },
  };
}
