import { createServer } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { instant } from '../../../src/kernel/clock.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { createLeader } from '../../../src/platform/postgres/leader.ts';
import { atEnd } from '../../support/at-end.ts';
import { LKR } from '../../support/currencies.ts';
import { type Link, openLink } from '../../support/link.ts';
import { emptyDatabase, openTestDatabase } from '../../support/own-database.ts';
import { until } from '../../support/servers.ts';

let dsn: string;
let database: Database;
/** A message of a server; see https://www.postgresql.org/docs/current/protocol-message-formats.html. */
function message(type: string, content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(length.length + content.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(content, 'latin1')]);
}
const ENDED = message('E', 'SFATAL\0C57P01\0Mterminating connection\0\0');

const statement = (text: string) => ({ name: text.slice(0, 60), text });

beforeAll(async () => {
  dsn = await emptyDatabase();
  database = openTestDatabase(dsn);
  await database.rows(statement('CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL)'), []);
  await database.rows(statement('INSERT INTO things VALUES (1, 0), (2, 0)'), []);
});

describe('values of the database', () => {
  test('they are epoch milliseconds for times, numbers for counts, and NUMERIC amounts of the currency', async () => {
    const [row] = await database.rows(
      statement(`SELECT '2026-11-24 03:17:15.905728+05:30'::timestamptz AS at, '0001-01-01 00:00:00+00'::timestamptz AS zero,
        count(*) AS n, 149.90::numeric AS price FROM things`),
      [],
    );
    expect(row).toEqual({
      at: Date.parse('2026-11-23T21:47:15.905Z'),
      zero: Date.parse('0001-01-01T00:00:00Z'),
      n: 2,
      price: 14_990,
    });
  });
});

test('they arrive in UTC and within the statement timeout, whatever options the address has', async () => {
  const address = new URL(dsn);
  address.searchParams.set('options', '-c search_path=elsewhere,public -c timezone=Asia/Colombo');
  const own = openTestDatabase(address.toString());
  const at = '2026-11-24 03:17:15.905+00';
  const [row] = await own.rows(
    statement(`SELECT '${at}'::timestamptz AS at, current_setting('search_path') AS path,
      current_setting('statement_timeout') AS timeout`),
    [],
  );
  expect(row).toEqual({ at: Date.parse(at), path: 'elsewhere,public', timeout: '10s' });
});

describe('a transaction', () => {
  const count = async () =>
    (await database.rows<{ n: number }>(statement('SELECT count(*) AS n FROM things'), []))[0]?.n;

  test('it commits what resolves, and nothing of what throws', async () => {
    const before = await count();
    await expect(
      database.transaction(async (tx) => {
        await tx.rows(statement('INSERT INTO things VALUES ($1, 0)'), [10]);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await count()).toBe(before);
    await database.transaction((tx) => tx.rows(statement('INSERT INTO things VALUES ($1, 0)'), [11]));
    expect(await count()).toBe((before ?? 0) + 1);
  });

  test('it fails when its connection breaks between two statements, and the process survives', async () => {
    const whoAmI = statement('SELECT pg_backend_pid() AS pid');
    const broken = database.transaction(async (tx) => {
      const [row] = await tx.rows<{ pid: number }>(whoAmI, []);
      await database.rows(statement('SELECT pg_terminate_backend($1)'), [row?.pid]);
      await until('the server has ended the connection', async () => {
        const alive = statement('SELECT FROM pg_stat_activity WHERE pid = $1');
        return (await database.rows(alive, [row?.pid])).length === 0;
      });
      await tx.rows(statement('SELECT 1'), []);
    });
    await expect(broken).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await count()).toBeGreaterThan(0);
  });

  test('it runs again when it loses a deadlock', async () => {
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    let runs = 0;
    const lockInOrder = (first: number, second: number) =>
      database.transaction(async (tx) => {
        runs += 1;
        await tx.rows(statement('UPDATE things SET n = n + 1 WHERE id = $1'), [first]);
        arrived += 1;
        if (arrived === 2) both.resolve();
        await both.promise;
        await tx.rows(statement('UPDATE things SET n = n + 1 WHERE id = $1'), [second]);
      });
    await Promise.all([lockInOrder(1, 2), lockInOrder(2, 1)]);
    // On a busy machine both may lose, or the repeated one may lose once more.
    expect(runs).toBeGreaterThanOrEqual(3);
    expect(await database.rows(statement('SELECT n FROM things WHERE id < 3 ORDER BY id'), [])).toEqual([
      { n: 2 },
      { n: 2 },
    ]);
  });
});

describe('a database that is unavailable', () => {
  test('it is reported as unavailable, within bounds', async () => {
    const unreachable = openTestDatabase('postgres://user:hidden@127.0.0.1:1/none');
    await expect(unreachable.rows(statement('SELECT 1'), [])).rejects.toMatchObject({ code: 'database_unavailable' });
    const refused = unreachable.transaction(async () => undefined);
    await expect(refused).rejects.toMatchObject({ code: 'database_unavailable' });
    await expect(unreachable.ping(500)).rejects.toThrow();
  });

  test.each(['a statement', 'a transaction', 'a ping'])(
    'the process survives when the server ends the connection of %s as soon as it is ready',
    async (kind) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), ENDED])));
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      onTestFinished(() => void server.close());
      const { port } = server.address() as { port: number };
      const ending = openTestDatabase(`postgres://u:p@127.0.0.1:${port}/none?sslmode=disable`);
      const works: Record<string, () => Promise<unknown>> = {
        'a statement': () => ending.rows(statement('SELECT 1'), []),
        'a transaction': () => ending.transaction(async () => undefined),
        'a ping': () => ending.ping(5_000),
      };
      await expect(works[kind]?.()).rejects.toThrow();
    },
  );

  test('a ping of a slow database is given up', async () => {
    const gate = Promise.withResolvers<void>();
    const busy = Array.from({ length: 4 }, () => database.transaction(() => gate.promise));
    await expect(database.ping(20)).rejects.toThrow('no answer within 20 ms');
    gate.resolve();
    await Promise.all(busy);
    await database.ping(5_000);
  });
});

