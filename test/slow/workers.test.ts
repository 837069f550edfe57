import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { REPLY_TIMEOUT_MS } from '../../src/platform/telemetry/worker-metrics.ts';
import { restartAfterMs, START_TIMEOUT_MS } from '../../src/workers.ts';
import { atEnd } from '../support/at-end.ts';
import { type FakeIssuer, startFakeIssuer } from '../support/fake-issuer.ts';
import { type FakeSeating, seatQuestions, startFakeSeating } from '../support/fake-seating.ts';
import { emptyDatabase } from '../support/own-database.ts';
import { patience } from '../support/patience.ts';
import { close, listen, until } from '../support/servers.ts';
import { type ReadProcess, startServiceProcess } from '../support/service-process.ts';
import { productionVariables, UNREACHABLE } from '../support/stop-process.ts';
import { call } from '../support/test-app.ts';

const WORKERS = 2;
const event = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };
let issuer: FakeIssuer;
let seating: FakeSeating;
let env: Record<string, string>;

beforeAll(async () => {
  const [fake, dsn] = await Promise.all([startFakeSeating(), emptyDatabase()]);
  seating = fake;
  issuer = await startFakeIssuer();
  env = {
    ...productionVariables({ issuer, seating }, dsn),
    // Named and away: orders go on without them, and no stand-in takes their place.
    ...UNREACHABLE,
    LOG_LEVEL: 'info',
    WEB_CONCURRENCY: String(WORKERS),
  };
});

const start = (changes: Record<string, string> = {}) => startServiceProcess({ ...env, ...changes });

/** The processes that a process started and that live. */
async function childrenOf({ child: { pid } }: ReadProcess): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

/** The workers among them, from the moment that they are processes of their own, long before they are up. */
async function workersOf(service: ReadProcess): Promise<number[]> {
  const found = [];
  for (const pid of await childrenOf(service).catch(() => [])) {
    const variables = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (variables.includes('NODE_UNIQUE_ID=')) found.push(pid);
  }
  return found;
}

async function bothOf(service: ReadProcess): Promise<[number, number]> {
  const [one, other] = await until('there are both workers', async () => {
    const found = await workersOf(service);
    return found.length === WORKERS && found;
  });
  return [one ?? 0, other ?? 0];
}

/** Stops a process as it stands; it takes no signal but the hardest. */
function freeze(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  atEnd(() => isGone(pid) || process.kill(pid, 'SIGKILL'));
}

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
}

/** Returns when the process has taken the signal: a second one before would be the same one. */
async function signal(pid: number, name: NodeJS.Signals): Promise<void> {
  process.kill(pid, name);
  await until('it is taken', async () => /^ShdPnd:\s*0+$/m.test(await readFile(`/proc/${pid}/status`, 'utf8')));
}

/** For a request that may be lost: node:cluster forgets a connection that it handed to a worker that had just died. */
const forAWhile = () => AbortSignal.timeout(Math.ceil(patience(REPLY_TIMEOUT_MS)));

/** The workers whose metrics are told. */
async function measured(url: string): Promise<string[]> {
  const { text: all } = await call(url, 'GET', '/metrics', { signal: forAWhile() });
  const samples = all.matchAll(/^ticketing_placing_waiting\{worker="(\d+)"\}/gm);
  return [...samples].map(([, worker]) => worker ?? '').sort();
}

async function place(url: string, signal: AbortSignal | null = null): Promise<number> {
  const token = await issuer.token(randomUUID());
  const body = { ...event, seat_ids: [randomUUID()] };
  return (await call(url, 'POST', '/api/order', { token, body, signal })).status;
}

