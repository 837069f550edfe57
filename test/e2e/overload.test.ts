import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { seatQuestions } from '../support/fake-seating.ts';
import { samplesOf } from '../support/metrics.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import type { Answer, TestApp } from '../support/test-app.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const PLACES = 2;
const MAX_QUEUE_MS = 400;

let platform: PlatformApp;
/** Another process, whose queue keeps requests for a short time only. */
let hasty: TestApp;
let token: string;

beforeAll(async () => {
  const places = { PLACING_CONCURRENCY: String(PLACES), RECONCILE_DAYS: '0' };
  platform = await startPlatformApp({ ...places, MAX_QUEUE_MS: '60000' });
  hasty = await startReplica(platform, { ...places, MAX_QUEUE_MS: String(MAX_QUEUE_MS) });
  token = await platform.token(randomUUID());
});

beforeEach(() => {
  platform.seating.gate = undefined;
});

const place = (seatIds?: readonly string[], app = platform.app): Promise<Answer> =>
  app.call('POST', '/api/order', { token, body: platform.request(seatIds) });

const metric = async (name: string, app = platform.app) => (await samplesOf(app))[name] ?? Number.NaN;

/** The questions about orders that the seating services got. */
const asked = () => seatQuestions(platform.seating);

const untilWaiting = (count: number, app = platform.app) =>
  until(`${count} wait`, async () => (await metric('ticketing_placing_waiting', app)) === count);

/** Takes every place, until the seating services answer again. */
async function fill(app = platform.app): Promise<{ placed: Promise<Answer>[]; open: () => void }> {
  const gate = Promise.withResolvers<void>();
  platform.seating.gate = gate.promise;
  const before = asked().length;
  const placed = Array.from({ length: PLACES }, () => place(undefined, app));
  await until('every place is taken', () => asked().length >= before + 2 * PLACES);
  return {
    placed,
    open() {
      platform.seating.gate = undefined;
      gate.resolve();
    },
  };
}

/** Holds back the timers of one delay, which nothing else uses; the returned function fires those that are still set. */
function holdTimers(delayMs: number): () => void {
  const { setTimeout: start, clearTimeout: stop } = globalThis;
  const held = new Map<NodeJS.Timeout, () => void>();
  const starting = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((
    work: (...args: unknown[]) => void,
    ms?: number,
    ...args: unknown[]
  ) => {
    const timer = start(work, ms, ...args);
    if (ms === delayMs) held.set(timer, () => work(...args));
    return timer;
  }) as typeof setTimeout);
  const stopping = vi.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    held.delete(timer as NodeJS.Timeout);
    stop(timer);
  });
  onTestFinished(() => {
    starting.mockRestore();
    stopping.mockRestore();
  });
  return () => {
    for (const [timer, work] of held) {
      stop(timer);
      work();
    }
  };
}

const statuses = async (answers: readonly Promise<Answer>[]) =>
  (await Promise.all(answers)).map(({ status }) => status);

