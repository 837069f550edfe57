import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Currency } from '../../kernel/money.ts';

export interface MigrationOptions {
  readonly dsn: string;
  /** Folder of `NNNNNN_name.up.sql` and `.down.sql` pairs. */
  readonly dir: string;
  /** What amounts in the database are in. A migration that has to know it refuses to run without it. */
  readonly currency?: Currency;
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

/**
 * Undoes the newest migration and returns its name, or nothing when there is none. `agreed` is the name that the operator
 * agreed to; it refuses when another one is the newest by now.
 */
export function migrateDown(options: MigrationOptions, agreed?: string): Promise<string[]> {
  return migrate(options, 'down', agreed);
}

async function migrate(
  options: MigrationOptions,
  direction: 'up' | 'down',
  agreed?: string,
): Promise<string[]> {
  return withClient(options.dsn, async (client) => {
    // The library's own BEGIN joins this transaction, so that its bookkeeping table goes with a rollback, too.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    if (agreed !== undefined && (await newestOf(client)) !== agreed) {
      throw new Error(`${agreed} is not the newest migration any more. Nothing was undone.`);
    }
    await client.query(
      "SELECT set_config('ticketing.currency', $1, true), set_config('ticketing.currency_exponent', $2, true)",
      [options.currency?.code ?? '', options.currency?.exponent ?? ''],
    );
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
    }).catch((error: unknown) => {
      throw withDetail(error);
    });
    await client.query('COMMIT');
    return done.map((migration) => migration.name);
  });
}

/** PostgreSQL names what is in the way of a migration beside its message: somebody's view of a column, two equal values. */
function withDetail(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.detail === undefined) return error;
  // That would be a whole row, with what is personal in it.
  if (!error.detail.startsWith('Failing row')) error.message = `${error.message}. ${error.detail}`;
  return error;
}

/** The name of the newest migration applied, or undefined for a database without any. */
export async function migrationVersion(dsn: string): Promise<string | undefined> {
  return withClient(dsn, newestOf);
}

async function newestOf(client: pg.Client): Promise<string | undefined> {
  const known = await client.query('SELECT to_regclass($1) IS NOT NULL AS known', [MIGRATIONS_TABLE]);
  if (!known.rows[0]?.known) return undefined;
  const newest = await client.query(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id DESC LIMIT 1`);
  return newest.rows[0]?.name as string | undefined;
}

/** What undoing the newest migration would do to a database. */
export interface Undoing {
  readonly name: string;
  /** What the step says that it loses. */
  readonly loses: string;
  /** Whether any table has rows: in an empty database there is nothing to lose. */
  readonly hasRows: boolean;
}

/** What `migrateDown` would undo next; undefined when there is nothing to undo. */
export async function nextUndoing({ dsn, dir }: MigrationOptions): Promise<Undoing | undefined> {
  const name = await migrationVersion(dsn);
  if (name === undefined) return undefined;
  return {
    name,
    loses: lossesIn(await readFile(join(dir, `${name}.down.sql`), 'utf8')),
    hasRows: await hasRows(dsn),
  };
}

const LOSES = '-- Loses: ';

/** The comment that a `.down.sql` file begins with. */
export function lossesIn(downSql: string): string {
  if (!downSql.startsWith(LOSES)) return 'this step does not say what it loses';
  const lines = downSql.slice(LOSES.length).split('\n');
  const end = lines.findIndex((line, at) => at > 0 && !line.startsWith('-- '));
  return lines
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.replace(/^-- /, '').trim())
    .join(' ');
}

/** Tables that have rows in a database in which nothing was ever done. */
const ALWAYS_FILLED = [MIGRATIONS_TABLE, 'schema_migrations', 'sales_feed_head', 'comparison_permission'];

async function hasRows(dsn: string): Promise<boolean> {
  return withClient(dsn, async (client) => {
    const tables = await client.query(
      'SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> ALL ($1)',
      [ALWAYS_FILLED],
    );
    for (const { name } of tables.rows) {
      const found = await client.query(`SELECT FROM ${name} LIMIT 1`);
      if (found.rows.length > 0) return true;
    }
    return false;
  });
}

/** Creates a pair of files with the next number and returns their paths. `name` is letters, digits and `_`. */
export async function createMigration(dir: string, name: string): Promise<string[]> {
  if (!/^[a-z0-9_]+$/.test(name)) throw new Error('a migration name is made of a-z, 0-9 and _');
  const numbers = (await readdir(dir)).map((file) => Number.parseInt(file, 10)).filter(Number.isInteger);
  const next = String(Math.max(0, ...numbers) + 1).padStart(6, '0');
  const paths = ['up', 'down'].map((direction) => join(dir, `${next}_${name}.${direction}.sql`));
  for (const path of paths) {
    await writeFile(
      path,
      path.endsWith('.down.sql') ? `${LOSES}say here what undoing this step loses.\n` : '',
      {
        flag: 'wx',
      },
    );
  }
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
