import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CHECKS } from '../../../src/checks.ts';
import { verify } from '../../../src/features/verification/index.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { insertSampleData } from '../../../src/platform/postgres/sample-data.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { testDatabase } from '../../support/own-database.ts';

const EMPTY =
  'TRUNCATE orders, tickets, earlier_codes, outbox, payments, refunds, stripe_inbox, idempotency_keys, discount_uses, sale_changes, ' +
  'sales_totals, sales_by_time, organization_sales_by_time, sales_by_tier, discounts_by_time, money_by_session, audit_trail, scans';
/** The indexes that a damage drops. */
const GUARDS = `;
  CREATE UNIQUE INDEX IF NOT EXISTS tickets_live_seat ON tickets (session_id, seat_id) WHERE voided_at IS NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS scans_nonce
    ON scans (session_id, nonce, COALESCE(device_id, scanned_by::text)) WHERE nonce IS NOT NULL`;
let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ currency: LKR, dsn, maxConnections: 2, onIdleError: () => undefined });
});

afterAll(() => database.close());

beforeEach(async () => {
  await sql(dsn, EMPTY + GUARDS);
  await insertSampleData(database);
});

const findings = () => database.snapshot((executor) => verify(executor, CHECKS));
const OTHER = `INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at, expires_at)
  SELECT '33333333-0000-4000-8000-000000000000', user_id, event_id, organization_id, session_id, 'pending', 100, 100, now(), now() + interval '5 minutes' FROM orders;
  INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase, issued_at)
  SELECT '44444444-0000-4000-8000-000000000000', '33333333-0000-4000-8000-000000000000', session_id, 'A2', 'A2', colour, tier_id, tier_name, 100, now() FROM tickets;`;
const ANNOUNCED = `INSERT INTO outbox (topic, key, value, committed_at, published_at)
  SELECT 'orderCreated', order_id::text, '{}', now() - interval '1 second', now() - interval '1 second' FROM orders;`;
/** Marks messages as published in a transaction of its own, as a turn of the relay does. */
const PUBLISHED = (condition: string) => `BEGIN; UPDATE outbox SET published_at = now() WHERE ${condition}; COMMIT;`;
const REFUND = (amount: number, providerId: string | null, attempts = 0) =>
  `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, provider_id, attempts, next_attempt_at)
   VALUES (gen_random_uuid(), 'pi_sample', ${amount}, 'service', 'x', now(), ${providerId ? `'${providerId}'` : 'NULL'}, ${attempts}, now());`;
const WEBHOOK = (attempts: number) =>
  `INSERT INTO stripe_inbox (event_id, type, received_at, next_attempt_at, attempts) VALUES ('evt_1', 'x', now(), now(), ${attempts});`;
const SCAN = (outcome: 'admitted' | 'refused') =>
  `INSERT INTO scans (session_id, ticket_id, direction, outcome, refusal, scanned_at, received_at, scanned_by, nonce)
   SELECT session_id, ticket_id, 'entry', '${outcome}', ${outcome === 'refused' ? "'ticket_not_paid'" : 'NULL'}, now(), now(),
          session_id, '${outcome}' FROM tickets;`;
const KEY = `INSERT INTO idempotency_keys (user_id, key, fingerprint, created_at, claim, claimed_until)
  SELECT user_id, 'k', 'f', now(), user_id, now() FROM orders;`;

test('verification finds nothing in a sound database', async () => {
  await sql(dsn, OTHER + ANNOUNCED.replace('FROM orders', "FROM orders WHERE status = 'pending'"));
  await sql(
    dsn,
    `INSERT INTO outbox (topic, key, value, published_at) SELECT 'orderUpdated', order_id::text, '{}', now() FROM orders WHERE status = 'completed'`,
  );
  // Two orders of a session at the same time, numbered in one order and committed in the other.
  await sql(
    dsn,
    `BEGIN; INSERT INTO outbox (topic, key, value)
       VALUES ('seatsStatus', 's', '{"seat_ids":["a"]}'), ('seatsStatus', 's', '{"seat_ids":["b"]}');
     COMMIT; ${PUBLISHED(`value = '{"seat_ids":["b"]}'`)} ${PUBLISHED('published_at IS NULL')}`,
  );
  expect(await findings()).toEqual([]);
});