describe('orders beyond the number that can be placed at once', () => {
  test('wait their turn, a user’s first one first', async () => {
    const { placed, open } = await fill();
    const seats = ['first', 'second', 'third'].map((name) => `${name}-${randomUUID().slice(0, 8)}`);
    const queued: Promise<Answer>[] = [];
    for (const [at, seat] of seats.entries()) {
      queued.push(place([seat]));
      await untilWaiting(at + 1);
    }
    const from = asked().length;
    open();
    expect(await statuses([...placed, ...queued])).toEqual([201, 201, 201, 201, 201]);
    const order = asked()
      .slice(from)
      .filter(({ path }) => path.startsWith('/query'))
      .map(({ body }) => (body as { seat_ids: string[] }).seat_ids[0]);
    expect(order).toEqual(seats);
    await untilWaiting(0);
  });

  test('get 503 without any effect after the maximum queueing time, while other requests are answered', async () => {
    const paidFor = await place();
    const limitMs = 54_321;
    const passLimit = holdTimers(limitMs);
    const replica = await startReplica(platform, {
      ...{ PLACING_CONCURRENCY: String(PLACES), RECONCILE_DAYS: '0' },
      MAX_QUEUE_MS: String(limitMs),
    });
    const { placed, open } = await fill(replica);
    const before = asked().length;
    const queued = place(undefined, replica);
    await untilWaiting(1, replica);
    const orderId = paidFor.body.order_id;
    const others = await Promise.all([
      replica.call('GET', '/healthz'),
      replica.call('GET', '/api/order/health'),
      deliver(replica, stripeEvent('payment_intent.succeeded', paidIntent(orderId))),
      replica.call('GET', `/api/order/${orderId}`, { token }),
      replica.call('PUT', `/api/order/${orderId}`, { token, body: { discount_id: '' } }),
    ]);
    expect(others.map(({ status }) => status).slice(0, 4)).toEqual([200, 200, 200, 200]);
    expect(others[4]?.body.code).not.toBe('overloaded');
    // It still waits, and nothing was refused.
    expect(await metric('ticketing_placing_waiting', replica)).toBe(1);
    const shed = await metric('ticketing_placing_shed_total', replica);
    passLimit();
    const answer = await queued;
    expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(asked()).toHaveLength(before);
    expect(await metric('ticketing_placing_waiting', replica)).toBe(0);
    expect(await metric('ticketing_placing_shed_total', replica)).toBe(shed + 1);
    open();
    expect(await statuses(placed)).toEqual([201, 201]);
  });

  test('get 503 at once when they would wait too long, before authentication and without a log line', async () => {
    const { placed, open } = await fill(hasty);
    expect((await place(undefined, hasty)).body.code).toBe('overloaded');
    await until('no order is expected to be placed in time', async () => {
      const { status } = await hasty.call('POST', '/api/order', { body: 'no JSON' });
      return status === 503;
    });
    const lines = hasty.log.length;
    expect((await place(undefined, hasty)).body.code).toBe('overloaded');
    expect(hasty.log.slice(lines).filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
    open();
    expect(await statuses(placed)).toEqual([201, 201]);
    expect((await place(undefined, hasty)).status).toBe(201);
  });

  test('of one user cannot fill the queue alone', async () => {
    const replica = await startReplica(platform, { PLACING_CONCURRENCY: '1', MAX_QUEUE_MS: '60000' });
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const mine = Array.from({ length: 101 }, () => place(undefined, replica));
    await untilWaiting(100, replica);
    const oneMore = await place(undefined, replica);
    expect(oneMore).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(oneMore.headers.get('retry-after')).toBe('1');
    const another = replica.call('POST', '/api/order', {
      token: await platform.token(randomUUID()),
      body: platform.request(),
    });
    await untilWaiting(101, replica);
    platform.seating.gate = undefined;
    gate.resolve();
    expect(await statuses([...mine, another])).toEqual(Array(102).fill(201));
    expect((await place(undefined, replica)).status).toBe(201);
  });

  test('queue-by-one: of one user leave a place free for another’s order, which is placed before them', async () => {
    const replica = await startReplica(platform, { PLACING_CONCURRENCY: '4', MAX_QUEUE_MS: '60000' });
    // From now on it knows whose the session is.
    expect((await place(undefined, replica)).status).toBe(201);
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const before = asked().length;
    const mine = Array.from({ length: 40 }, () => place(undefined, replica));
    await untilWaiting(37, replica);
    expect(asked().length).toBe(before + 2 * 3);
    platform.seating.gate = undefined;
    const other = { token: await platform.token(randomUUID()), body: platform.request() };
    expect((await replica.call('POST', '/api/order', other)).status).toBe(201);
    expect(await metric('ticketing_placing_waiting', replica)).toBe(37);
    gate.resolve();
    expect(await statuses(mine)).toEqual(Array(40).fill(201));
  });

  test('queue-by-one: of several users are placed in turns, one of each', async () => {
    const replica = await startReplica(platform, { PLACING_CONCURRENCY: '1', MAX_QUEUE_MS: '60000' });
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const others = await Promise.all(['b', 'c'].map(() => platform.token(randomUUID())));
    const first = place(undefined, replica);
    await until('it is placed', () => asked().some(({ path }) => path.startsWith('/seating')));
    const queued: Promise<Answer>[] = [];
    for (const [at, of] of [token, token, token, ...others].entries()) {
      const body = platform.request([`${at}-${randomUUID().slice(0, 8)}`]);
      queued.push(replica.call('POST', '/api/order', { token: of, body }));
      await untilWaiting(at + 1, replica);
    }
    const from = asked().length;
    platform.seating.gate = undefined;
    gate.resolve();
    expect(await statuses([first, ...queued])).toEqual(Array(6).fill(201));
    const turns = asked()
      .slice(from)
      .filter(({ path }) => path.startsWith('/query'))
      .map(({ body }) => (body as { seat_ids: string[] }).seat_ids[0]?.slice(0, 1));
    expect(turns.join('')).toBe('03412');
  });

  test('queue-by-one: changes of one user, which need no place, ask the seating services for eight at a time', async () => {
    const orders: Answer[] = [];
    for (let order = 0; order < 12; order += 1) orders.push(await place());
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const before = asked().length;
    const changes = orders.map(({ body }) =>
      platform.app.call('PUT', `/api/order/${body.order_id}`, { token, body: { seat_ids: [randomUUID()] } }),
    );
    await until('eight are asked for', () => asked().length >= before + 2 * 8);
    platform.seating.gate = undefined;
    const other = { token: await platform.token(randomUUID()), body: platform.request() };
    expect((await platform.app.call('POST', '/api/order', other)).status).toBe(201);
    expect(asked()).toHaveLength(before + 2 * 8 + 2);
    gate.resolve();
    expect(await statuses(changes)).toEqual(Array(12).fill(200));
  });

  test('are refused without reading a body longer than the limit to its end', async () => {
    const { placed, open } = await fill(hasty);
    await until('no order is expected to be placed in time', async () => {
      return (await hasty.call('POST', '/api/order', { body: {} })).status === 503;
    });
    const kept = await hasty.call('POST', '/api/order', { body: {} });
    expect([kept.body.code, kept.headers.get('connection')]).toEqual(['overloaded', 'keep-alive']);
    const sent = request(`${hasty.url}/api/order`, {
      method: 'POST',
      agent: false,
      headers: { 'content-length': 2_000_000_000 },
    });
    const closed = new Promise((done) => sent.once('close', done));
    sent.on('error', () => undefined).write('x');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([503, 'close']);
    response.resume();
    await closed;
    open();
    expect(await statuses(placed)).toEqual([201, 201]);
  });

  test('leave the queue when their client disconnects', async () => {
    const { placed, open } = await fill();
    const [given, kept] = [[randomUUID()], [randomUUID()]];
    const client = new AbortController();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify(platform.request(given));
    const url = `${platform.app.url}/api/order`;
    const givenUp = fetch(url, { method: 'POST', headers, body, signal: client.signal }).catch(() => 'aborted');
    await untilWaiting(1);
    const queued = place(kept);
    await untilWaiting(2);
    client.abort();
    expect(await givenUp).toBe('aborted');
    await untilWaiting(1);
    open();
    expect(await statuses([...placed, queued])).toEqual([201, 201, 201]);
    const seen = JSON.stringify(asked().map((call) => call.body));
    expect([seen.includes(String(given)), seen.includes(String(kept))]).toEqual([false, true]);
  });

  test('get a place while other requests stall before sending their body', async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': 100 };
    const slow = Array.from({ length: 2 * PLACES }, () =>
      request(`${platform.app.url}/api/order`, { method: 'POST', headers, agent: false }).on('error', () => undefined),
    );
    for (const each of slow) each.flushHeaders();
    expect((await place()).status).toBe(201);
    for (const each of slow) each.destroy();
  });

  test('that wait at a stop are still placed, and new ones are refused at the port', async () => {
    const replica = await startReplica(platform, { PLACING_CONCURRENCY: String(PLACES), MAX_QUEUE_MS: '60000' });
    const { placed, open } = await fill(replica);
    const queued = place(undefined, replica);
    await untilWaiting(1, replica);
    replica.app.start();
    const closed = replica.app.close();
    await until('new ones are refused at the port', () =>
      replica.call('POST', '/api/order', { body: {} }).then(
        () => false,
        () => true,
      ),
    );
    open();
    expect(await statuses([...placed, queued])).toEqual([201, 201, 201]);
    await closed;
  });
});
