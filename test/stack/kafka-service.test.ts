import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compareAnnounced, TOPICS } from '../support/announced.ts';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { goldenOrder, goldenSeats, shapeOf } from '../support/golden-messages.ts';
import { sendToTopic } from '../support/kafka-sender.ts';
import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { asOperator, watchTopics } from '../support/kafka-topics.ts';
import { patience } from '../support/patience.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Two complete replicas of the service on one database and one real broker. */
let server: KafkaServer;
let platform: PlatformApp;
let second: TestApp;
let token: string;

const GROUP = 'ms-ticketing';
const WAIT_MS = 45_000;
const [CREATED, UPDATED, , CANCELED, SEATS] = TOPICS;
const SUCCEEDED = 'payment_succefully';
const FAILED = 'payment_unseecuufull';

beforeAll(async () => {
  server = await startKafka();
  platform = await startPlatformApp({ KAFKA_ADDR: server.plain });
  second = await startReplicaOnKafka();
  token = await platform.token(randomUUID());
  await until('both replicas read', async () => (await partitionsByMember()).length === 2, WAIT_MS);
});
afterAll(() => server?.stop());

beforeEach(() => {
  platform.seating.prices.clear();
});

const startReplicaOnKafka = () => startReplica(platform, { KAFKA_ADDR: server.plain }, {}, { verified: false });

/** The number of partitions of each member of the group. */
async function partitionsByMember(): Promise<number[]> {
  const groups = await asOperator(server.plain, (admin) => admin.describeGroups({ groups: [GROUP] }));
  const members = [...(groups.get(GROUP)?.members.values() ?? [])];
  return members
    .map(({ assignments }) =>
      [...(assignments?.values() ?? [])].reduce((sum, { partitions }) => sum + partitions.length, 0),
    )
    .filter((count) => count > 0);
}

async function allAnnounced(): Promise<void> {
  const waiting = 'SELECT FROM outbox WHERE published_at IS NULL';
  await until('everything is announced', async () => (await platform.app.sql(waiting)).length === 0, WAIT_MS);
}

async function statusOf(orderId: string): Promise<string> {
  return (await platform.app.call('GET', `/api/order/${orderId}`, { token })).body.Status;
}

async function kafkaHealth(app: TestApp = platform.app) {
  const began = performance.now();
  const { status, body } = await app.call('GET', '/api/order/health');
  return { status, kafka: body.kafka, ms: performance.now() - began };
}

test('the messages of the earlier service have the same bytes in shape, the same keys, and one header', async () => {
  const seats = [randomUUID(), randomUUID()];
  for (const seat of seats) platform.seating.prices.set(seat, 150.5);
  const sold = await platform.place(token, seats);
  await platform.app.call('DELETE', `/api/order/${sold}`, { token });
  const paid = await platform.place(token, seats);
  const intent = await platform.pay(token, paid);
  await platform.app.call('POST', `/api/order/${paid}/checkout`, { token });
  await allAnnounced();

  const seen = await watchTopics(server.plain, [CREATED, UPDATED, CANCELED, SEATS]);
  const rows = await platform.app.sql<{ event_id: string; value: string }>('SELECT event_id, value FROM outbox');
  await until('all are seen', () => seen.length >= rows.length, WAIT_MS);
  const of = (topic: string, key: string) => seen.filter((record) => record.topic === topic && record.key === key);
  const shapes = (topic: string, key: string) => of(topic, key).map(({ value }) => shapeOf(value));

  expect(shapes(CREATED, sold)).toEqual([goldenOrder('pending', '', 150.5)]);
  expect(shapes(CANCELED, sold)).toEqual([goldenOrder('cancelled', '', 150.5, ',"seat_ids":["<uuid>","<uuid>"]')]);
  expect(shapes(CREATED, paid)).toEqual([goldenOrder('pending', '', 150.5)]);
  expect(shapes(UPDATED, paid).at(-1)).toEqual(goldenOrder('completed', intent, 150.5));
  expect(shapes(SEATS, platform.sessionId)).toEqual(['LOCKED', 'AVAILABLE', 'LOCKED', 'BOOKED'].map(goldenSeats));
  for (const record of seen) expect(Object.keys(record.headers)).toEqual(['event-id']);
  // To the byte what was stored in the transaction, under the id that it had there.
  const stored = new Map(rows.map((row) => [row.event_id, row.value]));
  for (const record of seen) expect(record.value).toBe(stored.get(record.headers['event-id'] ?? ''));
});

