import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { atEnd } from '../support/at-end.ts';
import { createDatabase, dsnFor, runOn } from '../support/databases.ts';
import { startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';

const DISK = '48m';
const CHUNK = Buffer.alloc(65_536, 1);

const disk = mkdtempSync(join(tmpdir(), 'ticketing-small-disk-'));

/** Whether a small file system could be mounted, which needs a right that some containers lack. */
function mountSmallDisk(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const isMounted = mountSmallDisk();
atEnd(() => {
  if (isMounted) execFileSync('umount', ['--lazy', disk]);
  rmSync(disk, { recursive: true, force: true });
});

/** Writes until there is no room left. */
async function fillDisk(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(CHUNK);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    await file.close();
  }
}

/** A database on the small disk, of a server whose own files are elsewhere. */
async function databaseOnSmallDisk(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ticketing-full-'));
  const server = await startEmbeddedPostgres(folder);
  atEnd(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const space = join(disk, 'space');
  mkdirSync(space);
  const { uid, gid } = statSync(join(folder, 'postgres'));
  chownSync(disk, uid, gid);
  chownSync(space, uid, gid);
  await runOn(server.dsn, `CREATE TABLESPACE small LOCATION '${space}'`);
  await createDatabase(server.dsn, 'small');
  const dsn = dsnFor(server.dsn, 'small');
  await runOn(server.dsn, 'ALTER DATABASE small SET TABLESPACE small');
  return dsn;
}

// Without the right to mount, test/slow/database-unfit.test.ts has PostgreSQL answer as it does on a full disk.
describe.runIf(isMounted)('read-only-server: a database whose disk is full', () => {
  test('it is reported as down with the first refused order, and is used again when there is room', async () => {
    const { app, ...platform } = await startPlatformApp({ POSTGRES_DSN: await databaseOnSmallDisk() });
    const token = await platform.issuer.token(randomUUID(), {}, { expiresIn: 3_600 });
    const place = () => app.call('POST', '/api/order', { token, body: platform.request() });
    const health = () => app.call('GET', '/api/order/health');
    expect((await place()).status).toBe(201);

    const filler = join(disk, 'filler');
    await fillDisk(filler);
    const refused = await until('an order finds no page with room', async () => {
      const answer = await place();
      return answer.status !== 201 && answer;
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    await until('health reports it', async () => (await health()).status === 503);
    expect((await app.call('GET', '/metrics')).text).toContain('\nticketing_database_up 0\n');

    await rm(filler);
    await until('health reports that there is room', async () => (await health()).status === 200);
    expect((await place()).status).toBe(201);
    expect((await app.call('GET', '/metrics')).text).toContain('\nticketing_database_up 1\n');
  });
});
