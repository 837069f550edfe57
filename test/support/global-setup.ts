import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** One real PostgreSQL for the run, and a migrated template that each test file copies. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-test-'));
  const server = await startEmbeddedPostgres(folder);
  await createDatabase(server.dsn, TEMPLATE);
  await migrateUp({ dsn: dsnFor(server.dsn, TEMPLATE), dir: 'migrations' });
  project.provide('postgresDsn', server.dsn);
  return async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
}
