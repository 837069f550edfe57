import { beforeAll } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/postgres/database.ts';
import { createPostgresSignal } from '../../src/platform/postgres/signal.ts';
import { atEnd } from '../support/at-end.ts';
import { LKR } from '../support/currencies.ts';
import { testDatabase } from '../support/own-database.ts';
import { countingEnd, salesSignalContract } from './sales-signal.contract.ts';

let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ currency: LKR, dsn, maxConnections: 4, onIdleError: () => undefined });
  atEnd(() => database.close());
});

salesSignalContract('by LISTEN and NOTIFY', {
  async open() {
    return countingEnd((callbacks) =>
      createPostgresSignal(dsn, database, { channel: 'sales_of_a_test', ...callbacks }),
    );
  },
  async cutListeners() {
    const text = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'ms-ticketing listener'`;
    await database.rows({ name: 'cut-listeners', text }, []);
  },
});
