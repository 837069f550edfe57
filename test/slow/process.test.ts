import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { end, freePorts } from '../support/child-server.ts';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { testFolder } from '../support/folders.ts';
import { close, listen, until } from '../support/servers.ts';
import { type ReadProcess, startRead, startServiceProcess } from '../support/service-process.ts';
import { call, signIn } from '../support/test-app.ts';

/** `npm start`'s process, ended after the test. */
async function start(env: Record<string, string>, args: readonly string[] = []): Promise<ReadProcess> {
  const service = await startServiceProcess(env, args);
  onTestFinished(() => end(service.child, 'SIGTERM'));
  return service;
}

async function freePort(): Promise<string> {
  return String((await freePorts(1))[0]);
}

describe('the process', () => {
  test('on a terminal it prints what is embedded, its address and who may sign in, and Ctrl-C ends it cleanly', async () => {
    const command = `exec ${process.execPath} src/main.ts`;
    const env = { PORT: '0', DATA_DIR: await testFolder(), LOG_LEVEL: 'error', DRAIN_DELAY_SECONDS: '0' };
    // A pseudo-terminal: the process writes to a TTY, and typed control characters are signals.
    const terminal = startRead('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], env);
    await terminal.url();
    for (const word of [
      'PostgreSQL  embedded',
      'Stripe      embedded',
      '/docs',
      'buyer, buyer2, organiser, scanner, admin',
      'npm run demo',
    ]) {
      expect(terminal.output()).toContain(word);
    }
    terminal.child.stdin.write('\u0003');
    expect(await terminal.ended).toBe(0);
  });

  test('it finds its data again after a restart, and writes only JSON without a terminal', async () => {
    const DATA_DIR = await testFolder();
    const first = await start({ DATA_DIR, SEED_DATA: 'true' });
    const url = await first.url();
    expect((await call(url, 'GET', '/api/order/tickets/count')).body).toEqual({ total_count: 1 });
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const second = await start({ DATA_DIR });
    expect((await call(await second.url(), 'GET', '/api/order/tickets/count')).body).toEqual({ total_count: 1 });
    for (const line of first.output().trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ service: 'ms-ticketing', msg: expect.any(String) });
  });

  test('it recovers from SIGKILL with its orders, tokens and held seats', async () => {
    const DATA_DIR = await testFolder();
    const PORT = await freePort();
    const env = { PORT, DATA_DIR };
    const first = await start(env);
    const url = await first.url();
    const token = await signIn(url, 'buyer');
    const [body] = await ordersOfOneSeat(url, DEMO_SEATS_SEARCH, 1);
    expect((await call(url, 'POST', '/api/order', { token, body })).status).toBe(201);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');

    const second = await start(env);
    await second.url();
    const orders = await call(url, 'GET', '/api/order/user/orders', { token });
    expect(orders.body).toMatchObject([{ Status: 'pending', SessionID: body?.session_id }]);
    const again = await call(url, 'POST', '/api/order', { token, body });
    expect(again).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: body?.seat_ids } });
  });

  test('it answers requests during its start with 503, and starts all the same', async () => {
    const PORT = await freePort();
    const service = await start({ PORT });
    const seen = new Set<number>();
    await until('it answers', async () => {
      const answer = await call(`http://127.0.0.1:${PORT}`, 'GET', '/healthz').catch(() => undefined);
      if (answer) seen.add(answer.status);
      return answer?.status === 200;
    });
    expect(seen).toEqual(new Set([503, 200]));
    await service.url();
  });

  test('it exits with a code and one clear line when its port is taken', async () => {
    const blocker = createServer();
    const { port } = new URL(await listen(blocker));
    const service = await start({ PORT: port });
    expect(await service.ended).toBe(1);
    expect(service.output()).toBe(
      `Port ${port} is taken by another process. Stop that one, or choose another with PORT.\n`,
    );
    await close(blocker);
  });

  test('it exits with a code and one clear line when its data folder is in use, and the first process continues', async () => {
    const DATA_DIR = await testFolder();
    const first = await start({ DATA_DIR });
    const url = await first.url();
    const second = await start({ DATA_DIR });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/^\S+ is in use by another running service\. .+\n$/);
    expect((await call(url, 'GET', '/healthz')).text).toBe('OK');
  });

  test.each([
    [{ PORT: 'eighty' }, 'PORT: "eighty" is not allowed; it must be a whole number from 0 to 65535.\n'],
    [
      { LOG_LEVEL: 'loud' },
      'LOG_LEVEL: "loud" is not allowed; it must be one of trace, debug, info, warn, error, fatal, silent.\n',
    ],
    [{ QR_SECRET_KEY: 'c2hvcnQ=' }, /^QR_SECRET_KEY: .+base64 of 32 bytes.*\n$/],
    [
      { POSTGRES_DSN: 'mysql://user:hidden@host/db' },
      /^POSTGRES_DSN: the value set is not allowed; it must be .+postgres:\/\/.+\n$/,
    ],
    [
      { KAFKA_ADDR: '127.0.0.1:1', KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: '/nowhere/ca.pem' },
      /KAFKA_TLS_CA_FILE: \/nowhere\/ca\.pem cannot be read \(ENOENT\)\.\n$/,
    ],
    [
      { KAFKA_ADDR: '127.0.0.1:1', KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: 'package.json' },
      /KAFKA_TLS_CA_FILE: there is no certificate in package\.json\.\n$/,
    ],
    [
      { NODE_ENV: 'prod' },
      'NODE_ENV: "prod" is not allowed; it must be development, test or production; every server for real users is production.\n',
    ],
    [
      { NODE_ENV: 'production' },
      /^(.*\n)?NODE_ENV=production: refuses stand-ins\. Set POSTGRES_DSN \(PostgreSQL\), .+\n$/,
    ],
  ])('it exits with a code and one clear line for the bad variable %o', async (env, line) => {
    const service = await start(env as Record<string, string>);
    expect(await service.ended).toBe(1);
    if (typeof line === 'string') expect(service.output()).toBe(line);
    else expect(service.output()).toMatch(line);
    expect(service.output()).not.toContain('hidden');
  });

  test('it lists every variable with --help', async () => {
    const service = await start({}, ['--help']);
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain('SEAT_LOCK_TTL_MINUTES (5)');
  });
});
