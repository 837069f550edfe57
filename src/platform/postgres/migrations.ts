import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Currency } from '../../kernel/money.ts';
import { connectClient } from './connection.ts';
import { requireNoObstacles } from './obstacles.ts';

export interface MigrationOptions {
  readonly dsn: string;
  /** Folder of `NNNNNN_name.up.sql` and `.down.sql` pairs. */
  readonly dir: string;
  /** The currency of the amounts in the database. A migration that needs it refuses to run without it. */
  readonly currency?: Currency;
}

/** Table of the applied migrations. The table of the earlier service, `schema_migrations`, is not changed. */
const MIGRATIONS_TABLE = 'ticketing_migrations';
/** Advisory lock; any number that only the migrations of this service use. */
const MIGRATION_LOCK = 840_084_001;
const NAME_TAKEN = 'Rename or drop it, since it is not of this service, and start again. Nothing was changed.';
const DEPENDENT = 'Drop what depends on it, and create it again afterwards. Nothing was changed.';
/** A migration may rewrite every row. */
const NO_TIMEOUT_MS = 0;

/**
 * Applies all pending migrations and returns their names. Concurrent callers wait for the first one and then find nothing
 * to do. All migrations run in one transaction: if one fails, nothing is changed.
 */
export function migrateUp(options: MigrationOptions): Promise<string[]> {
  return migrate(options, 'up');
}

/**
 * Undoes the newest migration and returns its name, or nothing when there is none. `agreed` is the name that the operator
 * agreed to; the call fails when another migration is the newest by now.
 */
export function migrateDown(options: MigrationOptions, agreed?: string): Promise<string[]> {
  return migrate(options, 'down', agreed);
}

async function migrate(options: MigrationOptions, direction: 'up' | 'down', agreed?: string): Promise<string[]> {
  return withClient(options.dsn, async (client) => {
    // The library's own BEGIN joins this transaction, so that a rollback includes its table.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    if (agreed !== undefined && (await newestOf(client)) !== agreed) {
      throw new Error(`${agreed} is not the newest migration any more. Nothing was undone.`);
    }
    await client.query(
      "SELECT set_config('ticketing.currency', $1, true), set_config('ticketing.currency_exponent', $2, true)",
      [options.currency?.code ?? '', options.currency?.exponent ?? ''],
    );
    if (direction === 'up') await requireNoObstacles(client, options.dir, await appliedOf(client));
    // A trigger that waits for the end of the transaction would stop the next change of its table.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
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
      throw explained(error);
    });
    await client.query('COMMIT');
    return done.map((migration) => migration.name);
  });
}

/** What to do about an error of PostgreSQL, by its SQLSTATE. Most objects in the way are found before; see `obstacles.ts`. */
const ADVICE: Readonly<Record<string, string>> = {
  '0A000': DEPENDENT,
  '2BP01': DEPENDENT,
  '42501': 'The role of POSTGRES_DSN must own the tables and may create some: migrate as their owner.',
  '42710': NAME_TAKEN,
  '42723': NAME_TAKEN,
  '42P07': NAME_TAKEN,
};

/**
 * Adds to the message PostgreSQL's detail, which names the cause, such as a view that uses the column or two equal values, and
 * what to do.
 */
function explained(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  // A detail that is a whole row has personal data.
  const detail = error.detail?.startsWith('Failing row') ? undefined : error.detail;
  error.message = [error.message, detail, ADVICE[error.code ?? '']]
    .flatMap((sentence) => sentence?.replace(/\.$/, '') ?? [])
    .join('. ');
  return error;
}

/** The name of the newest migration applied, or undefined for a database without any. */
export async function migrationVersion(dsn: string): Promise<string | undefined> {
  return withClient(dsn, newestOf);
}

async function newestOf(client: pg.Client): Promise<string | undefined> {
  return (await appliedOf(client)).at(-1);
}

/** The names of the applied migrations, in their order. */
async function appliedOf(client: pg.Client): Promise<string[]> {
  const known = await client.query('SELECT to_regclass($1) IS NOT NULL AS known', [MIGRATIONS_TABLE]);
  if (!known.rows[0]?.known) return [];
  const applied = await client.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`);
  return applied.rows.map(({ name }) => name);
}

/** The effect of undoing the newest migration. */
export interface Undoing {
  readonly name: string;
  /** The data loss that the migration declares. */
  readonly loses: string;
  /** Whether any table has rows; undoing in an empty database loses nothing. */
  readonly hasRows: boolean;
}

/** The migration that `migrateDown` would undo; undefined when there is none. */
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

/** The declared data loss: the comment at the beginning of a `.down.sql` file. */
export function lossesIn(downSql: string): string {
  if (!downSql.startsWith(LOSES)) return 'this step does not say what it loses';
  const lines = downSql.slice(LOSES.length).split('\n');
  const end = lines.findIndex((line, at) => at > 0 && !line.startsWith('-- '));
  return lines
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.replace(/^-- /, '').trim())
    .join(' ');
}

/** Tables that have rows in a new database. */
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
    await writeFile(path, path.endsWith('.down.sql') ? `${LOSES}say here what undoing this step loses.\n` : '', {
      flag: 'wx',
    });
  }
  return paths;
}

async function withClient<Result>(dsn: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = await connectClient(dsn, 'migrations', [], NO_TIMEOUT_MS);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
