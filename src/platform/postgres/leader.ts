import pg from 'pg';
import type { Clock, Instant } from '../../kernel/clock.ts';
import { later } from '../../kernel/clock.ts';
import { sessionSettings } from './session-settings.ts';

/** One process among the replicas, chosen by an advisory lock of the database. */
export interface Leader {
  /** Whether this process leads now; asks for the lock now and then when another has it. */
  leads(): Promise<boolean>;
  /** Gives the lock up, so that another can lead at once. */
  close(): Promise<void>;
}

export interface LeaderOptions {
  readonly dsn: string;
  /** Which leadership: any number that no other one takes. */
  readonly lock: number;
  readonly clock: Clock;
  /** Told when leadership is won, lost or given up. */
  readonly onChange?: (change: 'won' | 'lost' | 'given up') => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 5_000;
/** A leader that died is followed within this. */
const ASK_AGAIN_MS = 500;
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

  return {
    async leads() {
      if (isLeading) return true;
      if (askAgainAt !== undefined && clock.now() < askAgainAt) return false;
      askAgainAt = later(clock.now(), ASK_AGAIN_MS);
      const asked = await connected();
      const answer = await asked.query<{ won: boolean }>('SELECT pg_try_advisory_lock($1) AS won', [lock]);
      isLeading = answer.rows[0]?.won === true && client === asked;
      if (isLeading) onChange?.('won');
      return isLeading;
    },
    async close() {
      const closing = client;
      client = undefined;
      if (isLeading) onChange?.('given up');
      isLeading = false;
      await closing?.end();
    },
  };
}
