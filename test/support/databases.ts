import pg from 'pg';

export const TEMPLATE = 'ticketing_template';

/** The same server, another database. */
export function dsnFor(dsn: string, database: string): string {
  const url = new URL(dsn);
  url.pathname = `/${database}`;
  return url.toString();
}

export async function createDatabase(dsn: string, name: string, template?: string): Promise<void> {
  await runOn(dsn, `CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`);
}

/** Runs SQL that returns no rows, on a connection of its own. */
export async function runOn(dsn: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Plain SQL on a database, to inspect what is stored, over one connection that is opened with the first statement. */
export function openSql(dsn: string) {
  const pool = new pg.Pool({ connectionString: dsn, max: 1, idleTimeoutMillis: 0 });
  // A test may cut all connections of its database.
  pool.on('error', () => undefined);
  return {
    sql: async <Row extends object = Record<string, unknown>>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    close: () => pool.end(),
  };
}

/** The same for a single statement. */
export async function sql<Row extends object = Record<string, unknown>>(
  dsn: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const opened = openSql(dsn);
  try {
    return await opened.sql<Row>(text, values);
  } finally {
    await opened.close();
  }
}
