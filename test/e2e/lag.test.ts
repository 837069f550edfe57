import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { samplesOf, samplesWith } from '../support/metrics.ts';
import { movableClock } from '../support/movable-clock.ts';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { stripeApi } from '../support/stripe-api.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const SECOND_MS = 1_000;
const events = recordEvents();
/** The broker refuses messages with this key. */
let poisoned: string | undefined;
const clock = movableClock();
let platform: PlatformApp;
let stored: Stored;
let buyer: Person;

beforeAll(async () => {
  const eventLog = {
    subscribe: events.log.subscribe,
    async publish(messages: Parameters<typeof events.log.publish>[0]) {
      if (messages.some(({ key }) => key === poisoned)) throw new Error('the message is too large');
      await events.log.publish(messages);
    },
  };
  platform = await startPlatformApp({}, {}, { eventLog, clock });
  stored = storedIn(platform.app);
  buyer = await newPerson(platform);
});

const health = async () => platform.app.call('GET', '/api/order/health');

/** What health says once its outbox looks as given, which is refreshed twice a second at most. */
async function healthWhere(isSo: (outbox: { waiting: number; lag_seconds: number; status: string }) => boolean) {
  return until('health says so', async () => {
    const answer = await health();
    return isSo(answer.body.outbox) && answer;
  });
}

const metrics = () => samplesOf(platform.app);

/** The samples of a counter by its one label, without those not counted yet. */
async function counted(name: string): Promise<Record<string, number>> {
  const all = Object.entries(await metrics());
  return Object.fromEntries(
    all.flatMap(([sample, value]) => {
      const [, label] = new RegExp(`^${name}\\{\\w+="([^"]*)"\\}$`).exec(sample) ?? [];
      return label === undefined ? [] : [[label, value]];
    }),
  );
}

/** What `work` adds to a counter in the end. */
async function added(name: string, work: () => Promise<unknown>, expected: Record<string, number>): Promise<void> {
  const before = await counted(name);
  await work();
  const difference = async () => {
    const after = await counted(name);
    const labels = Object.keys(after).filter((label) => after[label] !== (before[label] ?? 0));
    return Object.fromEntries(labels.map((label) => [label, (after[label] ?? 0) - (before[label] ?? 0)]));
  };
  const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, each) => sum + each, 0);
  await until('all is counted', async () => total(await difference()) >= total(expected));
  expect(await difference()).toEqual(expected);
}

async function quiet(): Promise<void> {
  const waiting = 'SELECT FROM outbox WHERE published_at IS NULL LIMIT 1';
  await until('everything is published', async () => (await platform.app.sql(waiting)).length === 0);
  await samplesWith(platform.app, { ticketing_outbox_waiting: 0 });
}

describe('the lag of publishing', () => {
  test('is zero when all is published', async () => {
    await buyer.place();
    await quiet();
    const { body } = await healthWhere(({ waiting }) => waiting === 0);
    expect(body.outbox).toEqual({ status: 'UP', waiting: 0, lag_seconds: 0 });
    await samplesWith(platform.app, {
      ticketing_outbox_waiting: 0,
      ticketing_outbox_lag_seconds: 0,
      ticketing_outbox_blocked_keys: 0,
    });
  });

  test('grows while the log is unavailable, is a fault after half a minute, and returns to zero', async () => {
    await quiet();
    events.failure = 'the broker is unavailable';
    const orderIds = [await buyer.place(), await buyer.place()];
    const waiting = await healthWhere((outbox) => outbox.waiting === 4);
    // An order and its seats are one message each.
    expect(waiting).toMatchObject({ status: 200, body: { status: 'UP', outbox: { status: 'UP', waiting: 4 } } });
    clock.advance(25 * SECOND_MS);
    const later = await healthWhere(({ lag_seconds }) => lag_seconds >= 25);
    expect(later.body.outbox.status).toBe('UP');
    clock.advance(10 * SECOND_MS);
    // Orders still succeed: the service is up, and only its publishing is not.
    expect(await healthWhere(({ status }) => status === 'DOWN')).toMatchObject({
      status: 200,
      body: { status: 'UP', outbox: { status: 'DOWN', waiting: 4 } },
    });
    const late = await until('the metrics show the lag', async () => {
      const read = await metrics();
      return Number(read.ticketing_outbox_lag_seconds) >= 35 && read;
    });
    expect(late.ticketing_outbox_waiting).toBe(4);
    expect((await platform.app.call('GET', '/healthz')).status).toBe(200);

    events.failure = undefined;
    await quiet();
    const { body } = await healthWhere(({ waiting }) => waiting === 0);
    expect(body.outbox).toEqual({ status: 'UP', waiting: 0, lag_seconds: 0 });
    await samplesWith(platform.app, { ticketing_outbox_lag_seconds: 0, ticketing_outbox_blocked_keys: 0 });
    for (const orderId of orderIds) expect(events.on('ticketly.order.created', orderId)).toHaveLength(1);
  });

  test('counts the keys that wait behind a refused message, while other keys are published', async () => {
    await quiet();
    const orderId = await buyer.place();
    await quiet();
    poisoned = orderId;
    await buyer.cancel(orderId);
    await samplesWith(platform.app, { ticketing_outbox_blocked_keys: 1 });
    const other = await buyer.place();
    await until('the other is published', () => events.on('ticketly.order.created', other).length === 1);
    await until('one waits', async () => (await health()).body.outbox.waiting === 1);
    expect(events.on('ticketly.order.canceled', orderId)).toEqual([]);
    poisoned = undefined;
    clock.advance(10 * SECOND_MS);
    await quiet();
    expect(events.on('ticketly.order.canceled', orderId)).toHaveLength(1);
    await samplesWith(platform.app, { ticketing_outbox_blocked_keys: 0 });
  });
});

