import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { MS_PER_SECOND } from '../../kernel/clock.ts';
import { connectClient } from './connection.ts';
import { IS_READ_ONLY } from './probe.ts';
import { isOutage } from './sqlstate.ts';
import { tlsAdvice } from './tls.ts';

/** Gets one line when the wait begins and one when the server answers. */
export interface WaitLog {
  warn(message: string): void;
  info(message: string): void;
}

/** The server is unavailable or refuses writes. The message says what to do. */
export class DatabaseNotUsable extends Error {
  override readonly name = 'DatabaseNotUsable';
}

const ASK_AGAIN_MS = 500;
const DEFAULT_PORT = '5432';

/**
 * Resolves when the server accepts writes. It waits at most `maxWaitMs` for a server that is unavailable or starting. A
 * standby, a read-only server and a refused login fail at once, because waiting does not change them. Throws
 * `DatabaseNotUsable`, or the error of the server.
 */
export async function waitForDatabase({
  dsn,
  maxWaitMs,
  log,
}: {
  readonly dsn: string;
  readonly maxWaitMs: number;
  readonly log: WaitLog;
}): Promise<void> {
  const server = serverOf(dsn);
  const deadline = performance.now() + maxWaitMs;
  let isWaiting = false;
  for (;;) {
    const error = await outageOf(dsn, server);
    if (error === undefined) break;
    if (performance.now() + ASK_AGAIN_MS > deadline) {
      throw new DatabaseNotUsable(
        `PostgreSQL at ${server} did not answer within ${maxWaitMs / MS_PER_SECOND} s (DATABASE_WAIT_SECONDS): ${reasonFor(error)}. Start it, or correct POSTGRES_DSN.`,
        { cause: error },
      );
    }
    if (!isWaiting) {
      log.warn(
        `PostgreSQL at ${server} does not answer yet (${reasonFor(error)}); waiting for it, at most ${maxWaitMs / MS_PER_SECOND} s`,
      );
    }
    isWaiting = true;
    await pause(ASK_AGAIN_MS);
  }
  if (isWaiting) log.info(`PostgreSQL at ${server} answers; the start continues`);
}

/** The error of an unavailable server; undefined when the server accepts writes. Throws errors that waiting does not change. */
async function outageOf(dsn: string, server: string): Promise<Error | undefined> {
  let client: pg.Client | undefined;
  try {
    client = await connectClient(dsn, 'start');
    const { rows } = await client.query(IS_READ_ONLY);
    if (!rows[0]?.is_read_only) return undefined;
  } catch (error) {
    if (error instanceof Error && isOutage(error)) return error;
    const advice = tlsAdvice(error);
    if (advice === undefined || !(error instanceof Error)) throw error;
    throw new DatabaseNotUsable(`PostgreSQL at ${server}: ${error.message.split(';', 1)[0]}. ${advice}`, {
      cause: error,
    });
  } finally {
    await client?.end().catch(() => undefined);
  }
  throw new DatabaseNotUsable(
    `PostgreSQL at ${server} is a standby or read-only, and this service writes. Set POSTGRES_DSN to the primary, or promote this server (pg_promote()); a primary with default_transaction_read_only = on must have it off.`,
  );
}

/** Host and port only, because the address may contain a password. */
function serverOf(dsn: string): string {
  const url = new URL(dsn);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return `${host}:${url.port || DEFAULT_PORT}`;
}

function reasonFor(error: Error): string {
  if ('code' in error && typeof error.code === 'string' && !error.message) return error.code;
  return error.message;
}
