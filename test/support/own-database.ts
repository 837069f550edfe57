import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { createDatabase, dsnFor, runOn, TEMPLATE } from './databases.ts';

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
  atEnd(() => runOn(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return dsnFor(server, name);
}