/** A finding of a check, and the damage that causes it. */
const HARMS: readonly (readonly [invariant: string, finding: string, harm: string])[] = [
  [
    'I1',
    'a seat has more than one live ticket',
    `DROP INDEX tickets_live_seat; ${OTHER} UPDATE tickets SET seat_id = 'A1'`,
  ],
  [
    'I1',
    'a live ticket belongs to a cancelled order',
    `UPDATE orders SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'admin'`,
  ],
  [
    'I1',
    'an order that is not cancelled has no live ticket, and no organiser voided its last',
    `UPDATE tickets SET voided_at = now(), void_reason = 'refunded'`,
  ],
  ['I2', 'a completed order is not paid exactly its price', 'UPDATE payments SET amount_minor = 9999'],
  ['I2', 'a completed order is not paid exactly its price', 'DELETE FROM payments'],
  [
    'I2',
    'money pays for an order that is not completed',
    `UPDATE orders SET status = 'pending', completed_at = NULL, expires_at = now()`,
  ],
  [
    'I2',
    'money received has been left undecided',
    `UPDATE payments SET state = 'received', received_at = now() - interval '2 minutes'`,
  ],
  ['I2', 'more was refunded than was paid', REFUND(10_001, 're_1')],
  ['I2', 'a payment’s state is not what was refunded of it', REFUND(10_000, 're_1')],
  [
    'I2',
    'a payment’s state is not what was refunded of it',
    `${REFUND(9_999, 're_1')} UPDATE payments SET state = 'refunded'`,
  ],
  [
    'I2',
    'a payment’s state is not what was refunded of it',
    `${REFUND(10_000, null)} UPDATE payments SET state = 'refunded'`,
  ],
  [
    'I2',
    'a completed order is not paid exactly its price',
    'DELETE FROM payments; UPDATE orders SET expires_at = NULL',
  ],
  ['I2', 'a payment is withheld until a person decides whether to refund it', "UPDATE payments SET state = 'withheld'"],
  [
    'I2',
    'a payment that was assumed from its order is in another currency than CURRENCY',
    "UPDATE payments SET taken_over = 'assumed', currency = 'usd'",
  ],
  ['I2', 'a refund waits for a person', REFUND(1, null, 12)],
  ['I2', 'a webhook was given up', WEBHOOK(12)],
  [
    'I3',
    'a pending order outlived its hold',
    `${OTHER} UPDATE orders SET expires_at = now() - interval '2 minutes' WHERE status = 'pending'`,
  ],
  ['I4', 'an order’s state was not announced', `${ANNOUNCED}`],
  [
    'I4',
    'an order was announced as a new sale more than once',
    `INSERT INTO outbox (topic, key, value, published_at)
       SELECT 'orderUpdated', order_id::text, '{"Status":"completed"}', now() FROM orders, generate_series(1, 2)`,
  ],
  [
    'I4',
    'an announcement has not been published',
    `INSERT INTO outbox (topic, key, value, committed_at) VALUES ('seatsStatus', 's', '{}', now() - interval '2 minutes')`,
  ],
  [
    'I4',
    'a message of an order or a seat was published before an older one',
    `INSERT INTO outbox (topic, key, value, published_at) VALUES ('seatsStatus', 's', '{}', NULL), ('seatsStatus', 's', '{}', now())`,
  ],
  [
    'I4',
    'a message of an order or a seat was published before an older one',
    `BEGIN; INSERT INTO outbox (topic, key, value)
       SELECT topic, order_id::text, '{}' FROM orders, (VALUES ('orderCreated'), ('orderUpdated')) AS messages (topic);
     COMMIT; ${PUBLISHED("topic = 'orderUpdated'")} ${PUBLISHED("topic = 'orderCreated'")}`,
  ],
  [
    'I4',
    'a message of an order or a seat was published before an older one',
    `BEGIN; INSERT INTO outbox (topic, key, value)
       VALUES ('seatsStatus', 's', '{"seat_ids":["a","b"]}'), ('seatsStatus', 's', '{"seat_ids":["b"]}');
     COMMIT; ${PUBLISHED(`value = '{"seat_ids":["b"]}'`)} ${PUBLISHED('published_at IS NULL')}`,
  ],
  [
    'I4',
    'what was announced never happened',
    `INSERT INTO outbox (topic, key, value) VALUES ('orderCreated', gen_random_uuid()::text, '{}')`,
  ],
  [
    'I4',
    'totals of sales are not the completed orders',
    `INSERT INTO sales_totals VALUES ('event', gen_random_uuid(), 1, 1, 1)`,
  ],
  [
    'I5',
    'a live ticket was checked in without its order being completed',
    `${OTHER} UPDATE tickets SET checked_in = true, checked_in_time = now() WHERE seat_id = 'A2'`,
  ],
  ['I5', 'a ticket is inside or outside against its scans', `${SCAN('refused')} ${SCAN('admitted')}`],
  ['I7', 'a scan was kept more than once', `DROP INDEX scans_nonce; ${SCAN('refused')} ${SCAN('refused')}`],
  [
    'I6',
    'an organiser’s action is not in the audit trail',
    `UPDATE tickets SET voided_at = now(), void_reason = 'organiser'`,
  ],
  ['I6', 'an organiser’s action is not in the audit trail', `UPDATE payments SET source = 'cash'`],
  [
    'I7',
    'a webhook was kept more than once',
    `ALTER TABLE stripe_inbox DROP CONSTRAINT stripe_inbox_pkey; ${WEBHOOK(0)} ${WEBHOOK(0)}`,
  ],
  [
    'I7',
    'a request’s key was kept more than once',
    `ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey; ${KEY} ${KEY}`,
  ],
  ['I8', 'a price is not its seats less the discount', 'UPDATE tickets SET price_at_purchase = 1'],
  [
    'I8',
    'a discount’s uses are not the orders that have it',
    `INSERT INTO discount_uses VALUES ('77777777-0000-4000-8000-000000000000', 1)`,
  ],
  ['I9', 'an event’s sales are not its completed orders', 'UPDATE sales_by_time SET tickets = 2'],
  ['I9', 'an event’s sales are not its completed orders', 'DELETE FROM sales_by_time'],
  ['I9', 'an organisation’s sales are not its completed orders', 'UPDATE organization_sales_by_time SET revenue = 1'],
  ['I9', 'a tier’s sales are not its good tickets', 'INSERT INTO sales_by_tier SELECT * FROM sales_by_tier'],
  [
    'I9',
    'a discount’s figures are not the completed orders that have it',
    `UPDATE orders SET discount_id = event_id, discount_code = 'X' WHERE status = 'completed'`,
  ],
  ['I9', 'a session’s money is not its payments and refunds', REFUND(1, 're_1')],
  ['I9', 'a session’s money is not its payments and refunds', 'UPDATE money_by_session SET taken_minor = 1'],
];

describe('verification of a damaged database', () => {
  test.each(HARMS)('it finds %s: %s', async (invariant, finding, harm) => {
    await sql(dsn, harm);
    expect(await findings()).toContainEqual({ invariant, finding, subjects: [expect.any(String)] });
  });

  test('it tries every check', () => {
    expect(new Set(HARMS.map(([, finding]) => finding))).toEqual(new Set(CHECKS.map(({ finding }) => finding)));
  });
});

test('the command reports findings by its exit code, and writes nothing', async () => {
  const run = () =>
    promisify(execFile)(process.execPath, ['scripts/verify.ts'], {
      env: { ...process.env, POSTGRES_DSN: dsn },
    });
  expect((await run()).stdout).toBe('Every invariant holds.\n');
  await sql(dsn, 'DELETE FROM payments');
  await expect(run()).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('I2  a completed order is not paid exactly its price: 22222222'),
  });
  await expect(
    database.snapshot((executor) => executor.rows({ name: 'w', text: 'DELETE FROM outbox' }, [])),
  ).rejects.toMatchObject({ cause: { code: '25006' } });
});
