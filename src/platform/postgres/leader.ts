import type pg from 'pg';
import { type Clock, type Instant, later } from '../../kernel/clock.ts';
import { connectClient } from './connection.ts';
import type { Executor } from './database.ts';
import { IS_READ_ONLY } from './probe.ts';

/** One process among the replicas, chosen by an advisory lock of the database. */
export interface Leader {
  /** Whether this process leads now. It tries to get the lock at intervals while another process has it. No process leads on a standby. */
  leads(): Promise<boolean>;
  /** Releases the lock, so that another process can lead at once. */
  close(): Promise<void>;
}

export type LeadershipChange = 'won' | 'lost' | 'given up';

/** Lock of the replica that publishes messages. Every replica with background work tries to get it. */
export const RELAY_LOCK = 840_084_002;

/** A crashed leader is replaced within this. */
const ASK_AGAIN_MS = 500;
/** A leader notices within this that its server was demoted; another process may lead at the new primary by then. */
const CONFIRM_EVERY_MS = 1_000;
/** With these, the server ends the connection of an unreachable leader within half a minute, and not after two hours. */
const KEEPALIVE = ['tcp_keepalives_idle=10', 'tcp_keepalives_interval=5', 'tcp_keepalives_count=4'];

/**
 * Leadership is tied to a connection: a process that crashes or is disconnected loses it, and the server gives it to the
 * next process that asks. `lock` identifies the leadership, and must be different from other advisory locks. `clock` must be
 * monotonic. `onChange` is called when leadership is won, lost or given up.
 */
export function createLeader({
  dsn,
  lock,
  clock,
  onChange,
}: {
  readonly dsn: string;
  readonly lock: number;
  readonly clock: Clock;
  readonly onChange?: (change: LeadershipChange) => void;
}): Leader {
  let client: pg.Client | undefined;
  let isLeading = false;
  let askAgainAt: Instant | undefined;
  let confirmAt: Instant | undefined;

  async function connected(): Promise<pg.Client> {
    if (client) return client;
    const next = await connectClient(dsn, 'leader', KEEPALIVE);
    const lost = () => {
      if (client !== next) return;
      client = undefined;
      if (isLeading) onChange?.('lost');
      isLeading = false;
    };
    next.on('error', lost);
    next.on('end', lost);
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

  /** Gives up a leadership that cannot be confirmed: the query failed, or the server accepts no writes. */
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
      // A standby grants advisory locks too, although it accepts no writes.
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

async function isReadOnly(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ is_read_only: boolean }>(IS_READ_ONLY);
  return rows[0]?.is_read_only === true;
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
