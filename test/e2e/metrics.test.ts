import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { METRICS } from '../../src/platform/telemetry/metric-names.ts';
import { openStream } from '../support/event-reader.ts';
import { samplesOf, samplesWith } from '../support/metrics.ts';
import { newOrganiser, newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { storedIn } from '../support/stored.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

let platform: PlatformApp;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  buyer = await newPerson(platform);
});

const samples = () => samplesOf(platform.app);

const samplesWhere = (name: string, value: number) => samplesWith(platform.app, { [name]: value });

const ORDERS = 'ticketing_orders_total';
const orders = async (outcome: string) => (await samples())[`${ORDERS}{outcome="${outcome}"}`] ?? 0;

/** The number of orders that the work adds to an outcome, once there is one. */
async function more(outcome: string, work: () => Promise<unknown>): Promise<number> {
  const before = await orders(outcome);
  await work();
  await until(`another order is ${outcome}`, async () => (await orders(outcome)) > before);
  return (await orders(outcome)) - before;
}

describe('the metric names', () => {
  test('are those of docs/operations.md, with their help and labels', () => {
    const rows = readFileSync('docs/operations.md', 'utf8').matchAll(
      /^\| `(ticketing_\w+)(?:\{([\w,]+)\})?` \| ([^|]+) \| [^|]+ \|$/gm,
    );
    const documented = [...rows].map(([, name, labels, help]) => ({ name, labels: labels?.split(',') ?? [], help }));
    expect(documented).toEqual(
      Object.entries(METRICS).map(([name, { labels, help }]) => ({ name, labels: [...labels], help })),
    );
  });

  test('are those exposed, beside the metrics of the process', async () => {
    const { text } = await platform.app.call('GET', '/metrics');
    const exposed = [...text.matchAll(/^# TYPE (\w+) \w+$/gm)].map(([, name]) => name);
    expect(exposed.filter((name) => name?.startsWith('ticketing_')).toSorted()).toEqual(
      Object.keys(METRICS).toSorted(),
    );
    expect(exposed.filter((name) => !/^(ticketing|process|nodejs)_/.test(name ?? ''))).toEqual([]);
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes'])
      expect(exposed).toContain(name);
  });
});

describe('requests', () => {
  const count = (route: string, status: string, method = 'GET') =>
    `ticketing_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`;

  test('are counted by the pattern of their route and the class of their status', async () => {
    const orderId = await buyer.place();
    const before = await samples();
    await buyer.read(orderId);
    expect((await (await newPerson(platform)).tries.read(orderId)).status).toBe(404);
    await platform.app.call('GET', `/nothing/${randomUUID()}?token=x`);
    const after = await samples();
    const added = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
    expect(added(count('/api/order/:orderId', '2xx'))).toBe(1);
    expect(added(count('/api/order/:orderId', '4xx'))).toBe(1);
    expect(added(count('none', '4xx'))).toBe(1);
    expect(added('ticketing_problems_total{code="order_not_found"}')).toBe(1);
    expect(added('ticketing_problems_total{code="not_found"}')).toBe(1);
    expect(after.ticketing_http_requests_under_way).toBe(1);
  });

  test('that are streams count as in flight, and not as slow', async () => {
    const { token } = await newOrganiser(platform);
    const path = `/api/order/sse/checkouts/event/${platform.eventId}`;
    const stream = await openStream(platform.app.url, path, { token });
    await samplesWhere('ticketing_streams_open', 1);
    expect((await samples()).ticketing_http_requests_under_way).toBe(2);
    await stream.close();
    await samplesWhere('ticketing_streams_open', 0);
    await until('nothing but the question', async () => {
      return (await samples()).ticketing_http_requests_under_way === 1;
    });
    expect((await platform.app.call('GET', '/metrics')).text).not.toContain(
      'route="/api/order/sse/checkouts/event/:eventID",status="2xx"',
    );
  });
});

describe('orders', () => {
  test('are counted once when placed and once when completed', async () => {
    let orderId = '';
    const placed = await more('placed', async () => {
      orderId = await buyer.place();
    });
    const completed = await more('completed', async () => {
      await buyer.pay(orderId);
      await buyer.checkOut(orderId);
    });
    expect([placed, completed]).toEqual([1, 1]);
  });

  test('are counted when refused', async () => {
    const seat = randomUUID();
    await buyer.place([seat]);
    expect(await more('refused', () => buyer.tries.order([seat]))).toBe(1);
  });

  test('are counted when their buyer cancels them, and when they expire', async () => {
    const [mine, late] = [await buyer.place(), await buyer.place()];
    expect(await more('cancelled_buyer', () => buyer.cancel(mine))).toBe(1);
    expect(await more('cancelled_expired', () => storedIn(platform.app).endHold(late))).toBe(1);
  });
});

describe('the backlog in the database', () => {
  test('shows for webhooks and refunds how many wait, for how long, and how many are stuck', async () => {
    await platform.app.sql(
      `INSERT INTO stripe_inbox (event_id, type, received_at, next_attempt_at, attempts)
       VALUES ('evt_waits', 'x', now() - interval '90 seconds', now() + interval '1 hour', 3),
              ('evt_stuck', 'x', now() - interval '1 day', now(), 12)`,
    );
    const read = await samplesWhere('ticketing_webhooks_waiting', 2);
    expect(read.ticketing_webhooks_stuck).toBe(1);
    expect(read.ticketing_webhooks_lag_seconds).toBeGreaterThanOrEqual(90);
    expect(read.ticketing_webhooks_lag_seconds).toBeLessThan(3_600);
    await platform.app.sql("DELETE FROM stripe_inbox WHERE event_id IN ('evt_waits', 'evt_stuck')");

    const orderId = await buyer.place();
    await buyer.cancel(orderId);
    platform.app.log.length = 0;
    // The buyer has ended the order, so its money is refunded; the intent’s account is unknown, so the refund keeps failing.
    await deliver(platform.app, stripeEvent('payment_intent.succeeded', paidIntent(orderId)));
    expect((await samplesWhere('ticketing_refunds_waiting', 1)).ticketing_refunds_stuck).toBe(0);
    await platform.app.sql('UPDATE refunds SET attempts = 12 WHERE provider_id IS NULL');
    await samplesWhere('ticketing_refunds_stuck', 1);
    await platform.app.sql("UPDATE refunds SET provider_id = 'by hand' WHERE provider_id IS NULL");
  });

  test('is unknown while the database does not answer, and the other metrics are still exposed', async () => {
    const name = new URL(platform.app.dsn).pathname.slice(1);
    const cut = () =>
      platform.app.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
        [name],
      );
    await platform.app.sql('ALTER TABLE refunds RENAME TO refunds_away');
    try {
      const read = await samplesWhere('ticketing_database_up', 0);
      expect(read.ticketing_outbox_waiting).toBeNaN();
      expect(read.ticketing_http_requests_under_way).toBe(1);
    } finally {
      await platform.app.sql('ALTER TABLE refunds_away RENAME TO refunds');
    }
    await cut();
    const read = await samplesWhere('ticketing_database_up', 1);
    const states = ['busy', 'idle'].map((state) => read[`ticketing_database_connections{state="${state}"}`]);
    expect(states.reduce((sum = 0, each = 0) => sum + each, 0)).toBeGreaterThan(0);
    expect(read.ticketing_database_requests_waiting).toBe(0);
    for (const server of ['seating', 'seating_roles', 'event_query', 'catalogue'])
      expect(read[`ticketing_circuit_open{server="${server}"}`]).toBe(0);
  });
});
