import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { instant } from '../../src/kernel/clock.ts';
import { openDatabase } from '../../src/platform/postgres/database.ts';
import { createLeader } from '../../src/platform/postgres/leader.ts';
import { migrateUp } from '../../src/platform/postgres/migrations.ts';
import { atEnd } from '../support/at-end.ts';
import { LKR } from '../support/currencies.ts';
import { runOn, sql } from '../support/databases.ts';
import { samplesWith } from '../support/metrics.ts';
import { openTestDatabase } from '../support/own-database.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { startStandby } from '../support/standby.ts';

let platform: PlatformApp;
let dsn: string;
let buyer: string;

// A server of its own, because some of these settings apply to all of its databases.
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-unfit-'));
  const server = await startEmbeddedPostgres(folder);
  atEnd(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  dsn = server.dsn;
  await migrateUp({ dsn, dir: 'migrations' });
  platform = await startPlatformApp({ POSTGRES_DSN: dsn });
  buyer = await platform.issuer.token(randomUUID(), {}, { expiresIn: 3_600 });
});

/** SQL of an operator, who may write whatever the settings say. */
const asOperator = async (...statements: readonly string[]) => {
  const operator = new URL(dsn);
  operator.searchParams.set('options', '-c default_transaction_read_only=off');
  for (const statement of statements) await runOn(operator.toString(), statement);
};
const place = () => platform.app.call('POST', '/api/order', { token: buyer, body: platform.request() });
const health = () => platform.app.call('GET', '/api/order/health');
const isUp = async (up: boolean) => (await health()).status === (up ? 200 : 503);

/** Orders are refused as the contract says, and health and metrics report the database as down. */
async function expectKnownAsDown(): Promise<void> {
  const refused = await place();
  expect(refused.status, refused.text).toBe(503);
  expect(refused.body.code).toBe('database_unavailable');
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await until('health says that the database is down', () => isUp(false));
  expect((await health()).body).toMatchObject({ status: 'DOWN', database: { status: 'DOWN' } });
  await samplesWith(platform.app, { ticketing_database_up: 0 });
}

async function expectGoesOn(): Promise<void> {
  await until('health says that the database is up', () => isUp(true));
  await samplesWith(platform.app, { ticketing_database_up: 1 });
  await until('orders are placed again', async () => (await place()).status === 201);
}

describe('read-only-server, read-only-database', () => {
  test.each([
    ['the whole server', 'ALTER SYSTEM SET default_transaction_read_only = on', 'ALTER SYSTEM RESET ALL'],
    [
      'the database',
      'ALTER DATABASE ticketing SET default_transaction_read_only = on',
      'ALTER DATABASE ticketing RESET ALL',
    ],
    ['the role', 'ALTER ROLE ticketing SET default_transaction_read_only = on', 'ALTER ROLE ticketing RESET ALL'],
    [
      'the role in the database',
      'ALTER ROLE ticketing IN DATABASE ticketing SET default_transaction_read_only = on',
      'ALTER ROLE ticketing IN DATABASE ticketing RESET ALL',
    ],
  ])('it is down while %s is read-only, and recovers afterwards', async (_what, readOnly, normal) => {
    try {
      // A setting of a database applies to new connections, and the pool’s end as they do when a primary is demoted.
      await asOperator(readOnly, 'SELECT pg_reload_conf()', CUT);
      await expectKnownAsDown();
    } finally {
      await asOperator(normal, 'SELECT pg_reload_conf()');
    }
    await expectGoesOn();
  });

  test.each(['DATABASE ticketing', 'ROLE ticketing', 'ROLE ticketing IN DATABASE ticketing'])(
    'it is down as soon as ALTER %s makes new connections read-only, though it keeps its own',
    async (scope) => {
      try {
        await asOperator(`ALTER ${scope} SET default_transaction_read_only = on`);
        await until('health says that the database is down', () => isUp(false));
        expect(await isUp(false)).toBe(true);
        await samplesWith(platform.app, { ticketing_database_up: 0 });
      } finally {
        await asOperator(`ALTER ${scope} RESET ALL`);
      }
      await expectGoesOn();
    },
  );

  test('an address that overrides the setting is believed', async () => {
    const writable = new URL(dsn);
    writable.searchParams.set('options', '-c default_transaction_read_only=off');
    const database = openTestDatabase(writable.toString(), 1);
    try {
      await asOperator('ALTER DATABASE ticketing SET default_transaction_read_only = on');
      await database.ping(2_000);
    } finally {
      await asOperator('ALTER DATABASE ticketing RESET ALL');
    }
    await expectGoesOn();
  });

  test('a leader steps down on a read-only database, no replica leads there, and one leads again afterwards', async () => {
    let now = 0;
    const leader = createLeader({ dsn, lock: 8, clock: { now: () => instant(now) } });
    const leads = () => {
      // A replica asks once after every pause.
      now += 60_000;
      return leader.leads();
    };
    expect(await leads()).toBe(true);
    try {
      await asOperator('ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');
      await until('it steps down', async () => !(await leads()));
      expect(await leads()).toBe(false);
    } finally {
      await asOperator('ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()');
    }
    await until('it leads again', leads);
    await leader.close();
    await expectGoesOn();
  });

  test('connections that found a read-only server are discarded, including those in transactions', async () => {
    const pids = async () =>
      new Set(
        (
          await sql<{ pid: number }>(
            dsn,
            `SELECT pid FROM pg_stat_activity WHERE application_name = 'ms-ticketing' AND datname = 'ticketing'`,
          )
        ).map(({ pid }) => pid),
      );
    const database = openDatabase({ currency: LKR, dsn, maxConnections: 1, onIdleError: () => undefined });
    const pidOf = async () => {
      const [row] = await database.rows<{ pid: number }>({ name: 'pid', text: 'SELECT pg_backend_pid() AS pid' }, []);
      return row?.pid ?? 0;
    };
    const before = await pidOf();
    const writing = database.transaction(async (tx) => {
      await tx.rows({ name: 'read-only', text: 'SET TRANSACTION READ ONLY' }, []);
      await tx.rows({ name: 'write', text: "INSERT INTO write_trials VALUES ('x')" }, []);
    });
    await expect(writing).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await pidOf()).not.toBe(before);
    await until('the connection has ended', async () => !(await pids()).has(before));
    await database.close();
  });
});

