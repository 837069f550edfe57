import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

export interface MigrationOptions {
  readonly dsn: string;
  /** Folder of `NNNNNN_name.up.sql` and `.down.sql` pairs. */
  readonly dir: string;
}

/** Where the applied migrations are written down; the earlier service's `schema_migrations` is left as it is. */
const MIGRATIONS_TABLE = 'ticketing_migrations';
/** Any number will do, so long as only migrations of this service take it. */
const MIGRATION_LOCK = 840_084_001;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Applies every migration not applied yet and returns their names. Callers that come at once wait for the first and
 * find nothing to do. All of them are one transaction: when one fails, nothing at all has changed.
 */
export function migrateUp(options: MigrationOptions): Promise<string[]> {
  return migrate(options, 'up');
}

/** Undoes the newest migration and returns its name, or nothing when there is none. */
export function migrateDown(options: MigrationOptions): Promise<string[]> {
  return migrate(options, 'down');
}

async function migrate(options: MigrationOptions, direction: 'up' | 'down'): Promise<string[]> {
  return withClient(options.dsn, async (client) => {
    // The library's own BEGIN joins this transaction, so that its bookkeeping table goes with a rollback, too.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const done = await runner({
      dbClient: client,
      dir: options.dir,
      direction,
      migrationsTable: MIGRATIONS_TABLE,
      migrationLoaderStrategies: [{ extensions: ['.sql'], loader: 'sql' }],
      ...(direction === 'down' ? { count: 1 } : {}),
      singleTransaction: true,
      noLock: true,
      log: () => undefined,
    });
    await client.query('COMMIT');
    return done.map((migration) => migration.name);
  });
}

/** The name of the newest migration applied, or undefined for a database without any. */
export async function migrationVersion(dsn: string): Promise<string | undefined> {
  return withClient(dsn, async (client) => {
    const known = await client.query('SELECT to_regclass($1) IS NOT NULL AS known', [MIGRATIONS_TABLE]);
    if (!known.rows[0]?.known) return undefined;
    const newest = await client.query(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id DESC LIMIT 1`);
    return newest.rows[0]?.name as string | undefined;
  });
}

/** Creates an empty pair of files with the next number and returns their paths. `name` is letters, digits and `_`. */
export async function createMigration(dir: string, name: string): Promise<string[]> {
  if (!/^[a-z0-9_]+$/.test(name)) throw new Error('a migration name is made of a-z, 0-9 and _');
  const numbers = (await readdir(dir)).map((file) => Number.parseInt(file, 10)).filter(Number.isInteger);
  const next = String(Math.max(0, ...numbers) + 1).padStart(6, '0');
  const paths = ['up', 'down'].map((direction) => join(dir, `${next}_${name}.${direction}.sql`));
  for (const path of paths) await writeFile(path, '', { flag: 'wx' });
  return paths;
}

async function withClient<Result>(
  dsn: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: dsn,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'ms-ticketing migrations',
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
