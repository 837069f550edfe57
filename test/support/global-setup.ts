import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { migrateUp } from '../../src/platform/postgres/migrations.ts';
import { createDatabase, dsnFor, TEMPLATE } from './databases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL server for the whole run; `TEMPLATE` in it is migrated. */
    readonly postgresDsn: string;
  }
}

/**
 * Settings for a server that is discarded after the run: no test cuts its power, so nothing has to reach the disk, and its
 * one password need not be slow to guess.
 */
const DISCARDED_AFTER_RUN = [
  'fsync = off',
  'full_page_writes = off',
  'synchronous_commit = off',
  'scram_iterations = 1',
];

/** Starts one real PostgreSQL for the run, with a migrated template that each test file copies. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-test-'));
  const server = await startEmbeddedPostgres(folder);
  await makeQuick(server.dsn);
  await createDatabase(server.dsn, TEMPLATE);
  await migrateUp({ dsn: dsnFor(server.dsn, TEMPLATE), dir: 'migrations' });
  project.provide('postgresDsn', server.dsn);
  project.provide('issuerKey', await newIssuerKey());
  return async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
}

async function newIssuerKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return exportJWK(privateKey);
}

async function makeQuick(dsn: string): Promise<void> {
  const { username, password } = new URL(dsn);
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    for (const setting of DISCARDED_AFTER_RUN) await client.query(`ALTER SYSTEM SET ${setting}`);
    await client.query('SELECT pg_reload_conf()');
    // The same password, stored with the cheaper hash.
    await client.query('SET scram_iterations = 1');
    await client.query(`ALTER ROLE ${username} PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
}
