import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEmbeddedStripe } from '../../../src/embedded/stripe/stripe.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as, type OrderId, type PaymentIntentId } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';
import { createStripeProvider } from '../../../src/platform/stripe/stripe.provider.ts';
import { hostEmbedded } from '../../support/embedded-host.ts';
import { testFolder } from '../../support/folders.ts';
import { close, listen } from '../../support/servers.ts';

const KEYS = { secretKey: 'sk_test_1', webhookSecret: 'whsec_1' };
const ORDER = as<OrderId>('8d564400-1273-4e3c-9b7d-cc3beccd2b27');
const lkr = new Currency('lkr');

async function start() {
  const dataDir = await testFolder();
  const url = await hostEmbedded(async (own) => {
    const part = await createEmbeddedStripe({
      ...KEYS,
      clock: { now: () => instant(Date.now()) },
      ids: { uuid: () => randomUUID() },
      dataDir,
      url: own,
      publishableKey: 'pk_test_1',
      webhookUrl: 'http://127.0.0.1:1/unused',
    });
    onTestFinished(() => part.close());
    return part;
  });
  const { hostname, port } = new URL(url);
  return {
    provider: createStripeProvider({ ...KEYS, apiBase: `${url}/` }),
    stripe: new Stripe(KEYS.secretKey, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0 }),
  };
}

describe('a PaymentIntent', () => {
  test('it is the same for the same key, and names the order', async () => {
    const { provider, stripe } = await start();
    const first = await provider.createIntent({ orderId: ORDER, amount: money(15_050), currency: lkr, key: 'k1' });
    expect(first).toMatchObject({
      state: 'open',
      amount: 15_050,
      received: 0,
      currency: 'lkr',
      orderId: ORDER,
      lastDecline: undefined,
    });
    expect(
      (await provider.createIntent({ orderId: ORDER, amount: money(15_050), currency: lkr, key: 'k1' })).intentId,
    ).toBe(first.intentId);
    expect(
      (await provider.createIntent({ orderId: ORDER, amount: money(15_050), currency: lkr, key: 'k2' })).intentId,
    ).not.toBe(first.intentId);
    expect(await stripe.paymentIntents.retrieve(first.intentId)).toMatchObject({
      amount: 15_050,
      currency: 'lkr',
      metadata: { order_id: ORDER },
    });
  });

  test('it reports a decline, a success, and the outcome of a cancel', async () => {
    const { provider, stripe } = await start();
    const { intentId } = await provider.createIntent({ orderId: ORDER, amount: money(100), currency: lkr, key: 'k' });
    await stripe.paymentIntents.confirm(intentId, { payment_method: 'pm_card_chargeDeclined' }).catch(() => undefined);
    expect(await provider.findIntent(intentId)).toMatchObject({
      state: 'open',
      lastDecline: 'Your card was declined.',
    });
    await stripe.paymentIntents.confirm(intentId, { payment_method: 'pm_card_visa' });
    expect(await provider.cancelIntent(intentId)).toMatchObject({ state: 'succeeded', received: 100 });
    const open = await provider.createIntent({ orderId: ORDER, amount: money(100), currency: lkr, key: 'k2' });
    expect(await provider.cancelIntent(open.intentId)).toMatchObject({ state: 'canceled' });
    expect(await provider.cancelIntent(open.intentId)).toMatchObject({ state: 'canceled' });
  });

  test('it is undefined when Stripe does not know it', async () => {
    const { provider } = await start();
    const none = as<PaymentIntentId>('pi_none');
    expect([await provider.findIntent(none), await provider.cancelIntent(none)]).toEqual([undefined, undefined]);
  });

  test('it is refused with Stripe’s reason when Stripe refuses it', async () => {
    const { provider } = await start();
    await expect(
      provider.createIntent({ orderId: ORDER, amount: money(12_345), currency: new Currency('kwd'), key: 'k' }),
    ).rejects.toMatchObject({ code: 'payment_refused', message: expect.stringContaining('must be 0') });
  });

  test.each([0, 100_000_000])('its amount of %i is not chargeable when Stripe says so', async (amount) => {
    const { provider } = await start();
    const beyond = { orderId: ORDER, amount: money(amount), currency: lkr, key: 'k' };
    await expect(provider.createIntent(beyond)).rejects.toMatchObject({
      code: 'price_not_chargeable',
      message: expect.stringContaining('The amount is'),
    });
  });
});

test('a refund is made once', async () => {
  const { provider, stripe } = await start();
  const { intentId } = await provider.createIntent({ orderId: ORDER, amount: money(100), currency: lkr, key: 'k' });
  await stripe.paymentIntents.confirm(intentId, { payment_method: 'pm_card_visa' });
  const providerId = await provider.refund(intentId, 60, 'refund-1', true);
  expect(await provider.refund(intentId, 60, 'refund-1', false)).toBe(providerId);
  expect((await stripe.refunds.list({ payment_intent: intentId })).data).toMatchObject([
    { id: providerId, amount: 60, metadata: { refund_id: 'refund-1' } },
  ]);
  expect(await provider.account(intentId)).toMatchObject({
    intent: { intentId, state: 'succeeded', received: 100, orderId: ORDER },
    refunds: [{ providerId, amount: 60, refundId: 'refund-1', hasFailed: false }],
    disputes: [],
  });
});

test('the refunds of a payment are read to the last, also beyond one page', async () => {
  const { provider, stripe } = await start();
  const { intentId } = await provider.createIntent({ orderId: ORDER, amount: money(200), currency: lkr, key: 'k' });
  await stripe.paymentIntents.confirm(intentId, { payment_method: 'pm_card_visa' });
  for (let each = 0; each < 101; each += 1) await stripe.refunds.create({ payment_intent: intentId, amount: 1 });
  expect((await provider.account(intentId))?.refunds).toHaveLength(101);
});

test.each([
  ['unreachable', undefined],
  ['broken', 500],
])('Stripe is reported as unavailable when it is %s', async (_name, status) => {
  const server = createServer((_request, response) =>
    status ? response.writeHead(status).end('{}') : response.destroy(),
  );
  const url = await listen(server);
  onTestFinished(() => close(server));
  const provider = createStripeProvider({ ...KEYS, apiBase: url });
  await expect(provider.findIntent(as<PaymentIntentId>('pi_1'))).rejects.toMatchObject({
    code: 'payments_unavailable',
  });
});

test('a path in the address of the API comes before /v1', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end('{"error":{"type":"invalid_request_error","code":"resource_missing"}}');
  });
  const url = await listen(server);
  onTestFinished(() => close(server));
  await createStripeProvider({ ...KEYS, apiBase: `${url}/stripe` }).findIntent(as<PaymentIntentId>('pi_1'));
  expect(asked).toEqual(['/stripe/v1/payment_intents/pi_1']);
});

test('each request names the API version it was written for; one that fails is tried three times, under one key', async () => {
  const asked: { version: unknown; key: unknown }[] = [];
  const server = createServer((request, response) => {
    const { 'stripe-version': version, 'idempotency-key': key } = request.headers;
    asked.push({ version, key });
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"message":"down"}}');
  });
  const apiBase = await listen(server);
  onTestFinished(() => close(server));
  const provider = createStripeProvider({ ...KEYS, apiBase });
  await expect(
    provider.createIntent({ orderId: ORDER, amount: money(100), currency: lkr, key: 'k' }),
  ).rejects.toMatchObject({ code: 'payments_unavailable' });
  expect(asked).toEqual(Array(3).fill({ version: '2026-10-28.endive', key: 'k' }));
});
