import type pg from 'pg';
import { AppError } from '../../kernel/errors.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { isOutage, isUnfit } from './sqlstate.ts';

/** Tells whether the server can do the work, which is more than that it answers. */
export interface Probe {
  /** Resolves when the server takes reads and writes; rejects otherwise, within `timeoutMs`. */
  ask(timeoutMs: number): Promise<void>;
  /** Runs `work`; when the server refuses it as unfit, the next question is a trial write. */
  watching<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** The server is a standby, or lets no session write. */
export class ReadOnlyServer extends Error {
  constructor() {
    super('the server is a standby or read-only');
    this.name = 'ReadOnlyServer';
  }
}

/** True for a standby, a demoted primary and a server, database or role that is set to read-only. */
export const IS_READ_ONLY =
  "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only";

/** A server that has refused no write is tried this often: a disk may be full before anybody writes. */
const TRIAL_WRITE_EVERY_MS = 30_000;
/** Nearly a page, so that the row needs a page of its own and with it room on the disk. */
const TRIAL_BYTES = 7_900;
/** One message to the server; what fails in it leaves the transaction to the end of the connection. */
const TRIAL_WRITE = `BEGIN; INSERT INTO write_trials (filler) VALUES (repeat('x', ${TRIAL_BYTES})); ROLLBACK`;

/** Asks through the pool, so that the answer is for the connections that do the work. */
export function createProbe(pool: pg.Pool): Probe {
  let answeredAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  /** A write was refused as unfit, and none went through since. */
  let isInDoubt = false;
  pool.on('release', (error) => {
    if (!error) answeredAt = performance.now();
  });

  function tried(): void {
    triedAt = performance.now();
    isInDoubt = false;
  }

  async function question(client: pg.PoolClient, timeoutMs: number): Promise<void> {
    // Its own bound, so that a question without an answer does not keep its connection.
    const bound = { query_timeout: timeoutMs };
    const { rows } = await client.query({ text: IS_READ_ONLY, ...bound });
    if (rows[0]?.is_read_only) throw new ReadOnlyServer();
    if (!isInDoubt && performance.now() - triedAt < TRIAL_WRITE_EVERY_MS) return;
    await client.query({ text: TRIAL_WRITE, ...bound });
    tried();
  }

  async function askOnce(timeoutMs: number): Promise<void> {
    const client = await pool.connect();
    let broken: Error | undefined;
    // A connection may break between two questions; unheard, that would end the process.
    const onBreak = (error: Error) => {
      broken = error;
    };
    client.on('error', onBreak);
    try {
      await question(client, timeoutMs);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      isInDoubt ||= isUnfit(error);
      if (error instanceof ReadOnlyServer || isOutage(error)) throw error;
      // A database without the table, or a role without the right, says nothing of the disk.
      tried();
    } finally {
      client.off('error', onBreak);
      client.release(broken);
    }
  }

  return {
    async ask(timeoutMs) {
      const began = performance.now();
      await withTimeLimit(timeoutMs, askOnce(timeoutMs), () => {
        // A question that waits behind others for a connection is answered by the first of theirs: the server is busy.
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
