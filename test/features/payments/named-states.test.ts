import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claimRefunds, refundsOf, retryRefund } from '../../../src/features/payments/refunds.store.ts';
import { type Instant, instant, later } from '../../../src/kernel/clock.ts';
import { as, type PaymentIntentId } from '../../../src/kernel/ids.ts';
import { Currency } from '../../../src/kernel/money.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { migrateDown, migrateUp } from '../../../src/platform/postgres/migrations.ts';
import { insertSampleData } from '../../../src/platform/postgres/sample-data.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { testDatabase } from '../../support/own-database.ts';

const STEP = '000014_named_states';
const currency = new Currency('lkr');
/** Later than everything that a test has written. */
const NOW: Instant = instant(Date.now() + 60_000);
let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ dsn, currency: LKR, maxConnections: 2, onIdleError: () => undefined });
  await insertSampleData(database);
});

afterAll(() => database.close());

/** A payment as the previous release writes it: without a source. */
async function payment(intentId: string): Promise<string> {
  await sql(
    dsn,
    `INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
     SELECT $1, order_id, 100, 'lkr', now(), 'refund_due' FROM orders LIMIT 1`,
    [intentId],
  );
  return intentId;
}

/** A refund as the previous release writes it: without a state. */
async function refund(intentId: string, attempts: number, providerId: string | null = null): Promise<string> {
  const refundId = randomUUID();
  await sql(
    dsn,
    `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, provider_id, attempts, next_attempt_at)
     VALUES ($1, $2, 10, 'service', 'x', now(), $3, $4, now())`,
    [refundId, intentId, providerId, attempts],
  );
  return refundId;
}

const newStripe = () => payment(`pi_${randomUUID()}`);
const newExternal = () => payment(`elsewhere:${randomUUID()}`);

async function stateOf(refundId: string) {
  const [row] = await sql(dsn, 'SELECT state, paid_by FROM refunds WHERE refund_id = $1', [refundId]);
  return row;
}

async function attemptsOf(refundId: string) {
  const [row] = await sql<{ attempts: number }>(dsn, 'SELECT attempts FROM refunds WHERE refund_id = $1', [refundId]);
  return row?.attempts;
}

/** Refunds and payments in every possible state, with the name of each. */
async function everyState() {
  const stripe = await newStripe();
  const external = await newExternal();
  const cash = await payment(`cash:${randomUUID()}`);
  const refunds = [
    [await refund(stripe, 0), { state: 'due', paid_by: null }],
    [await refund(stripe, 3), { state: 'sent', paid_by: null }],
    [await refund(stripe, 12), { state: 'failed', paid_by: null }],
    [await refund(external, 12), { state: 'manual', paid_by: null }],
    [await refund(cash, 12), { state: 'manual', paid_by: null }],
    [await refund(stripe, 1, `re_${randomUUID()}`), { state: 'done', paid_by: 'provider' }],
    [await refund(stripe, 12, `manual:${randomUUID()}:transfer`), { state: 'done', paid_by: 'person' }],
  ] as const;
  const sources = [
    [stripe, 'stripe'],
    [external, 'external'],
    [cash, 'cash'],
  ] as const;
  return { refunds, sources };
}

async function expectNamed({ refunds, sources }: Awaited<ReturnType<typeof everyState>>): Promise<void> {
  for (const [refundId, state] of refunds) expect(await stateOf(refundId)).toEqual(state);
  for (const [intentId, source] of sources) {
    const rows = await sql(dsn, 'SELECT source FROM payments WHERE payment_intent_id = $1', [intentId]);
    expect(rows).toEqual([{ source }]);
  }
}

test('existing rows get a named state, and so do rows written while the migration was undone', async () => {
  const before = await everyState();
  const undo = () => migrateDown({ dsn, dir: 'migrations', currency });
  while ((await undo())[0] !== STEP);
  const between = await everyState();
  const eventId = `evt_${randomUUID()}`;
  await sql(
    dsn,
    `INSERT INTO stripe_inbox (event_id, type, payment_intent_id, amount_minor, currency, received_at, next_attempt_at)
     VALUES ($1, 'x', 'pi_1', 5, 'lkr', now(), now()), ($1 || 'b', 'x', 'pi_1', NULL, NULL, now(), now())`,
    [eventId],
  );
  await migrateUp({ dsn, dir: 'migrations', currency });
  await expectNamed(before);
  await expectNamed(between);
  expect(
    await sql(dsn, 'SELECT kind FROM stripe_inbox WHERE event_id LIKE $1 ORDER BY event_id', [`${eventId}%`]),
  ).toEqual([{ kind: 'paid' }, { kind: 'money_went_back' }]);
});

describe('while the previous release runs beside this one', () => {
  test('the rows that it writes get a named state', async () => {
    await expectNamed(await everyState());
  });

  test('its attempts, successes and failures move a refund to the next state', async () => {
    const refundId = await refund(await newStripe(), 0);
    const said = async (set: string) => {
      await sql(dsn, `UPDATE refunds SET ${set} WHERE refund_id = $1`, [refundId]);
      return stateOf(refundId);
    };
    expect(await said('attempts = attempts + 1')).toEqual({ state: 'sent', paid_by: null });
    expect(await said("last_error = 'not today'")).toEqual({ state: 'sent', paid_by: null });
    expect(await said('attempts = 12')).toEqual({ state: 'failed', paid_by: null });
    expect(await said('attempts = 1')).toEqual({ state: 'sent', paid_by: null });
    expect(await said(`provider_id = 're_${refundId}', last_error = NULL`)).toEqual({
      state: 'done',
      paid_by: 'provider',
    });
    expect(await said("provider_id = NULL, attempts = 12, last_error = 'bounced'")).toEqual({
      state: 'failed',
      paid_by: null,
    });
    expect(await said(`provider_id = 'manual:${refundId}:transfer'`)).toEqual({ state: 'done', paid_by: 'person' });
  });

  test('it does not send a refund that waits for an operator here, and sends one that is retried', async () => {
    const intentId = await newExternal();
    const refundId = randomUUID();
    await sql(
      dsn,
      `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, next_attempt_at, state)
       VALUES ($1, $2, 10, 'service', 'x', now(), now(), 'manual')`,
      [refundId, intentId],
    );
    expect(await attemptsOf(refundId)).toBe(12);
    expect(await retryRefund(database, refundId, NOW)).toBe(true);
    expect(await stateOf(refundId)).toMatchObject({ state: 'sent' });
    expect(await attemptsOf(refundId)).toBe(1);
  });
});

test('a refund fails after its last attempt, and only its first attempt is marked as the first', async () => {
  await sql(dsn, "UPDATE refunds SET next_attempt_at = now() + interval '1 day'");
  const intentId = await newStripe();
  const [first, last] = [await refund(intentId, 0), await refund(intentId, 11)];
  const claimed = await claimRefunds(database, NOW, 10);
  expect(claimed.map(({ refundId, isFirstTry }) => [refundId, isFirstTry]).toSorted()).toEqual(
    [
      [first, true],
      [last, false],
    ].toSorted(),
  );
  const refunds = await refundsOf(database, as<PaymentIntentId>(intentId));
  expect(new Map(refunds.map(({ refundId, state }) => [refundId, state]))).toEqual(
    new Map([
      [first, 'sent'],
      [last, 'failed'],
    ]),
  );
  expect(await claimRefunds(database, later(NOW, 3_600_000), 10)).toHaveLength(1);
});
