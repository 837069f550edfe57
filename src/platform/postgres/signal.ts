import type pg from 'pg';
import type { SalesSignal, Subscription } from '../signal.ts';
import { connectClient } from './connection.ts';
import type { Database } from './database.ts';

/**
 * A signal among replicas by LISTEN and NOTIFY. It has no payload, so that PostgreSQL merges signals sent in one transaction.
 * The listening connection is not one of the pool, because the pool closes idle connections.
 */
export function createPostgresSignal(
  dsn: string,
  database: Database,
  { channel, onSignal, onLost }: Subscription,
): SalesSignal {
  const notify = { name: `notify-${channel}`, text: `SELECT pg_notify('${channel}', '')` };
  let client: pg.Client | undefined;
  let isClosing = false;

  async function connect(): Promise<void> {
    const next = await connectClient(dsn, 'listener');
    const lost = () => {
      if (client !== next) return;
      client = undefined;
      onLost();
    };
    next.on('error', lost);
    next.on('end', lost);
    next.on('notification', onSignal);
    try {
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