describe('the payment topics, read by two replicas', () => {
  const paymentFor = (orderId: string) => ({ key: orderId, value: JSON.stringify({ order_id: orderId, amount: 1 }) });
  const placeMany = (count: number) => Promise.all(Array.from({ length: count }, () => platform.place(token)));
  const completed = async (orders: readonly string[]) =>
    (await platform.app.sql("SELECT FROM orders WHERE status = 'completed' AND order_id = ANY ($1)", [orders])).length;
  const effectsOf = async (orders: readonly string[]) => ({
    payments: (await platform.app.sql('SELECT FROM payments WHERE order_id = ANY ($1::uuid[])', [orders])).length,
    announced: (await platform.app.sql("SELECT FROM outbox WHERE topic = 'orderUpdated' AND key = ANY ($1)", [orders]))
      .length,
  });

  test('they are shared by partition, and each payment takes effect once, however often it is sent', async () => {
    expect((await partitionsByMember()).toSorted()).toEqual([6, 6]);
    const orders = await placeMany(24);
    for (let time = 0; time < 3; time += 1) await sendToTopic(server.plain, SUCCEEDED, orders.map(paymentFor));
    await until('all are completed', async () => (await completed(orders)) === 24, WAIT_MS);
    // Last on every partition: when these are done, the repeats before them are, too.
    const last = await placeMany(24);
    await sendToTopic(server.plain, SUCCEEDED, last.map(paymentFor));
    await until('the last are completed', async () => (await completed(last)) === 24, WAIT_MS);
    expect(await effectsOf(orders)).toEqual({ payments: 24, announced: 24 });
  });

  test('a failed payment leaves the order pending', async () => {
    const orderId = await platform.place(token);
    await sendToTopic(server.plain, FAILED, [paymentFor(orderId), { key: 'behind', value: 'not JSON: it was read' }]);
    const dead = await watchTopics(server.plain, [`${FAILED}.dead`]);
    await until('the message after it is set aside', () => dead.length > 0, WAIT_MS);
    expect(await statusOf(orderId)).toBe('pending');
  });

  test('an invalid message goes to .dead with the reason, and delays no other', async () => {
    const orderId = await platform.place(token);
    const unknown = randomUUID();
    await sendToTopic(server.plain, SUCCEEDED, [
      { key: orderId, value: '{"order_id":' },
      { key: orderId, value: '' },
      { key: `nul-\0-${orderId}`, value: '\0' },
      { key: orderId, value: JSON.stringify({ order_id: unknown }) },
      paymentFor(orderId),
    ]);
    await until('the order behind them is completed', async () => (await statusOf(orderId)) === 'completed', WAIT_MS);
    const dead = await watchTopics(server.plain, [`${SUCCEEDED}.dead`]);
    await until('four are set aside', () => dead.length === 4, WAIT_MS);
    expect(dead.map(({ value }) => JSON.parse(value))).toEqual(
      expect.arrayContaining([
        { reason: 'the message is not JSON', topic: SUCCEEDED, key: orderId, value: '{"order_id":' },
        expect.objectContaining({ value: JSON.stringify({ order_id: unknown }) }),
      ]),
    );
  });

  test('a replica that stops hands over, and a new one takes its share; nothing is lost or done twice', async () => {
    const orders = await placeMany(150);
    const queue = [...orders];
    const sending = (async () => {
      while (queue.length > 0) await sendToTopic(server.plain, SUCCEEDED, queue.splice(0, 10).map(paymentFor));
    })();
    const began = performance.now();
    await second.app.close();
    expect(performance.now() - began).toBeLessThan(patience(15_000));
    await until('the first has them all', async () => (await partitionsByMember()).join() === '12', WAIT_MS);
    second = await startReplicaOnKafka();
    await sending;
    await until('all are completed', async () => (await completed(orders)) === 150, WAIT_MS);
    await until('the new one has its share', async () => (await partitionsByMember()).length === 2, WAIT_MS);
    expect(await effectsOf(orders)).toEqual({ payments: 150, announced: 150 });
  });
});

