import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/postgres/database.ts';
import { atEnd } from './at-end.ts';
import { LKR } from './currencies.ts';
import { createDatabase, dsnFor, runOn, TEMPLATE } from './databases.ts';

/** A migrated database of this test file's own, dropped after it. */
export function testDatabase(): Promise<string> {
  return ownDatabase(TEMPLATE);
}

/** An empty database of this test file's own, dropped after it. */
export function emptyDatabase(): Promise<string> {
  return ownDatabase(undefined);
}

/** A database as the service's scripts open it, closed after the test file. */
export function openTestDatabase(dsn: string, maxConnections = 4): Database {
  const database = openDatabase({ currency: LKR, dsn, maxConnections, onIdleError: () => undefined });
  atEnd(() => database.close());
  return database;
}

async function ownDatabase(template: string | undefined): Promise<string> {
  const server = inject('postgresDsn');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(server, name, template);
  atEnd(() => runOn(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return dsnFor(server, name);
}
