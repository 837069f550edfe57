import pg from 'pg';
import type { SalesSignal } from '../signal.ts';
import type { Database } from './database.ts';

export interface PostgresSignalOptions {
  readonly dsn: string;
  readonly database: Database;
  /** Letters and underscores. */
  readonly channel: string;
  /** Called for each signal, and when listening begins: what came before may have been missed. */
  readonly onSignal: () => void;
  /** The connection is lost; `listen` makes a new one. */
  readonly onLost: () => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ASK_TIMEOUT_MS = 5_000;
const LISTENER_NAME = 'ms-ticketing listener';

/**
 * A signal among the replicas by LISTEN and NOTIFY; without a payload, so that many sent at once are one. The connection
 * that listens is one of its own: the pool's come and go.
 */
export function createPostgresSignal(options: PostgresSignalOptions): SalesSignal {
  const { dsn, database, channel, onSignal, onLost } = options;
  const notify = { name: `notify-${channel}`, text: `SELECT pg_notify('${channel}', '')` };
  let client: pg.Client | undefined;
  let isClosing = false;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: dsn,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ASK_TIMEOUT_MS,
      keepAlive: true,
      application_name: LISTENER_NAME,
    });
    const lost = () => {
      if (client !== next) return;
      client = undefined;
      onLost();
    };
    next.on('error', lost);
    next.on('end', lost);
    next.on('notification', onSignal);
    try {
      await next.connect();
      await next.query(`LISTEN ${channel}`);
    } catch (error) {
      await next.end().catch(() => undefined);
      throw error;
    }
    if (isClosing) return next.end();
    client = next;
    onSignal();
  }

  return {
    async send() {
      await database.rows(notify, []);
    },
    async listen() {
      if (!client) await connect();
      return false;
    },
    async close() {
      isClosing = true;
      const closing = client;
      client = undefined;
      await closing?.end();
    },
  };
}
