import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';

export const TEMPLATE = 'ticketing_template';

/** The same server, another database. */
export function dsnFor(dsn: string, database: string): string {
  const url = new URL(dsn);
  url.pathname = `/${database}`;
  return url.toString();
}

export async function createDatabase(dsn: string, name: string, template?: string): Promise<void> {
  await run(dsn, `CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`);
}

async function run(dsn: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A migrated database of this test file's own, dropped after it. */
export function testDatabase(): Promise<string> {
  return ownDatabase(TEMPLATE);
}

/** An empty database of this test file's own, dropped after it. */
export function emptyDatabase(): Promise<string> {
  return ownDatabase(undefined);
}

async function ownDatabase(template: string | undefined): Promise<string> {
  const server = inject('postgresDsn');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(server, name, template);
  afterAll(() => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return dsnFor(server, name);
}

/** Plain SQL on a database, for looking at what is stored. */
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