describe('the service under load', () => {
  /**
   * Buyers who order without pause until the load is stopped; returns each wait in milliseconds, and the
   * number of refusals.
   */
  function buyers(count: number) {
    let isOver = false;
    const waits: number[] = [];
    const failures: number[] = [];
    const each = async (at: number) => {
      const app = at % 2 === 0 ? platform.app : second;
      while (!isOver) {
        const began = performance.now();
        const { status } = await app.call('POST', '/api/order', { token, body: platform.request() });
        waits.push(performance.now() - began);
        if (status !== 201) failures.push(status);
      }
    };
    const all = Promise.all(Array.from({ length: count }, (_, at) => each(at)));
    return {
      waits,
      failures,
      async stop() {
        isOver = true;
        await all;
      },
    };
  }

  /** The topics hold exactly what the outbox holds, with each seat and order in order of first publication. */
  async function compareWithOutbox() {
    const compared = await compareAnnounced(platform.app.dsn, server.plain);
    expect(compared).toMatchObject({ strays: [], misordered: [], missing: 0 });
    return compared;
  }

  test('while the broker is down for a time, it takes orders as quickly, and later announces everything in order', async () => {
    const before = buyers(8);
    await until('some have ordered', () => before.waits.length > 150, WAIT_MS);
    await before.stop();
    const load = buyers(8);
    await server.kill();
    const atKill = load.waits.length;
    await until('health reports it', async () => (await kafkaHealth()).kafka.status === 'DOWN', 5_000);
    const health = await kafkaHealth();
    expect(health).toMatchObject({ status: 200, kafka: { status: 'DOWN', embedded: false } });
    expect(health.ms).toBeLessThan(patience(1_000));
    await until('many have ordered since', () => load.waits.length > atKill + 600, WAIT_MS);
    const [waiting] = await platform.app.sql<{ n: number }>(
      'SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL',
    );
    expect(waiting?.n).toBeGreaterThan(1_000);
    await server.restart();
    await until('health reports that it is back', async () => (await kafkaHealth()).kafka.status === 'UP', WAIT_MS);
    await load.stop();
    expect(load.failures).toEqual([]);
    const median = (waits: readonly number[]) => waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
    const after = buyers(8);
    await until('as many have ordered again', () => after.waits.length > 150, WAIT_MS);
    await after.stop();
    // Compared with the machine’s speed before and after, because it may have other work.
    const usual = Math.max(median(before.waits), median(after.waits));
    expect(median(load.waits)).toBeLessThan(patience(usual + 20));
    expect(Math.max(...load.waits)).toBeLessThan(patience(3_000));
    const { published, repeats } = await compareWithOutbox();
    expect(published).toBeGreaterThan(1_500);
    expect(repeats).toBeLessThan(published / 4);
    const orderId = await platform.place(token);
    await sendToTopic(server.plain, SUCCEEDED, [{ key: orderId, value: JSON.stringify({ order_id: orderId }) }]);
    await until('payments are received again', async () => (await statusOf(orderId)) === 'completed', WAIT_MS);
  });

  test('while a broker accepts calls and answers none, it takes orders, and health reports the broker in time', async () => {
    const load = buyers(8);
    server.freeze();
    try {
      await until('health reports it', async () => (await kafkaHealth()).kafka.status === 'DOWN', 5_000);
      expect((await kafkaHealth()).ms).toBeLessThan(patience(1_500));
      const now = load.waits.length;
      await until('many have ordered since', () => load.waits.length > now + 300, WAIT_MS);
    } finally {
      server.thaw();
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(Math.max(...load.waits)).toBeLessThan(patience(3_000));
    await compareWithOutbox();
  });
});

test('a message too large for the brokers blocks its own key and no other', async () => {
  const key = randomUUID();
  const insert = "INSERT INTO outbox (topic, key, value) VALUES ('orderUpdated', $1, $2)";
  await platform.app.sql(insert, [key, 'x'.repeat(1_500_000)]);
  await platform.app.sql(insert, [key, '{"after":"it"}']);
  const other = await platform.place(token);
  const waiting = () =>
    platform.app.sql<{ key: string; last_error: string | null }>(
      'SELECT key, last_error FROM outbox WHERE published_at IS NULL ORDER BY id',
    );
  const left = await until(
    'all the others are announced',
    async () => {
      const rows = await waiting();
      return rows.every((row) => row.key === key) && rows;
    },
    WAIT_MS,
  );
  expect(left.map(({ last_error }) => last_error)).toEqual([expect.stringContaining('MESSAGE_TOO_LARGE'), null]);
  const seen = await watchTopics(server.plain, [CREATED, UPDATED]);
  await until('the other is seen', () => seen.some((record) => record.key === other), WAIT_MS);
  await platform.app.sql('UPDATE outbox SET value = $2 WHERE key = $1 AND length(value) > 1000', [key, '{}']);
  await until('its key continues', () => seen.filter((record) => record.key === key).length === 2, WAIT_MS);
  expect(seen.filter((record) => record.key === key).map(({ value }) => value)).toEqual(['{}', '{"after":"it"}']);
  // These orders are artificial: later checks must not find them.
  await platform.app.sql('DELETE FROM outbox WHERE key = $1', [key]);
});

describe('a service that starts', () => {
  test('it uses SASL over TLS when its variables say so', async () => {
    const app = await startTestApp({
      KAFKA_ADDR: server.saslOverTls,
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA_FILE: server.caFile,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_USERNAME: 'ticketing',
      KAFKA_PASSWORD: 'secret-of-the-broker',
      KAFKA_GROUP_ID: randomUUID(),
    });
    await until('Kafka is up', async () => (await kafkaHealth(app)).kafka.status === 'UP');
    expect(app.log.join('')).not.toContain('secret-of-the-broker');
  });

  test('without Kafka it takes orders, and reports that Kafka is down', async () => {
    const alone = await startTestApp({ KAFKA_ADDR: '127.0.0.1:9' });
    const health = await kafkaHealth(alone);
    expect(health).toMatchObject({ status: 200, kafka: { status: 'DOWN', embedded: false } });
    expect(health.ms).toBeLessThan(patience(1_000));
  });

  test('it refuses to start on missing topics that it may not create, and names them', async () => {
    const TOPIC_ORDER_CREATED = `not-there-${randomUUID()}`;
    await expect(
      startTestApp({ KAFKA_ADDR: server.plain, KAFKA_CREATE_TOPICS: 'false', TOPIC_ORDER_CREATED }),
    ).rejects.toThrow(`Kafka has no topic ${TOPIC_ORDER_CREATED}, and`);
  });

  test('with the embedded venue, its map shows holds of any replica', async () => {
    const alone = await startTestApp({ KAFKA_ADDR: server.plain, TOPIC_SEATS_STATUS: `seats-${randomUUID()}` });
    const buyer = await alone.signIn('buyer');
    const [body] = await ordersOfOneSeat(alone.url, DEMO_SEATS_SEARCH, 1);
    const path = `/api/event-query/v1/sessions/${body?.session_id}/seating-map`;
    const seats = async (): Promise<{ id: string; status: string }[]> =>
      (await alone.call('GET', path)).body.layout.blocks[0].rows.flatMap((row: { seats: unknown[] }) => row.seats);
    const status = async () => (await seats()).find(({ id }) => id === body?.seat_ids[0])?.status;
    expect(await status()).toBe('AVAILABLE');
    expect((await alone.call('POST', '/api/order', { token: buyer, body })).status).toBe(201);
    await until('the map shows it', async () => (await status()) === 'LOCKED', WAIT_MS);
  });
});
