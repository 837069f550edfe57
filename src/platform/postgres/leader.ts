import pg from 'pg';
import type { Clock, Instant } from '../../kernel/clock.ts';
import { later } from '../../kernel/clock.ts';
import type { Executor } from './database.ts';
import { IS_READ_ONLY } from './probe.ts';
import { sessionSettings } from './session-settings.ts';

/** One process among the replicas, chosen by an advisory lock of the database. */
export interface Leader {
  /** Whether this process leads now; asks for the lock now and then when another has it. None leads on a standby. */
  leads(): Promise<boolean>;
  /** Gives the lock up, so that another can lead at once. */
  close(): Promise<void>;
}

export interface LeaderOptions {
  readonly dsn: string;
  /** Which leadership: any number that no other one takes. */
  readonly lock: number;
  /** For pauses alone: one that is never set back. */
  readonly clock: Clock;
  /** Called when leadership is won, lost or given up. */
  readonly onChange?: (change: 'won' | 'lost' | 'given up') => void;
}

/** The leadership of the replica that publishes messages. Every replica that does background work asks for it. */
export const RELAY_LOCK = 840_084_002;

const CONNECT_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 5_000;
/** A leader that died is followed within this. */
const ASK_AGAIN_MS = 500;
/** A leader whose server was demoted finds out within this: behind the same address another may lead by then. */
const CONFIRM_EVERY_MS = 1_000;
/** The server itself finds a leader whose machine is gone, and ends its connection: within half a minute, not two hours. */
const KEEPALIVE = ['tcp_keepalives_idle=10', 'tcp_keepalives_interval=5', 'tcp_keepalives_count=4'];

/**
 * Leadership lives as long as its connection: a process that dies or is cut off loses it, and the server gives it to
 * the next that asks.
 */
export function createLeader({ dsn, lock, clock, onChange }: LeaderOptions): Leader {
  let client: pg.Client | undefined;
  let isLeading = false;
  let askAgainAt: Instant | undefined;
  let confirmAt: Instant | undefined;

  async function connected(): Promise<pg.Client> {
    if (client) return client;
    const next = new pg.Client({
      ...sessionSettings(dsn, KEEPALIVE),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ASK_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'ms-ticketing leader',
    });
    const lost = () => {
      if (client !== next) return;
      client = undefined;
      if (isLeading) onChange?.('lost');
      isLeading = false;
    };
    next.on('error', lost);
    next.on('end', lost);
    await next.connect();
    client = next;
    return next;
  }

  async function stepDown(): Promise<void> {
    const closing = client;
    client = undefined;
    if (isLeading) onChange?.('given up');
    isLeading = false;
    await closing?.end();
  }

  async function isReadOnly(asked: pg.Client): Promise<boolean> {
    const { rows } = await asked.query<{ is_read_only: boolean }>(IS_READ_ONLY);
    return rows[0]?.is_read_only === true;
  }

  /** A lead that cannot be confirmed is given up: the question failed, or the server takes no writes. */
  async function confirm(): Promise<void> {
    if (!client || (confirmAt !== undefined && clock.now() < confirmAt)) return;
    confirmAt = later(clock.now(), CONFIRM_EVERY_MS);
    if (await isReadOnly(client).catch(() => true)) await stepDown();
  }

  return {
    async leads() {
      if (isLeading) await confirm();
      if (isLeading) return true;
      if (askAgainAt !== undefined && clock.now() < askAgainAt) return false;
      askAgainAt = later(clock.now(), ASK_AGAIN_MS);
      const asked = await connected();
      const answer = await asked.query<{ won: boolean }>('SELECT pg_try_advisory_lock($1) AS won', [lock]);
      const isWon = answer.rows[0]?.won === true && client === asked;
      // A standby gives out locks, too, and takes no messages.
      if (isWon && (await isReadOnly(asked))) {
        await stepDown();
        return false;
      }
      isLeading = isWon && client === asked;
      if (isLeading) onChange?.('won');
      return isLeading;
    },
    close: stepDown,
  };
}

const IS_LED = {
  name: 'leader-is-led',
  text: `SELECT FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database
          WHERE locktype = 'advisory' AND granted AND d.datname = current_database()
            AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid AND objsubid = 1`,
};

/** Whether any process has this leadership now. */
export async function isLed(executor: Executor, lock: number): Promise<boolean> {
  return (await executor.rows(IS_LED, [lock])).length > 0;
}