test('a server that answers other queries is up, though its ping waits behind them', async () => {
  const one = openTestDatabase(dsn, 1);
  let answered = 0;
  const pauses = Array.from({ length: 40 }, async () => {
    await one.rows(statement('SELECT pg_sleep(0.05)'), []);
    answered += 1;
  });
  await one.ping(300);
  expect(answered).toBeLessThan(pauses.length);
  await Promise.all(pauses);
});

test('a batch of a long answer may take longer than a statement, on the server and for the reader', async () => {
  const options = { currency: LKR, dsn, maxConnections: 1, onIdleError: () => undefined };
  const hurried = openDatabase({ ...options, statementTimeoutMs: 50 });
  atEnd(() => hurried.close());
  const slow = statement('SELECT 1 AS n FROM (SELECT pg_sleep(1.2)) slept');
  await expect(hurried.rows(slow, [])).rejects.toThrow();
  const batches = [];
  for await (const batch of hurried.stream(slow, [])) batches.push(batch);
  expect(batches).toEqual([[{ n: 1 }]]);
  await expect(hurried.rows(slow, [])).rejects.toThrow();
});

describe('a connection that is cut silently', () => {
  const CUT_MS = 300;
  let link: Link;
  let far: Database;

  beforeAll(async () => {
    link = await openLink(Number(new URL(dsn).port));
    atEnd(() => link.close());
    const through = new URL(dsn);
    through.host = link.address;
    const options = { currency: LKR, dsn: through.toString(), maxConnections: 4, onIdleError: () => undefined };
    far = openDatabase({ ...options, statementTimeoutMs: CUT_MS });
    atEnd(() => far.close());
  });

  test('its statements and transactions end while it is still silent, and the next ones are answered', async () => {
    await Promise.all(Array.from({ length: 4 }, () => far.rows(statement('SELECT pg_sleep(0.1)'), [])));
    link.silence();
    const failures: unknown[] = [];
    const noted = (work: Promise<unknown>) => work.catch((error: unknown) => failures.push(error));
    void noted(far.rows(statement('SELECT 1'), []));
    void noted(far.transaction((tx) => tx.rows(statement('SELECT 1'), [])));
    const pinged = expect(far.ping(200)).rejects.toThrow();
    // Without a limit of the service they would end when the operating system gives the connection up, after minutes.
    await until('both have ended', () => failures.length === 2).finally(() => link.heal());
    expect(failures).toMatchObject(Array(2).fill({ code: 'database_unavailable' }));
    await pinged;
    await until('it answers', () => far.rows(statement('SELECT 1'), []).catch(() => undefined));
  });
});

test('one of two replicas leads, and the other takes over when it leaves', async () => {
  const clock = { now: () => instant(performance.now()) };
  const [first, second] = [createLeader({ dsn, lock: 7, clock }), createLeader({ dsn, lock: 7, clock })];
  expect(await first.leads()).toBe(true);
  expect(await second.leads()).toBe(false);
  expect(await first.leads()).toBe(true);
  await first.close();
  await until('the second leads', () => second.leads());
  await database.rows(
    statement(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ms-ticketing leader'`),
    [],
  );
  await until('it notices that its connection is lost, and leads again', async () => {
    const [row] = await database.rows<{ n: number }>(
      statement(`SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted`),
      [],
    );
    return (await second.leads().catch(() => false)) && row?.n === 1;
  });
  await second.close();
});
