import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { later } from '../../../src/kernel/clock.ts';
import { as, type OrderId, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';
import { countingEnd } from '../../contract/sales-signal.contract.ts';
import { bareEnvironment } from '../../support/child-server.ts';
import { testFolder } from '../../support/folders.ts';
import { emptyDatabase } from '../../support/own-database.ts';
import { patience } from '../../support/patience.ts';
import { type OpenedRedis, openTestRedis, systemClock } from '../../support/redis-opened.ts';
import { startRedis } from '../../support/redis-server.ts';
import { succeeds, until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

const CHECK_MS = 900;
const PASSWORD = 'a-password-that-is-not-logged';

/** The answer to a hold: `held` by Redis, or `undecided` without it. */
async function holdOnce({ holds, answers }: OpenedRedis): Promise<string | undefined> {
  const [session, seat, order] = [randomUUID(), randomUUID(), randomUUID()];
  await holds.hold(as<SessionId>(session), [as<SeatId>(seat)], as<OrderId>(order), later(systemClock.now(), 15_000));
  return answers.at(-1);
}

const isUp = (redis: OpenedRedis) => succeeds(redis.check(CHECK_MS));

const usedAgain = (redis: OpenedRedis) => until('it is used again', async () => (await holdOnce(redis)) === 'held');

describe('authentication and rights', () => {
  test('a password gives access; a wrong one or none does not, and is not logged', async () => {
    const server = await startRedis(['--requirepass', PASSWORD], ['-a', PASSWORD, '--no-auth-warning']);
    const open = (env: Record<string, string>) => openTestRedis({ REDIS_ADDR: server.address, ...env });
    const right = await open({ REDIS_PASSWORD: PASSWORD });
    expect([await holdOnce(right), await isUp(right)]).toEqual(['held', true]);
    for (const env of [{ REDIS_PASSWORD: `${PASSWORD}-not` }, {}]) {
      const wrong = await open(env);
      for (let tries = 0; tries < 5; tries += 1) expect(await holdOnce(wrong)).toBe('undecided');
      expect(await isUp(wrong)).toBe(false);
      expect(wrong.circuit).toEqual([false, true]);
      expect(wrong.log.join('')).toMatch(/WRONGPASS|NOAUTH/);
      expect(wrong.log.join('')).not.toContain(PASSWORD);
    }
  });

  test('a user needs no more than these rights', async () => {
    const server = await startRedis();
    const commands = 'hello ping info client get set del pttl pexpire eval evalsha publish subscribe'.split(' ');
    const rights = ['~seat_lock:*', '~m2m_token*', '&ticketing_sales', ...commands.map((name) => `+${name}`)];
    await server.cli('acl', 'setuser', 'ticketing', 'on', `>${PASSWORD}`, ...rights);
    const redis = await openTestRedis({
      REDIS_ADDR: server.address,
      REDIS_USERNAME: 'ticketing',
      REDIS_PASSWORD: PASSWORD,
    });
    expect([await holdOnce(redis), await isUp(redis)]).toEqual(['held', true]);
    const token = { token: 'x', expiresAt: later(systemClock.now(), 60_000) };
    await redis.tokens.keep(token);
    expect(await redis.tokens.read()).toEqual(token);
    expect([await redis.tokens.claim(5_000), await redis.tokens.claim(5_000)]).toEqual([true, false]);
    await redis.tokens.unclaim();
    expect(await redis.tokens.claim(5_000)).toBe(true);
    const end = countingEnd((callbacks) => redis.signal({ channel: 'ticketing_sales', ...callbacks }));
    await end.signal.listen();
    await until('it listens', () => end.received() === 1);
    await end.signal.send();
    await until('it receives the next one', () => end.received() === 2);
    await end.signal.close();
    await redis.tokens.forget('x');
    expect(await redis.tokens.read()).toBeUndefined();
  });
});

describe('a server that answers a ping but takes no hold is DOWN, and used again when it takes holds', () => {
  test('when it is a replica', async () => {
    const [primary, server] = [await startRedis(), await startRedis()];
    const redis = await openTestRedis({ REDIS_ADDR: server.address });
    await server.cli('replicaof', ...primary.address.split(':'));
    await until('it is a replica', async () => !(await isUp(redis)));
    expect(await server.cli('ping')).toBe('PONG');
    expect(await holdOnce(redis)).toBe('undecided');
    await server.cli('replicaof', 'no', 'one');
    await usedAgain(redis);
    expect(await isUp(redis)).toBe(true);
  });

  test('when it is full', async () => {
    const server = await startRedis();
    const redis = await openTestRedis({ REDIS_ADDR: server.address });
    await server.cli('config', 'set', 'maxmemory', '1');
    expect([await holdOnce(redis), await isUp(redis)]).toEqual(['undecided', false]);
    await server.cli('config', 'set', 'maxmemory', '0');
    await usedAgain(redis);
    expect(await isUp(redis)).toBe(true);
  });

  test('when it is a cluster’s node used as a single server', async () => {
    const server = await startRedis(['--cluster-enabled', 'yes']);
    const redis = await openTestRedis({ REDIS_ADDR: server.address });
    expect([await holdOnce(redis), await isUp(redis)]).toEqual(['undecided', false]);
  });
});

test('a Redis that is unavailable at the start is used once it is available', async () => {
  const server = await startRedis();
  await server.kill();
  const from = performance.now();
  const redis = await openTestRedis({ REDIS_ADDR: server.address });
  expect(performance.now() - from).toBeLessThan(patience(4_000));
  expect([await holdOnce(redis), await isUp(redis)]).toEqual(['undecided', false]);
  await server.start();
  await usedAgain(redis);
});

test('over TLS the service is up with the CA and down without it, and says which', async () => {
  const folder = await testFolder();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
  const tls = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
  const server = await startRedis([...tls, '--tls-auth-clients', 'no'], ['--tls', '--insecure']);

  for (const [ca, status] of [
    [{ NODE_EXTRA_CA_CERTS: certificate }, 'UP'],
    [{}, 'DOWN'],
  ] as const) {
    const output = await startService({
      POSTGRES_DSN: await emptyDatabase(),
      DATA_DIR: join(folder, status),
      REDIS_ADDR: server.address,
      REDIS_TLS: 'true',
      ...ca,
    });
    const url = await until('it is up', () => /is up: (http\S+)/.exec(output())?.[1], 30_000);
    expect(output()).toMatch(/"real":\[[^\]]*"Redis"/);
    const { body } = await call(url.replace('localhost', '127.0.0.1'), 'GET', '/api/order/health');
    expect(body).toMatchObject({ status: 'UP', redis: { status, embedded: false } });
  }
});

/** The service’s process, ended after the test, with what it has printed so far. */
async function startService(env: Record<string, string>): Promise<() => string> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { ...bareEnvironment(), PORT: '0', DRAIN_DELAY_SECONDS: '0', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await closed;
  });
  return () => output;
}