describe('read-only-server: a server that cannot do the work', () => {
  const refuse = (code: string, table: string) =>
    asOperator(
      `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'cannot' USING ERRCODE = '${code}'; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
  const allow = () =>
    asOperator('DROP TRIGGER IF EXISTS refuse ON orders; DROP TRIGGER IF EXISTS refuse ON write_trials');

  afterEach(allow);

  test.each([
    ['53100', 'a full disk'],
    ['53200', 'no memory'],
    ['53000', 'no resources'],
    ['58030', 'a file that cannot be read or written'],
    ['58000', 'an error of its system'],
    ['25006', 'a read-only transaction'],
  ])('it is down after SQLSTATE %s (%s), until a write goes through', async (code) => {
    await refuse(code, 'orders');
    await refuse(code, 'write_trials');
    await expectKnownAsDown();
    await allow();
    await expectGoesOn();
  });

  test('it stays up after an error that does not concern the server', async () => {
    await refuse('P0001', 'orders');
    expect((await place()).status).toBe(500);
    expect(await isUp(true)).toBe(true);
    await allow();
    await expectGoesOn();
  });
});

describe('read-only-database: a server that refuses new connections', () => {
  test.each([
    ['another password', `ALTER ROLE ticketing PASSWORD 'another'`],
    ['a role that may not log in', 'ALTER ROLE ticketing NOLOGIN'],
  ])('it is down after %s, and not a fault of this service', async (_what, refuse) => {
    const { password } = new URL(dsn);
    await asOperator(`CREATE ROLE rescuer SUPERUSER LOGIN PASSWORD '${password}'`);
    const rescuer = new URL(dsn);
    rescuer.username = 'rescuer';
    try {
      await asOperator(refuse);
      await runOn(rescuer.toString(), CUT);
      await expectKnownAsDown();
    } finally {
      await runOn(rescuer.toString(), `ALTER ROLE ticketing LOGIN PASSWORD '${password}'`);
      await asOperator('DROP ROLE rescuer');
    }
    await expectGoesOn();
  });
});

describe('read-only-server: a start on a standby', () => {
  test('it is refused with one line that says what to do, with and without migrations, and works after promotion', async () => {
    const standby = await startStandby();
    const env = { POSTGRES_DSN: standby.dsn, LOG_LEVEL: 'error' };
    const starts = await Promise.all(
      ['true', 'false'].map((AUTO_MIGRATE) => startServiceProcess({ ...env, AUTO_MIGRATE })),
    );
    for (const { ended, output } of starts) {
      expect(await ended).toBe(1);
      const { host, password } = new URL(standby.dsn);
      expect(output()).toBe(
        `PostgreSQL at ${host} is a standby or read-only, and this service writes. Set POSTGRES_DSN to the primary, or promote this server (pg_promote()); a primary with default_transaction_read_only = on must have it off.\n`,
      );
      expect(output()).not.toContain(password);
    }
    await standby.promote();
    const started = await startServiceProcess({ ...env, AUTO_MIGRATE: 'false', LOG_LEVEL: 'info' });
    await started.url();
  });
});

const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = 'ticketing' AND pid <> pg_backend_pid()`;
