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

/** Runs plain SQL on a database, to inspect what is stored. */
export async function sql<Row extends object = Record<string, unknown>>(
  dsn: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as Row[];
  } finally {
    await client.end();
  }
}
