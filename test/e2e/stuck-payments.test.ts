import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAdmin, newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { deliverPayment } from '../support/races.ts';
import { close, listen } from '../support/servers.ts';
import { storedIn } from '../support/stored.ts';

/** A Stripe that refuses every refund until the test changes that. */
let refuses = true;
const stripe = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  // A retry first looks up the payment and earlier refunds of it, of which this Stripe has none.
  if (request.url?.startsWith('/v1/refunds?')) return void response.end('{"object":"list","data":[],"has_more":false}');
  if (request.method === 'GET') {
    response.writeHead(404);
    return void response.end('{"error":{"type":"invalid_request_error","code":"resource_missing","message":"none"}}');
  }
  if (request.url === '/v1/refunds' && !refuses) return void response.end('{"object":"refund","id":"re_1"}');
  response.writeHead(400).end('{"error":{"type":"invalid_request_error","message":"Not today."}}');
});
let platform: PlatformApp;
let admin: Person;

beforeAll(async () => {
  platform = await startPlatformApp({ STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_API_BASE: await listen(stripe) });
  admin = await newAdmin(platform);
});

afterAll(() => close(stripe));

test('a refund that used up its attempts is listed for an administrator, who retries it', async () => {
  const orderId = await (await newPerson(platform)).place();
  const intentId = `pi_${randomUUID()}`;
  await deliverPayment(platform, orderId, intentId, 1);
  expect(await admin.stuckPayments()).toEqual([]);
  await platform.app.untilRows(
    'the first try has failed',
    1,
    'SELECT FROM refunds WHERE last_error IS NOT NULL AND payment_intent_id = $1',
    [intentId],
  );
  await platform.app.sql('UPDATE refunds SET attempts = 12');
  const [refund] = await platform.app.sql<{ refund_id: string }>('SELECT refund_id FROM refunds');
  expect(await admin.stuckPayments()).toEqual([
    {
      kind: 'refund',
      id: refund?.refund_id,
      order_id: orderId,
      payment_intent_id: intentId,
      amount_minor: 1,
      currency: 'lkr',
      attempts: 12,
      last_error: 'The payment provider refused the payment: Not today.',
      received_at: expect.stringMatching(/Z$/),
    },
  ]);
  refuses = false;
  const id = String(refund?.refund_id);
  await admin.retryPayment(id);
  await platform.app.untilRows(
    'it is refunded',
    1,
    "SELECT FROM payments JOIN refunds USING (payment_intent_id) WHERE payments.state = 'refunded' AND provider_id = 're_1'",
  );
  expect(await admin.stuckPayments()).toEqual([]);
  expect(await admin.tries.retryPayment(id)).toMatchObject({ status: 404, body: { code: 'payment_not_stuck' } });
});

test('a webhook that used up its attempts is retried, and has its effect once', async () => {
  const orderId = await (await newPerson(platform)).place();
  const eventId = `evt_${randomUUID()}`;
  await platform.app.sql(
    `INSERT INTO stripe_inbox (event_id, type, payment_intent_id, order_id, amount_minor, currency, received_at, attempts, next_attempt_at, last_error)
     VALUES ($1, 'payment_intent.succeeded', 'pi_late', $2, 10000, 'lkr', now(), 12, now(), 'the database was unavailable')`,
    [eventId, orderId],
  );
  expect(await admin.stuckPayments()).toMatchObject([
    { kind: 'webhook', id: eventId, last_error: 'the database was unavailable' },
  ]);
  await admin.retryPayment(eventId);
  await storedIn(platform.app).untilStatus(orderId, 'completed');
});
