import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Currency } from '../../../src/kernel/money.ts';
import { LOAD_MS, SLACK_MS, startLoad, timeHolds } from '../../support/order-load.ts';
import { patience } from '../../support/patience.ts';
import { type PlatformApp, startPlatformApp } from '../../support/platform-app.ts';
import { raceForSeats, startReplica } from '../../support/races.ts';
import { type RedisServerProcess, startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/servers.ts';
import { findingsIn, type TestApp } from '../../support/test-app.ts';

const timing = timeHolds();
let server: RedisServerProcess;
let platform: PlatformApp;
let replica: TestApp;
let buyer: string;

beforeAll(async () => {
  server = await startRedis();
  const env = { REDIS_ADDR: server.address };
  platform = await startPlatformApp(env, {}, { watch: timing.watch });
  replica = await startReplica(platform, env, { watch: timing.watch });
  buyer = await platform.token(randomUUID());
});

beforeEach(() => {
  timing.longestMs = 0;
});

const findings = () => findingsIn(platform.app.dsn, new Currency('lkr'));

async function order(app: TestApp, seatIds: readonly string[], sessionId?: string) {
  const body = { ...platform.request(seatIds), ...(sessionId ? { session_id: sessionId } : {}) };
  return app.call('POST', '/api/order', { token: buyer, body });
}

async function redisInHealth(app: TestApp) {
  const from = performance.now();
  const { status, body } = await app.call('GET', '/api/order/health');
  expect(performance.now() - from).toBeLessThan(patience(1_000 + SLACK_MS));
  return { status, service: body.status, redis: body.redis };
}

const UP = { status: 200, service: 'UP', redis: { status: 'UP', embedded: false } };
const DOWN = { status: 200, service: 'UP', redis: { status: 'DOWN', embedded: false } };

/** Whether both replicas use Redis again. */
async function usedAgain(): Promise<void> {
  const isUsed = async () => {
    for (const app of [platform.app, replica]) {
      const seat = randomUUID();
      await order(app, [seat]);
      if ((await server.cli('exists', `seat_lock:${seat}`)) !== '1') return false;
    }
    return true;
  };
  await until('Redis is used again by both', isUsed, LOAD_MS);
}

/** The lines about Redis in the log, in order. */
function changesIn(log: readonly string[]): string[] {
  return log.flatMap((line) => /"Redis (does not answer|answers)/.exec(line)?.[1] ?? []);
}

describe('two replicas that share a Redis', () => {
  test('they refuse each other’s held seats before any other server is called', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const placing = order(platform.app, [a, b]);
    await until('the seats are held', async () => (await server.cli('exists', `seat_lock:${a}`)) === '1');
    const before = platform.seating.calls.length;
    const refused = await order(replica, [randomUUID(), b]);
    expect(refused).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: [b] } });
    // The replica asks once whose session it is, and for the labels that the refusal names.
    expect(platform.seating.calls.length - before).toBeLessThanOrEqual(3);
    gate.resolve();
    platform.seating.gate = undefined;
    const placed = await placing;
    expect(placed.status).toBe(201);
    expect(await server.cli('get', `seat_lock:${a}`)).toBe(placed.body.order_id);
    expect(Number(await server.cli('pttl', `seat_lock:${a}`))).toBeGreaterThan(290_000);
    const calls = platform.seating.calls.length;
    expect((await order(replica, [a])).status).toBe(409);
    expect(platform.seating.calls).toHaveLength(calls);
    await platform.app.call('DELETE', `/api/order/${placed.body.order_id}`, { token: buyer });
    expect(await server.cli('exists', `seat_lock:${a}`, `seat_lock:${b}`)).toBe('0');
    expect((await order(replica, [a, b])).status).toBe(201);
  });

  test('they sell A1 of two sessions, once each', async () => {
    const seat = `A1-${randomUUID()}`;
    const [here, there] = [randomUUID(), randomUUID()];
    expect((await order(platform.app, [seat], here)).status).toBe(201);
    expect((await order(replica, [seat], there)).status).toBe(201);
    expect((await order(replica, [seat], here)).status).toBe(409);
    expect((await order(platform.app, [seat], there)).status).toBe(409);
  });

  test('they race for the same seats: no order is partial, and nothing is sold twice', async () => {
    await raceForSeats(platform, replica);
    expect(await findings()).toEqual([]);
  });
});

describe('Redis under load', () => {
  test('after it was killed and started empty, orders had succeeded throughout, nothing was sold twice, and each change was logged once', async () => {
    expect(await redisInHealth(platform.app)).toEqual(UP);
    const load = await startLoad(platform, [platform.app, replica], timing);
    await load.goOn(200);
    await server.kill();
    await load.goOn(300);
    expect(await redisInHealth(platform.app)).toEqual(DOWN);
    await server.start();
    await load.goOn(300);
    await load.end('killed, started empty');
    await usedAgain();
    expect(await redisInHealth(replica)).toEqual(UP);
    for (const app of [platform.app, replica]) {
      const changes = changesIn(app.log);
      expect(changes.slice(0, 2)).toEqual(['does not answer', 'answers']);
      expect(changes.filter((change, at) => change === changes[at + 1])).toEqual([]);
      expect(changes.at(-1)).toBe('answers');
      expect(app.log.join('')).not.toContain('eyJ');
    }
    expect(await findings()).toEqual([]);
  });

  test('while it is frozen with open connections, no request waits for it longer than its timeout', async () => {
    const load = await startLoad(platform, [platform.app, replica], timing);
    await load.goOn(200);
    server.pause();
    await load.goOn(500);
    expect(await redisInHealth(platform.app)).toEqual(DOWN);
    const { text } = await platform.app.call('GET', '/metrics');
    expect(text).toContain('ticketing_circuit_open{server="redis"} 1');
    server.resume();
    await load.goOn(300);
    await load.end('stopped');
    await usedAgain();
    expect((await platform.app.call('GET', '/metrics')).text).toContain('ticketing_circuit_open{server="redis"} 0');
    expect(await findings()).toEqual([]);
  });

  test('when it repeatedly loses its memory, nothing is sold twice', async () => {
    const load = await startLoad(platform, [platform.app, replica], timing);
    for (let flushes = 0; flushes < 20; flushes += 1) {
      await load.goOn(25);
      await server.cli('flushall');
    }
    await load.end('memory lost 20 times');
    expect(await findings()).toEqual([]);
  });
});

test('after a failover to a replica that is an hour old, sold seats stay sold and freed seats are free', async () => {
  const [sold, freed, kept] = [randomUUID(), randomUUID(), randomUUID()];
  const freedOrder = await order(platform.app, [freed, sold]);
  const stays = await order(platform.app, [kept]);
  const then = await Promise.all(
    [sold, freed, kept].map(async (seat) => [seat, await server.cli('get', `seat_lock:${seat}`)] as const),
  );
  await platform.app.call('DELETE', `/api/order/${freedOrder.body.order_id}`, { token: buyer });
  expect((await order(replica, [sold])).status).toBe(201);
  await server.cli('flushall');
  for (const [seat, holder] of then) await server.cli('set', `seat_lock:${seat}`, holder, 'PX', '300000');
  const asked = await Promise.all([order(replica, [sold]), order(platform.app, [freed]), order(replica, [kept])]);
  expect(asked.map(({ status }) => status)).toEqual([409, 201, 409]);
  expect(stays.status).toBe(201);
  expect(await findings()).toEqual([]);
});