describe('several workers on one port', () => {
  test('migrate once, share the port, are started again when they die, and stop together', async () => {
    const service = await start();
    const url = await service.url();
    const first = await childrenOf(service);
    expect(first).toHaveLength(WORKERS);
    expect(await Promise.all(Array.from({ length: 20 }, () => place(url)))).toEqual(Array(20).fill(201));

    process.kill(first[0] ?? 0, 'SIGKILL');
    // The other one goes on meanwhile, and no request meets one that is still starting.
    const second = await until('there is another one', async () => {
      // A connection that was the dead one's is cut; any other is answered.
      expect([201, 'cut']).toContain(await place(url, forAWhile()).catch(() => 'cut'));
      const now = await childrenOf(service);
      return now.length === WORKERS && !now.includes(first[0] ?? 0) && now;
    });
    expect(second).toContain(first[1]);

    // Its successor has its name, so that no crash makes new series.
    await until(
      'whoever is asked answers for both',
      async () => (await measured(url).catch(() => [])).join() === '1,2',
    );

    // Caught at once: a connection that is reset before the process has ended would be an unhandled rejection.
    const underWay = place(url).catch(() => 503);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect([201, 503]).toContain(await underWay);
  });

  test('die with their supervisor', async () => {
    const service = await start();
    await service.url();
    const workers = await childrenOf(service);
    service.child.kill('SIGKILL');
    await service.ended;
    await until('both are gone', () => workers.every(isGone));
  });

  test('a message to a worker that just died does no harm', async () => {
    const service = await start();
    const url = await service.url();
    const first = await bothOf(service);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    atEnd(() => agent.destroy());
    const ask = async (path: string) => {
      const answer = Promise.withResolvers<string>();
      get(url + path, { agent }, (response) => answer.resolve(text(response)));
      return answer.promise;
    };
    await ask('/healthz');
    service.child.kill('SIGSTOP');
    // It answers alone, so it has asked for the others' in vain; the question is read when both are dead.
    expect(await ask('/metrics')).not.toContain('worker=');
    for (const pid of first) {
      process.kill(pid, 'SIGKILL');
      await until('it is dead', async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') Z '));
    }
    service.child.kill('SIGCONT');
    // Not before: a connection that is handed to a dead one is lost in node:cluster.
    await until('their ends are known', () => first.every(isGone));
    await until('others answer', async () => (await place(url, forAWhile()).catch(() => 'cut')) === 201, 30_000);
    expect(service.output()).not.toContain('EPIPE');
  });

  test('a worker that is starting does not delay the metrics', async () => {
    const service = await start();
    const url = await service.url();
    await until('both are measured', async () => (await measured(url).catch(() => [])).join() === '1,2');
    const first = await bothOf(service);
    process.kill(first[0], 'SIGKILL');
    const successor = await until('it starts again', async () =>
      (await workersOf(service)).find((pid) => !first.includes(pid)),
    );
    freeze(successor);
    await until('the other one answers, and does not wait for it', async () => {
      const startMs = performance.now();
      const workers = await measured(url).catch(() => []);
      return workers.length === 1 && performance.now() - startMs < REPLY_TIMEOUT_MS;
    });
  });

  test('stop in order while they start', async () => {
    const service = await start();
    const workers = await bothOf(service);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(service.output()).not.toContain('is up');
    expect(workers.every(isGone)).toBe(true);
  });

  test('finish their orders when the whole group is signalled, so that each receives the signal twice', async () => {
    const service = await start();
    const url = await service.url();
    const both = await bothOf(service);
    const gate = Promise.withResolvers<void>();
    seating.gate = gate.promise;
    atEnd(() => {
      seating.gate = undefined;
    });
    const asked = () => seatQuestions(seating).length;
    const before = asked();
    const underWay = Array.from({ length: 10 }, () => place(url));
    await until('each asked both services', () => asked() === before + 2 * underWay.length);
    for (const _time of ['its own', 'that which is passed on']) {
      for (const pid of both) await signal(pid, 'SIGTERM');
    }
    service.child.kill('SIGTERM');
    gate.resolve();
    expect(await Promise.all(underWay)).toEqual(Array(underWay.length).fill(201));
    expect(await service.ended).toBe(0);
  });

  test('end at once on a second signal, a frozen one too', async () => {
    const service = await start();
    await service.url();
    const [frozen, other] = await bothOf(service);
    freeze(frozen);
    service.child.kill('SIGTERM');
    await until('the other one has stopped', () => isGone(other));
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(130);
    await until('the frozen one is gone', () => isGone(frozen));
  });

  test('a worker that cannot start ends the service, with its reason', async () => {
    const blocker = createServer();
    const { port } = new URL(await listen(blocker));
    const service = await start({ PORT: port, HOST: '127.0.0.1' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain(`Port ${port} is taken by another process.`);
    await close(blocker);
  });

  test.each([
    ['REDIS_ADDR', /^WEB_CONCURRENCY: .*Set REDIS_ADDR \(Redis\), or WEB_CONCURRENCY=1\.\n$/],
    ['QR_SECRET_KEY', /^WEB_CONCURRENCY: .*Set QR_SECRET_KEY, or WEB_CONCURRENCY=1\.\n$/],
  ])('never with what would be there once in each: %s unset', async (name, line) => {
    const service = await start({ [name]: '' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(line);
  });

  test('a worker that dies early again and again is started after increasing delays of at most ten seconds', () => {
    expect([0, 1, 2, 3, 6, 20].map(restartAfterMs)).toEqual([100, 100, 200, 400, 3_200, 10_000]);
  });
});

describe.concurrent('one that is frozen', () => {
  test('a worker that does not start in time ends the service', async () => {
    const service = await start();
    const workers = await bothOf(service);
    freeze(workers[0]);
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain(`could not start: a worker was not up within ${START_TIMEOUT_MS} ms\n`);
    expect(workers.every(isGone)).toBe(true);
  });

  test('a frozen worker is killed by a stop before its supervisor ends', async () => {
    const service = await start();
    await service.url();
    const workers = await bothOf(service);
    freeze(workers[0]);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('were killed');
    expect(service.output()).not.toContain('the stop took too long');
    expect(workers.every(isGone)).toBe(true);
  });
});
