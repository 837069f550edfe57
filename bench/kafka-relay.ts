/**
 * The relay with a real Kafka, which is started for this run: messages per second from outbox to topic, beside the limit
 * (the same messages published from memory without a database), and the delay of single messages from commit until
 * another client reads them. The exit code is 1 if the relay reaches less than a seventh of the limit or the median delay is
 * above 50 ms.
 */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../src/embedded/postgres/postgres.ts';
import { type Clock, instant } from '../src/kernel/clock.ts';
import type { Announcement, EventPublisher, TopicNames } from '../src/kernel/events.ts';
import { Currency } from '../src/kernel/money.ts';
import { createBell, startPoller } from '../src/platform/jobs/poller.ts';
import { connectKafka } from '../src/platform/kafka/kafka.ts';
import { appendToOutbox } from '../src/platform/outbox/outbox.store.ts';
import { RELAY_POLL_MS, Relay } from '../src/platform/outbox/relay.ts';
import { type Database, openDatabase } from '../src/platform/postgres/database.ts';
import { createLeader } from '../src/platform/postgres/leader.ts';
import { migrateUp } from '../src/platform/postgres/migrations.ts';
import { openOnlooker } from '../test/support/kafka-onlooker.ts';
import { startKafka } from '../test/support/kafka-server.ts';

const MESSAGES = 40_000;
const BATCH = 500;
const WARM_UP = 5_000;
const SINGLES = 500;
const BETWEEN_SINGLES_MS = 10;
const LEAST_SHARE = 0.15;
const MAX_MEDIAN_MS = 50;
const LOCK = 1;
const HOUR_MS = 3_600_000;
/** About the size of an order with two tickets. */
const VALUE = JSON.stringify({ order: 'x'.repeat(1_100) });
const TOPICS: TopicNames = {
  orderCreated: 'created',
  orderUpdated: 'updated',
  orderAmended: 'amended',
  orderCanceled: 'canceled',
  seatsStatus: 'seats',
  paymentSucceededDead: 'succeeded.dead',
  paymentFailedDead: 'failed.dead',
};
const clock: Clock = { now: () => instant(Date.now()) };

function fail(error: unknown): never {
  throw error;
}

function announcements(count: number): Announcement[] {
  return Array.from({ length: count }, () => ({ topic: 'orderCreated', key: randomUUID(), value: VALUE }));
}

/** Messages per second from memory: the limit of Kafka and its client without the outbox. */
async function limit(publisher: EventPublisher, messages: number): Promise<number> {
  const batches = Array.from({ length: messages / BATCH }, () =>
    announcements(BATCH).map(({ key, value }) => ({
      eventId: randomUUID(),
      topic: TOPICS.orderCreated,
      key,
      value,
      committedAt: clock.now(),
    })),
  );
  const began = performance.now();
  for (const batch of batches) await publisher.publish(batch);
  return (messages * 1_000) / (performance.now() - began);
}

/** Messages per second from a full outbox. */
async function drain(database: Database, turn: () => Promise<boolean>): Promise<number> {
  for (let at = 0; at < MESSAGES; at += BATCH) {
    await database.transaction((tx) => appendToOutbox(tx, announcements(BATCH)));
  }
  const began = performance.now();
  while (await turn());
  return (MESSAGES * 1_000) / (performance.now() - began);
}

/** Delays of single messages from commit to another client. */
async function waits(database: Database, broker: string, turn: () => Promise<boolean>): Promise<number[]> {
  const committed = new Map<string, number>();
  const waited: number[] = [];
  const onlooker = await openOnlooker(broker, [TOPICS.orderUpdated], ({ key }) =>
    waited.push(performance.now() - (committed.get(key) ?? Number.NaN)),
  );
  const bell = createBell();
  const poller = startPoller({ intervalMs: RELAY_POLL_MS, bell, turn, onError: fail });
  for (let at = 0; at < SINGLES; at += 1) {
    const key = randomUUID();
    await database.transaction((tx) => appendToOutbox(tx, [{ topic: 'orderUpdated', key, value: VALUE }]));
    committed.set(key, performance.now());
    bell.ring();
    await pause(BETWEEN_SINGLES_MS);
  }
  while (waited.length < SINGLES) await pause(BETWEEN_SINGLES_MS);
  await poller.stop();
  await onlooker.close();
  return waited.toSorted((a, b) => a - b);
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-bench-'));
  const [server, postgres] = await Promise.all([startKafka(), startEmbeddedPostgres(folder)]);
  const { dsn } = postgres;
  try {
    await migrateUp({ dsn, dir: 'migrations' });
    const database = openDatabase({
      currency: new Currency('lkr'),
      dsn,
      maxConnections: 4,
      onIdleError: () => undefined,
    });
    const leader = createLeader({ dsn, lock: LOCK, clock });
    const kafka = await connectKafka({
      access: { brokers: [server.plain], clientId: 'bench', tls: undefined, sasl: undefined },
      topics: { names: Object.values(TOPICS), mayCreate: true, partitions: 6, replicas: undefined },
      onError: fail,
    });
    const publishing = new Relay({
      database,
      leader,
      publisher: kafka,
      topics: TOPICS,
      clock,
      retentionMs: HOUR_MS,
      onError: fail,
    });
    const relay = () => publishing.turn();
    await limit(kafka, WARM_UP);
    const most = await limit(kafka, MESSAGES);
    const carried = await drain(database, relay);
    const waited = await waits(database, server.plain, relay);
    const median = waited[Math.floor(SINGLES / 2)] ?? Number.NaN;
    const p99 = waited[Math.floor(SINGLES * 0.99)] ?? Number.NaN;
    console.log(`from memory ${most.toFixed(0)} messages/s, from the outbox ${carried.toFixed(0)} messages/s`);
    console.log(`commit to reader: median ${median.toFixed(1)} ms, 99 of 100 within ${p99.toFixed(1)} ms`);
    if (carried < LEAST_SHARE * most || median > MAX_MEDIAN_MS) process.exitCode = 1;
    await Promise.all([kafka.close(), leader.close(), database.close()]);
  } finally {
    await Promise.all([server.stop(), postgres.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
