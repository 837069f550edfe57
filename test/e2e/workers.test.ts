import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { restartAfterMs } from '../../src/workers.ts';
import { atEnd } from '../support/at-end.ts';
import { type FakeIssuer, startFakeIssuer } from '../support/fake-issuer.ts';
import { startFakeSeating } from '../support/fake-seating.ts';
import { emptyDatabase } from '../support/own-database.ts';
import { close, listen, until } from '../support/servers.ts';
import { call } from '../support/test-app.ts';

interface Service {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals>;
}

const WORKERS = 2;
const event = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };
let issuer: FakeIssuer;
let env: Record<string, string>;

beforeAll(async () => {
  const [seating, dsn] = await Promise.all([startFakeSeating(), emptyDatabase()]);
  issuer = await startFakeIssuer();
  env = {
    PATH: process.env.PATH ?? '',
    PORT: '0',
    LOG_LEVEL: 'error',
    WEB_CONCURRENCY: String(WORKERS),
    POSTGRES_DSN: dsn,
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'secret',
    EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
    EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
    QR_SECRET_KEY: randomBytes(32).toString('base64'),
    // Named and away: orders go on without them, and no stand-in takes their place.
    STRIPE_SECRET_KEY: 'sk_test_away',
    STRIPE_WEBHOOK_SECRET: 'whsec_away',
    STRIPE_API_BASE: 'http://127.0.0.1:9',
    RECONCILE_DAYS: '0',
    REDIS_ADDR: '127.0.0.1:9',
    KAFKA_ADDR: '127.0.0.1:9',
  };
});

function start(changes: Record<string, string> = {}): Service {
  const child = spawn(process.execPath, ['src/main.ts'], { env: { ...env, ...changes } });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  atEnd(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output: () => output, ended };
}

async function urlOf({ output }: Service): Promise<string> {
  const url = await until(`it is up`, () => /is up: (http\S+)/.exec(output())?.[1], 30_000).catch((error) => {
    throw new Error(output(), { cause: error });
  });
  return url.replace('localhost', '127.0.0.1');
}

/** The processes that a process started and that live. */
async function childrenOf({ child: { pid } }: Service): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

async function place(url: string): Promise<number> {
  const token = await issuer.token(randomUUID());
  const body = { ...event, seat_ids: [randomUUID()] };
  return (await call(url, 'POST', '/api/order', { token, body })).status;
}

describe('several workers on one port', () => {
  test('migrate once, share the port, are started again when they die, and stop together', async () => {
    const service = start();
    const url = await urlOf(service);
    const first = await childrenOf(service);
    expect(first).toHaveLength(WORKERS);
    expect(await Promise.all(Array.from({ length: 20 }, () => place(url)))).toEqual(Array(20).fill(201));

    process.kill(first[0] ?? 0, 'SIGKILL');
    // The other one goes on meanwhile, and no request meets one that is still starting.
    const second = await until('there is another one', async () => {
      // A connection that was the dead one's is cut; any other is answered.
      expect([201, 'cut']).toContain(await place(url).catch(() => 'cut'));
      const now = await childrenOf(service);
      return now.length === WORKERS && !now.includes(first[0] ?? 0) && now;
    });
    expect(second).toContain(first[1]);

    const metrics = await until('whoever is asked answers for both', async () => {
      const { text } = await call(url, 'GET', '/metrics');
      const samples = text.split('\n').filter((line) => line.startsWith('ticketing_placing_waiting{'));
      return samples.length === WORKERS && samples;
    });
    expect(metrics.map((line) => /worker="(\d)"/.exec(line)?.[1])).toEqual(['2', '3']);

    const underWay = place(url);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect([201, 503]).toContain(await underWay.catch(() => 503));
  }, 60_000);

  test('die with the process that supervises them', async () => {
    const service = start();
    await urlOf(service);
    const workers = await childrenOf(service);
    service.child.kill('SIGKILL');
    await service.ended;
    const isGone = (pid: number) => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    };
    await until('both are gone', () => workers.every(isGone));
  }, 60_000);

  test('one that cannot start ends all of it, with its reason', async () => {
    const blocker = createServer();
    const { port } = new URL(await listen(blocker));
    const service = start({ PORT: port, HOST: '127.0.0.1' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain(`Port ${port} is taken by another process.`);
    await close(blocker);
  }, 60_000);

  test.each([
    ['REDIS_ADDR', /^WEB_CONCURRENCY: .*Set REDIS_ADDR \(Redis\), or WEB_CONCURRENCY=1\.\n$/],
    ['QR_SECRET_KEY', /^WEB_CONCURRENCY: .*Set QR_SECRET_KEY, or WEB_CONCURRENCY=1\.\n$/],
  ])('never with what would be there once in each: %s unset', async (name, line) => {
    const service = start({ [name]: '' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(line);
  });

  test('one that dies young again and again is started ever later, ten seconds at most', () => {
    expect([0, 1, 2, 5, 20].map(restartAfterMs)).toEqual([100, 200, 400, 3_200, 10_000]);
  });
});
