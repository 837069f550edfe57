import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { bareEnvironment } from '../support/child-server.ts';
import { close, listen, until } from '../support/servers.ts';
import { call } from '../support/test-app.ts';

interface Service {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals>;
}

const running = new Set<Service>();
const folders: string[] = [];

async function dataDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-process-'));
  folders.push(folder);
  return join(folder, 'data');
}

/** `npm start`'s process with these variables and no others except PATH. */
function start(env: Record<string, string>, args: readonly string[] = []): Service {
  return run(process.execPath, ['src/main.ts', ...args], env);
}

function run(command: string, args: readonly string[], env: Record<string, string>): Service {
  const child = spawn(command, args, {
    env: { ...bareEnvironment(), DRAIN_DELAY_SECONDS: '0', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const service = { child, output: () => output, ended };
  running.add(service);
  ended.then(() => running.delete(service));
  return service;
}

async function urlOf(service: Service): Promise<string> {
  const url = await until(
    'the service says that it is up',
    () => /is up: (http\S+)/.exec(service.output())?.[1],
    30_000,
  );
  return url.replace('localhost', '127.0.0.1');
}

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGTERM');
    await ended;
  }
});

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe('the process', () => {
  test('on a terminal it prints what is embedded, its address and who may sign in, and Ctrl-C ends it cleanly', async () => {
    const command = `exec ${process.execPath} src/main.ts`;
    const env = { PORT: '0', DATA_DIR: await dataDir(), LOG_LEVEL: 'error' };
    // A pseudo-terminal: the process writes to a TTY, and typed control characters are signals.
    const terminal = run('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], env);
    await urlOf(terminal);
    for (const word of [
      'PostgreSQL  embedded',
      'Stripe      embedded',
      '/docs',
      'buyer, buyer2, organiser, scanner, admin',
      'npm run demo',
    ]) {
      expect(terminal.output()).toContain(word);
    }
    terminal.child.stdin?.write('\u0003');
    expect(await terminal.ended).toBe(0);
  });

  test('it finds its data again after a restart, and writes only JSON without a terminal', async () => {
    const DATA_DIR = await dataDir();
    const first = start({ PORT: '0', DATA_DIR, SEED_DATA: 'true' });
    const url = await urlOf(first);
    expect((await call(url, 'GET', '/api/order/tickets/count')).body).toEqual({ total_count: 1 });
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const second = start({ PORT: '0', DATA_DIR });
    expect((await call(await urlOf(second), 'GET', '/api/order/tickets/count')).body).toEqual({
      total_count: 1,
    });
    for (const line of first.output().trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ service: 'ms-ticketing', msg: expect.any(String) });
  });

  test('it recovers from SIGKILL with its orders, tokens and held seats', async () => {
    const DATA_DIR = await dataDir();
    const probe = createServer();
    const PORT = new URL(await listen(probe)).port;
    await close(probe);
    const env = { PORT, DATA_DIR };
    const first = start(env);
    const url = await urlOf(first);
    const token = await signIn(url);
    const body = await requestFor(url);
    expect((await call(url, 'POST', '/api/order', { token, body })).status).toBe(201);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');

    const second = start(env);
    await urlOf(second);
    const orders = await call(url, 'GET', '/api/order/user/orders', { token });
    expect(orders.body).toMatchObject([{ Status: 'pending', SessionID: body.session_id }]);
    const again = await call(url, 'POST', '/api/order', { token, body });
    expect(again).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: body.seat_ids } });
  });

  test('it answers requests during its start with 503, and starts all the same', async () => {
    const probe = createServer();
    const PORT = new URL(await listen(probe)).port;
    await close(probe);
    const service = start({ PORT, DATA_DIR: await dataDir() });
    const seen = new Set<number>();
    await until('it answers', async () => {
      const answer = await call(`http://127.0.0.1:${PORT}`, 'GET', '/healthz').catch(() => undefined);
      if (answer) seen.add(answer.status);
      return answer?.status === 200;
    });
    expect(seen).toEqual(new Set([503, 200]));
    await urlOf(service);
  });

  test('it exits with a code and one clear line when its port is taken', async () => {
    const blocker = createServer();
    const { port } = new URL(await listen(blocker));
    const service = start({ PORT: port, DATA_DIR: await dataDir() });
    expect(await service.ended).toBe(1);
    expect(service.output()).toBe(
      `Port ${port} is taken by another process. Stop that one, or choose another with PORT.\n`,
    );
    await close(blocker);
  });

  test('it exits with a code and one clear line when its data folder is in use, and the first process continues', async () => {
    const DATA_DIR = await dataDir();
    const first = start({ PORT: '0', DATA_DIR });
    const url = await urlOf(first);
    const second = start({ PORT: '0', DATA_DIR });
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
    const service = start({ PORT: '0', DATA_DIR: await dataDir(), ...(env as Record<string, string>) });
    expect(await service.ended).toBe(1);
    if (typeof line === 'string') expect(service.output()).toBe(line);
    else expect(service.output()).toMatch(line);
    expect(service.output()).not.toContain('hidden');
  });

  test('it lists every variable with --help', async () => {
    const service = start({}, ['--help']);
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain('SEAT_LOCK_TTL_MINUTES (5)');
  });
});

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/realms/event-ticketing/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'login-testing',
      username: 'buyer',
      password: 'demo',
    }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function requestFor(url: string) {
  const event = (await call(url, 'GET', '/api/event-query/v1/events/trending')).body[0];
  const session = (await call(url, 'GET', `/api/event-query/v1/events/${event.id}/sessions`)).body.content[0];
  const { body: map } = await call(url, 'GET', `/api/event-query/v1/sessions/${session.id}/seating-map`);
  const seat = map.layout.blocks.find(({ type }: { type: string }) => type === 'standing_capacity').seats[0];
  return {
    session_id: session.id,
    event_id: event.id,
    organization_id: event.organizationId,
    seat_ids: [seat.id],
  };
}
