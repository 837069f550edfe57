import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { instant } from '../../src/kernel/clock.ts';
import { createLeader } from '../../src/platform/postgres/leader.ts';
import { migrationVersion } from '../../src/platform/postgres/migrations.ts';
import { waitForDatabase } from '../../src/platform/postgres/startup.ts';
import { atEnd } from '../support/at-end.ts';
import { openTestDatabase } from '../support/own-database.ts';
import { until } from '../support/servers.ts';

const IS_TLS = { name: 'is-tls', text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' };
let folder: string;
let dsn: string;

const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

/** A certificate of its own authority, for the address 127.0.0.1 and no name. */
function certificate(name: string): void {
  const subject = ['-subj', '/CN=ticketing', '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`, ...subject);
}

/** The server’s settings, as its operator changes them; `hba` is the only line of pg_hba.conf. */
async function serve(ssl: 'on' | 'off', hba: 'host' | 'hostssl'): Promise<void> {
  const operator = openTestDatabase(`${dsn}?sslmode=prefer`, 1);
  const line = `COPY (SELECT '${hba} all all 127.0.0.1/32 scram-sha-256') TO '${join(folder, 'postgres', 'pg_hba.conf')}'`;
  for (const text of [`ALTER SYSTEM SET ssl = ${ssl}`, line, 'SELECT pg_reload_conf()'])
    await operator.rows({ name: text.slice(0, 60), text }, []);
  await until('the server has its settings', async () => (await isEncrypted('sslmode=prefer')) === (ssl === 'on'));
}

/** Whether a statement goes over TLS; rejects when the connection is refused. */
async function isEncrypted(query: string, host = '127.0.0.1'): Promise<boolean | undefined> {
  const address = new URL(`${dsn}?${query}`);
  address.hostname = host;
  const [row] = await openTestDatabase(address.toString(), 1).rows<{ ssl: boolean }>(IS_TLS, []);
  return row?.ssl;
}

const withRoot = (mode: string, root = 'server') => `sslmode=${mode}&sslrootcert=${join(folder, `${root}.crt`)}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticketing-tls-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const server = await startEmbeddedPostgres(folder);
  atEnd(() => server.close());
  dsn = server.dsn;
  certificate('server');
  certificate('other');
  const { uid, gid } = statSync(join(folder, 'postgres'));
  for (const file of ['server.key', 'server.crt']) {
    copyFileSync(join(folder, file), join(folder, 'postgres', file));
    chownSync(join(folder, 'postgres', file), uid, gid);
  }
});

describe('tls-as-libpq: a server with TLS', () => {
  beforeAll(() => serve('on', 'host'));

  test.each([
    ['', true],
    ['sslmode=disable', false],
    ['sslmode=allow', false],
    ['sslmode=prefer', true],
    ['sslmode=require', true],
    ['sslmode=require&sslnegotiation=direct', true],
  ])('%s: encrypted %s', async (query, encrypted) => {
    expect(await isEncrypted(query)).toBe(encrypted);
  });

  test('its authority is checked when it is named, and its name only by verify-full', async () => {
    for (const mode of ['require', 'verify-ca']) {
      expect(await isEncrypted(withRoot(mode))).toBe(true);
      expect(await isEncrypted(withRoot(mode), 'localhost')).toBe(true);
      await expect(isEncrypted(withRoot(mode, 'other'))).rejects.toMatchObject({ code: 'database_unavailable' });
    }
    expect(await isEncrypted(withRoot('verify-full'))).toBe(true);
    await expect(isEncrypted(withRoot('verify-full'), 'localhost')).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    await expect(isEncrypted('sslmode=verify-full')).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await isEncrypted(withRoot('prefer', 'other'))).toBe(false);
  });

  test('a start says what to do about a certificate that is not trusted', async () => {
    const start = waitForDatabase({ dsn: `${dsn}?sslmode=verify-full`, maxWaitMs: 0, log: console });
    await expect(start).rejects.toThrow(/self-signed certificate\. .*set sslrootcert to the PEM file of its authority/);
  });
});

describe('tls-as-libpq: a server that takes connections over TLS alone', () => {
  beforeAll(() => serve('on', 'hostssl'));

  test('every connection of the service reaches it, also where TLS is only allowed', async () => {
    const allow = `${dsn}?sslmode=allow`;
    expect(await isEncrypted('sslmode=allow')).toBe(true);
    expect(await migrationVersion(allow)).toBeUndefined();
    await waitForDatabase({ dsn: allow, maxWaitMs: 0, log: console });
    const leader = createLeader({ dsn: allow, lock: 9, clock: { now: () => instant(performance.now()) } });
    expect(await leader.leads()).toBe(true);
    await leader.close();
    await expect(isEncrypted('sslmode=disable')).rejects.toMatchObject({ code: 'database_unavailable' });
  });
});

describe('tls-as-libpq: a server without TLS', () => {
  test('it is used where TLS is only preferred, also by connections that began with TLS', async () => {
    await serve('on', 'host');
    const database = openTestDatabase(dsn, 2);
    const isTls = async () => (await database.rows<{ ssl: boolean }>(IS_TLS, []))[0]?.ssl;
    expect(await isTls()).toBe(true);
    await serve('off', 'host');
    await database
      .rows({ name: 'end', text: 'SELECT pg_terminate_backend(pg_backend_pid())' }, [])
      .catch(() => undefined);
    expect(await isTls()).toBe(false);
    for (const query of ['', 'sslmode=prefer', 'sslmode=allow']) expect(await isEncrypted(query)).toBe(false);
  });

  test('it is refused where TLS is required, with what to do', async () => {
    await expect(isEncrypted('sslmode=require')).rejects.toMatchObject({ code: 'database_unavailable' });
    const start = waitForDatabase({ dsn: `${dsn}?sslmode=require`, maxWaitMs: 0, log: console });
    await expect(start).rejects.toThrow('It offers no TLS: switch it on there (ssl = on), or set sslmode=prefer.');
  });
});
