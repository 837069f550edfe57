import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Order } from '../../../src/features/orders/index.ts';
import { PaymentMessages } from '../../../src/features/payments/consumers.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import type { Announcement, EventMessage, TopicKey } from '../../../src/kernel/events.ts';
import { MAX_TRIES } from '../../../src/platform/jobs/due-work.ts';
import type { Database, Statement, Transaction } from '../../../src/platform/postgres/database.ts';

let failure: unknown;
let setAside: Announcement[];
let outcomes: string[];

/** The only statement of this feature in this test appends to the outbox. */
const transaction = {
  traceparent: () => undefined,
  wake: () => undefined,
  async rows(_statement: Statement, [topics, keys, values]: readonly string[][]) {
    for (const [at, topic] of topics?.entries() ?? [])
      setAside.push({ topic: topic as TopicKey, key: keys?.[at] ?? '', value: values?.[at] ?? '' });
    return [];
  },
} as unknown as Transaction;

const consumer = new PaymentMessages({
  database: { transaction: (work: (tx: Transaction) => Promise<unknown>) => work(transaction) } as Database,
  metrics: { paymentTopic: (outcome) => void outcomes.push(outcome) },
  orders: { find: async () => ({}) as Order },
  async takeExternal() {
    if (failure) throw failure;
  },
});

beforeEach(() => {
  failure = undefined;
  setAside = [];
  outcomes = [];
});

const orderId = randomUUID();
const message = (more: Partial<EventMessage> = {}): EventMessage => ({
  eventId: 'e',
  topic: 'payments',
  key: orderId,
  value: JSON.stringify({ order_id: orderId }),
  committedAt: instant(0),
  ...more,
});

describe('a payment message that fails', () => {
  test('it is redelivered and finally set aside, without the internal error', async () => {
    failure = new Error('relation "payments" has no such row');
    for (let attempt = 1; attempt < MAX_TRIES; attempt += 1) {
      await expect(consumer.succeeded(message(), attempt)).rejects.toThrow('relation');
    }
    expect(setAside).toEqual([]);
    await consumer.succeeded(message(), MAX_TRIES);
    expect(setAside.map(({ topic, key }) => ({ topic, key }))).toEqual([
      { topic: 'paymentSucceededDead', key: orderId },
    ]);
    expect(JSON.parse(setAside[0]?.value ?? '')).toEqual({
      reason: 'The service failed at every try.',
      topic: 'payments',
      key: orderId,
      value: message().value,
    });
    expect(outcomes).toEqual(['set_aside']);
  });

  test.each(['database_unavailable', 'payments_unavailable'] as const)(
    'it is retried without end when the reason is %s',
    async (code) => {
      failure = new AppError(code, 'unavailable');
      await expect(consumer.succeeded(message(), 10 * MAX_TRIES)).rejects.toThrow('unavailable');
      expect(setAside).toEqual([]);
      failure = undefined;
      await consumer.succeeded(message(), 10 * MAX_TRIES + 1);
      expect(outcomes).toEqual(['succeeded']);
    },
  );
});

test('it can be stored and published when it is set aside, whatever it contained', async () => {
  await consumer.failed(message({ key: 'a\0b', value: '\0'.repeat(3_000_000) }), 1);
  expect(setAside[0]?.key).toBe('ab');
  expect(setAside[0]?.value).not.toContain('\0');
  expect(Buffer.byteLength(setAside[0]?.value ?? '')).toBeLessThan(1_000_000);
});