describe('the money counter', () => {
  const MONEY = 'ticketing_money_total';
  const came = (orderId: string, changes: Record<string, unknown> = {}) => {
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId, changes));
    return async () => {
      // The payment is reported twice and must be counted once.
      await deliver(platform.app, event);
      await deliver(platform.app, { ...event, id: `evt_${randomUUID()}` });
    };
  };

  async function expired(seatIds = [randomUUID()]): Promise<string> {
    const orderId = await buyer.place(seatIds);
    await stored.endHold(orderId);
    await stored.untilStatus(orderId, 'cancelled');
    return orderId;
  }

  test('counts a completed order', async () => {
    await added(MONEY, came(await buyer.place()), { completed: 1 });
  });

  test('counts a refund', async () => {
    await added(MONEY, came(await buyer.place(), { currency: 'usd' }), { refunded: 1 });
  });

  test('counts the refund of an order that its buyer cancelled, and not as late', async () => {
    const orderId = await buyer.place();
    await buyer.cancel(orderId);
    await added(MONEY, came(orderId), { refunded: 1 });
  });

  test('counts a late payment whose order gets its seats back', async () => {
    await added(MONEY, came(await expired()), { late_rebooked: 1 });
  });

  test('counts a late payment that is refunded', async () => {
    const seatIds = [randomUUID()];
    const orderId = await expired(seatIds);
    await buyer.place(seatIds);
    await added(MONEY, came(orderId), { late_refunded: 1 });
  });

  test('counts one completion when both the buyer’s page and the webhook report it', async () => {
    const orderId = await buyer.place();
    await added(
      MONEY,
      async () => {
        await buyer.pay(orderId);
        await buyer.checkOut(orderId);
      },
      { completed: 1 },
    );
  });
});

test('genuine webhooks are counted by their kind, and forged ones are not counted', async () => {
  const intent = paidIntent(randomUUID());
  await added(
    'ticketing_webhooks_total',
    async () => {
      const paid = stripeEvent('payment_intent.succeeded', intent);
      await deliver(platform.app, paid);
      await deliver(platform.app, paid);
      await deliver(platform.app, stripeEvent('payment_intent.succeeded', intent, { livemode: true }));
      await deliver(platform.app, stripeEvent('refund.created', { object: 'refund', payment_intent: intent.id }));
      await deliver(platform.app, stripeEvent('customer.created', { object: 'customer' }));
      await deliver(platform.app, paid, { secret: 'whsec_other' });
    },
    { paid: 2, other_mode: 1, money_went_back: 1, other: 1 },
  );
});

test('payment messages are counted by their outcome', async () => {
  const orderId = await buyer.place();
  const publishPayment = (topic: string, value: unknown) =>
    events.log.publish([
      { eventId: randomUUID(), topic, key: orderId, value: JSON.stringify(value), committedAt: instant(Date.now()) },
    ]);
  await added(
    'ticketing_payment_topic_total',
    async () => {
      await publishPayment('payment_succefully', { order_id: orderId });
      await publishPayment('payment_unseecuufull', { order_id: orderId });
      await publishPayment('payment_unseecuufull', { order_id: randomUUID() });
      await publishPayment('payment_succefully', { order: orderId });
    },
    { succeeded: 1, failed: 1, set_aside: 2 },
  );
});

test('Prometheus can parse the metrics, which contain no names and no ids', async () => {
  const [a, b] = [randomUUID(), randomUUID()];
  const { orderId, intentId } = await buyer.buy([a, b]);
  await stripeApi(platform.app.url).post('refunds', { payment_intent: intentId });
  await deliver(platform.app, stripeEvent('invented.by.somebody', { object: 'thing' }));
  const { status, headers, text } = await platform.app.call('GET', '/metrics');
  expect({ status, type: headers.get('content-type') }).toMatchObject({
    status: 200,
    type: expect.stringContaining('text/plain; version=0.0.4'),
  });
  for (const line of text
    .trimEnd()
    .split('\n')
    .filter((each) => each !== '')) {
    expect(line).toMatch(
      /^# (HELP|TYPE) (ticketing|process|nodejs)_\w+ .+$|^(ticketing|process|nodejs)_\w+(\{\w+="[\w.+/:*-]+"(,\w+="[\w.+/:*-]+")*\})? ([\d.e+-]+|Nan)$/,
    );
  }
  expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|pi_|evt_|invented|lkr|VIP/i);
  for (const id of [buyer.id, orderId, intentId, platform.sessionId, platform.eventId, a]) {
    expect(text).not.toContain(id);
  }
});
