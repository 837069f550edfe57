import { describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { type Link, openLink } from '../support/link.ts';
import { testDatabase } from '../support/own-database.ts';
import { until } from '../support/servers.ts';
import { type ReadProcess, startRead, startServiceProcess } from '../support/service-process.ts';
import { call, startTestApp } from '../support/test-app.ts';

const PASSWORD_OF = (dsn: string) => new URL(dsn).password;

const NOWHERE = '127.0.0.1:1';
/** Every server but PostgreSQL is configured, and none is there. */
const ALL_LATE = {
  REDIS_ADDR: NOWHERE,
  KAFKA_ADDR: NOWHERE,
  OIDC_ISSUER: `http://${NOWHERE}/realms/event-ticketing`,
  TICKET_CLIENT_SECRET: 'secret-of-the-client',
  EVENT_QUERY_SERVICE_URL: `http://${NOWHERE}/query`,
  EVENT_SEATING_SERVICE_URL: `http://${NOWHERE}/seating`,
  STRIPE_SECRET_KEY: 'sk_test_nobody',
  STRIPE_WEBHOOK_SECRET: 'whsec_test',
  STRIPE_API_BASE: `http://${NOWHERE}`,
  QR_SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
};

/** A database that is reached over a line that is down. */
async function lateDatabase(): Promise<{ readonly link: Link; readonly dsn: string }> {
  const dsn = new URL(await testDatabase());
  const link = await openLink(Number(dsn.port));
  atEnd(() => link.close());
  link.refuse();
  dsn.host = link.address;
  return { link, dsn: dsn.toString() };
}

/** Returns what it says when it waits, once it has said it. */
async function untilItWaits({ output }: ReadProcess, link: Link): Promise<string> {
  const waits = `PostgreSQL at ${link.address} does not answer yet`;
  await until('it says that it waits', () => output().includes(waits), 60_000);
  return waits;
}

describe('database-late', () => {
  test.each([
    ['migrating', { AUTO_MIGRATE: 'true' }],
    ['not migrating', { AUTO_MIGRATE: 'false' }],
  ])('a start waits for PostgreSQL, says so once, and goes on when it is there (%s)', async (_how, env) => {
    const { link, dsn } = await lateDatabase();
    const service = await startServiceProcess({ POSTGRES_DSN: dsn, ...env });
    const waits = await untilItWaits(service, link);
    link.heal();
    const url = await service.url();
    expect((await call(url, 'GET', '/api/order/health')).body.database.status).toBe('UP');
    expect(service.output().split(waits)).toHaveLength(2);
    expect(service.output().split(`PostgreSQL at ${link.address} answers; the start continues`)).toHaveLength(2);
    expect(service.output()).not.toContain(PASSWORD_OF(dsn));
  });

  // As the first process of a container it would be deaf to a signal that it does not listen for.
  test('a start that waits ends with 0 on SIGTERM, and logs that', async () => {
    const { link, dsn } = await lateDatabase();
    const service = await startServiceProcess({ POSTGRES_DSN: dsn, DATABASE_WAIT_SECONDS: '600' });
    await untilItWaits(service, link);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain('told to stop before it was up');
  });

  test('a start gives up after DATABASE_WAIT_SECONDS, in one line without the password', async () => {
    const { link, dsn } = await lateDatabase();
    const service = await startServiceProcess({ POSTGRES_DSN: dsn, DATABASE_WAIT_SECONDS: '0.6', LOG_LEVEL: 'error' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(
      new RegExp(
        `^PostgreSQL at ${link.address} did not answer within 0\\.6 s \\(DATABASE_WAIT_SECONDS\\): .+\\. Start it, or correct POSTGRES_DSN\\.\\n$`,
      ),
    );
    expect(service.output()).not.toContain(PASSWORD_OF(dsn));
  });

  test('a migration by hand waits as a start does', async () => {
    const { link, dsn } = await lateDatabase();
    const migration = startRead(process.execPath, ['scripts/migrate.ts', '-a', 'up'], { POSTGRES_DSN: dsn });
    await untilItWaits(migration, link);
    link.heal();
    expect(await migration.ended).toBe(0);
    expect(migration.output()).toContain('answers; the start continues');
  });

  test('it does not wait for a server that refuses the login', async () => {
    const dsn = new URL(await testDatabase());
    dsn.password = 'not-the-password';
    const service = await startServiceProcess({ POSTGRES_DSN: dsn.toString(), DATABASE_WAIT_SECONDS: '3600' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('password authentication failed');
    expect(service.output()).not.toContain('not-the-password');
  });

  test('several workers wait as one process does, before any of them starts', async () => {
    const { link, dsn } = await lateDatabase();
    const service = await startServiceProcess({ POSTGRES_DSN: dsn, WEB_CONCURRENCY: '2', ...ALL_LATE });
    const waits = await untilItWaits(service, link);
    link.heal();
    await until('it goes on', () => service.output().includes('answers; the start continues'), 60_000);
    service.child.kill('SIGTERM');
    await service.ended;
    expect(service.output().split(waits)).toHaveLength(2);
  });

  test('a start does not wait for Redis, Kafka, Keycloak, the seating services or Stripe', async () => {
    const app = await startTestApp(ALL_LATE, {}, { background: false });
    const { status, body } = await app.call('GET', '/api/order/health');
    expect(status).toBe(200);
    for (const server of ['redis', 'kafka', 'identity', 'seating', 'stripe'])
      expect(body[server]).toEqual({ status: 'DOWN', embedded: false });
  });
});
