import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { atEnd } from '../support/at-end.ts';
import { sql } from '../support/databases.ts';
import { until } from '../support/servers.ts';

describe('disk-full-embedded: the embedded PostgreSQL', () => {
  test('a server that ends by itself is started again at the same address, and stays ended when it is closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ticketing-restart-'));
    const reasons: string[] = [];
    const server = await startEmbeddedPostgres(folder, (reason) => void reasons.push(reason));
    atEnd(async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    });
    await sql(server.dsn, 'CREATE TABLE kept (n int)');
    const pidOf = async () =>
      Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const first = await pidOf();
    // It ends at once and recovers at the next start, as after a log that could not be written.
    process.kill(first, 'SIGQUIT');
    const answers = () => sql(server.dsn, 'SELECT FROM kept').then(Boolean, () => false);
    await until('another answers, with the stored data', async () => reasons.length > 0 && answers(), 60_000);
    expect(await pidOf()).not.toBe(first);
    expect(reasons).toHaveLength(1);
    await server.close();
    expect(await answers()).toBe(false);
    expect(reasons).toHaveLength(1);
  });
});
