import pg from 'pg';

/** One process among the replicas, chosen by an advisory lock of the database. */
export interface Leader {
  /** Whether this process leads now; asks for the lock when nobody is known to have it. */
  leads(): Promise<boolean>;
  /** Gives the lock up, so that another can lead at once. */
  close(): Promise<void>;
}

export interface LeaderOptions {
  readonly dsn: string;
  /** Which leadership: any number that no other one takes. */
  readonly lock: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 5_000;

/**
 * Leadership lives as long as its connection: a process that dies or is cut off loses it, and the server gives it to
 * the next that asks.
 */
export function createLeader({ dsn, lock }: LeaderOptions): Leader {
  let held: pg.Client | undefined;

  async function ask(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: dsn,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ASK_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'ms-ticketing leader',
    });
    client.on('error', () => {
      if (held === client) held = undefined;
    });
    client.on('end', () => {
      if (held === client) held = undefined;
    });
    await client.connect();
    const answer = await client.query<{ won: boolean }>('SELECT pg_try_advisory_lock($1) AS won', [lock]);
    if (answer.rows[0]?.won) held = client;
    else await client.end();
    return held === client;
  }

  return {
    leads: async () => held !== undefined || ask(),
    async close() {
      const client = held;
      held = undefined;
      await client?.end();
    },
  };
}
