import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import Stripe from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEmbeddedStripe, type EmbeddedStripe } from '../../../src/embedded/stripe/stripe.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { hostEmbedded } from '../../support/embedded-host.ts';
import { testFolder } from '../../support/folders.ts';
import { close, listen, until } from '../../support/servers.ts';

const KEYS = { secretKey: 'sk_test_1', publishableKey: 'pk_test_1', webhookSecret: 'whsec_1' };

interface Stand {
  readonly url: string;
  readonly stripe: Stripe;
  readonly part: EmbeddedStripe;
}

async function start(dataDir: string, webhookUrl = 'http://127.0.0.1:1/unused'): Promise<Stand> {
  const parts: EmbeddedStripe[] = [];
  const url = await hostEmbedded(async (own) => {
    const part = await createEmbeddedStripe({
      clock: { now: () => instant(Date.now()) },
      ids: { uuid: () => randomUUID() },
      dataDir,
      url: own,
      webhookUrl,
      webhookRetryDelaysMs: Array(50).fill(10),
      ...KEYS,
    });
    parts.push(part);
    return part;
  });
  const [part] = parts;
  if (!part) throw new Error('no part');
  onTestFinished(() => part.close());
  const { hostname, port } = new URL(url);
  const stripe = new Stripe(KEYS.secretKey, {
    host: hostname,
    port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
  return { url, stripe, part };
}

const fresh = async () => start(await testFolder());
const params = { amount: 15_050, currency: 'lkr', metadata: { order_id: 'o1' } };

/** Stripe’s own error for a refused call. */
async function refusal(work: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Stripe.errors.StripeError) return error;
  throw new Error('nothing was refused');
}

async function withPublishableKey(url: string, path: string, form: Record<string, string>) {
  const response = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.publishableKey}` },
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: await response.json() };
}

describe('a PaymentIntent', () => {
  test('it is created, found and confirmed, and then final', async () => {
    const { stripe } = await fresh();
    const created = await stripe.paymentIntents.create({ ...params, automatic_payment_methods: { enabled: true } });
    expect(created).toMatchObject({
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount: 15_050,
      amount_received: 0,
      currency: 'lkr',
      metadata: { order_id: 'o1' },
      livemode: false,
    });
    expect(created.client_secret).toMatch(new RegExp(`^${created.id}_secret_`));
    const paid = await stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_visa' });
    expect(paid).toMatchObject({ status: 'succeeded', amount_received: 15_050, payment_method: 'pm_card_visa' });
    expect(await stripe.paymentIntents.retrieve(created.id)).toMatchObject({ status: 'succeeded' });
    for (const again of [
      stripe.paymentIntents.confirm(created.id, { payment_method: 'pm_card_visa' }),
      stripe.paymentIntents.cancel(created.id),
    ]) {
      expect(await refusal(again)).toMatchObject({
        statusCode: 400,
        code: 'payment_intent_unexpected_state',
        payment_intent: { status: 'succeeded' },
      });
    }
    const charge = await stripe.charges.retrieve(String(paid.latest_charge));
    expect(charge).toMatchObject({ amount: 15_050, paid: true, payment_intent: created.id });
  });

  test.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', undefined],
  ])('it is declined for %s, and can be paid with another card', async (card, code, declineCode) => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create(params);
    const error = await refusal(stripe.paymentIntents.confirm(id, { payment_method: card }));
    expect(error).toMatchObject({
      type: 'StripeCardError',
      statusCode: 402,
      code,
      payment_intent: { id, status: 'requires_payment_method' },
    });
    expect(error.decline_code || undefined).toBe(declineCode);
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      last_payment_error: { code },
      payment_method: null,
    });
    expect(await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_mastercard' })).toMatchObject({
      status: 'succeeded',
      last_payment_error: null,
    });
  });

  test.each([
    ['succeed', 200, 'succeeded'],
    ['fail', 402, 'requires_payment_method'],
  ])('it asks for the bank’s page, where the buyer can choose to %s', async (outcome, status, then) => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create(params);
    const asked = await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_authenticationRequired' });
    expect(asked.status).toBe('requires_action');
    const page = asked.next_action?.redirect_to_url?.url ?? '';
    expect(await (await fetch(page)).text()).toContain('<form');
    expect((await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome }) })).status).toBe(status);
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe(then);
  });

  test('it is cancelled, and then final', async () => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create(params);
    expect(await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' })).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'abandoned',
    });
    expect(await refusal(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }))).toMatchObject({
      payment_intent: { status: 'canceled' },
    });
  });

  test('its amount can change while it is open', async () => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create(params);
    expect(await stripe.paymentIntents.update(id, { amount: 99, metadata: { more: '1' } })).toMatchObject({
      amount: 99,
      metadata: { order_id: 'o1', more: '1' },
    });
    await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await refusal(stripe.paymentIntents.update(id, { amount: 1 }))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });

  test.each([
    [{ amount: 0, currency: 'lkr' }, 'amount_too_small'],
    [{ amount: 49, currency: 'usd' }, 'amount_too_small'],
    [{ amount: 100_000_000, currency: 'lkr' }, 'amount_too_large'],
    [{ amount: 12_345, currency: 'kwd' }, 'invalid_charge_amount'],
    [{ amount: 87_412, currency: 'isk' }, 'invalid_charge_amount'],
    [{ amount: 100, currency: 'xyz' }, 'invalid_currency'],
    [{ amount: 100, currency: 'rupees' }, 'invalid_currency'],
    [{ amount: 10.5, currency: 'lkr' }, 'parameter_invalid_integer'],
  ])('it is refused for %o: %s', async (wrong, code) => {
    const { stripe } = await fresh();
    expect(await refusal(stripe.paymentIntents.create(wrong))).toMatchObject({ statusCode: 400, code });
  });

  test('unknown ids and cards are reported as missing resources', async () => {
    const { stripe } = await fresh();
    expect(await refusal(stripe.paymentIntents.retrieve('pi_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    const { id } = await stripe.paymentIntents.create(params);
    expect(await refusal(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_none' }))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
    });
    expect(await refusal(stripe.paymentIntents.confirm(id))).toMatchObject({ code: 'parameter_missing' });
  });
});

describe('API keys', () => {
  test('they are refused when the secret key is another one', async () => {
    const { url } = await fresh();
    const { hostname, port } = new URL(url);
    const wrong = new Stripe('sk_test_wrong', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0 });
    expect(await refusal(wrong.paymentIntents.create(params))).toMatchObject({ type: 'StripeAuthenticationError' });
  });

  test('they can only confirm with the client secret when the key is the publishable one', async () => {
    const { url, stripe } = await fresh();
    const { id, client_secret: secret } = await stripe.paymentIntents.create(params);
    const card = { payment_method: 'pm_card_visa' };
    expect((await withPublishableKey(url, 'payment_intents', { amount: '1', currency: 'lkr' })).status).toBe(401);
    expect((await withPublishableKey(url, `payment_intents/${id}/cancel`, {})).status).toBe(401);
    expect((await withPublishableKey(url, 'refunds', { payment_intent: id })).status).toBe(401);
    expect((await withPublishableKey(url, `payment_intents/${id}/confirm`, card)).status).toBe(400);
    expect(
      (await withPublishableKey(url, `payment_intents/${id}/confirm`, { ...card, client_secret: 'guess' })).status,
    ).toBe(400);
    const done = await withPublishableKey(url, `payment_intents/${id}/confirm`, {
      ...card,
      client_secret: secret ?? '',
    });
    expect(done).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    expect(done.body).not.toHaveProperty('metadata');
  });
});

describe('refunds', () => {
  test('they are made in parts and in whole, never for more than was paid', async () => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create({ ...params, confirm: true, payment_method: 'pm_card_visa' });
    expect(await stripe.refunds.create({ payment_intent: id, amount: 5_000 })).toMatchObject({
      object: 'refund',
      amount: 5_000,
      status: 'succeeded',
    });
    expect(await refusal(stripe.refunds.create({ payment_intent: id, amount: 10_051 }))).toMatchObject({
      statusCode: 400,
    });
    const rest = await stripe.refunds.create({ payment_intent: id });
    expect(rest.amount).toBe(10_050);
    expect(await refusal(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
      code: 'charge_already_refunded',
    });
    expect((await stripe.refunds.list({ payment_intent: id })).data.map(({ amount }) => amount)).toEqual([
      10_050, 5_000,
    ]);
    expect(await stripe.refunds.retrieve(rest.id)).toMatchObject({ payment_intent: id });
  });

  test('they are refused in a part of a unit of a currency that has none', async () => {
    const { stripe } = await fresh();
    const krona = { amount: 99_900, currency: 'isk', confirm: true, payment_method: 'pm_card_visa' };
    const { id } = await stripe.paymentIntents.create(krona);
    expect(await refusal(stripe.refunds.create({ payment_intent: id, amount: 50 }))).toMatchObject({ param: 'amount' });
  });

  test('they are refused for a payment that was not made', async () => {
    const { stripe } = await fresh();
    const { id } = await stripe.paymentIntents.create(params);
    expect(await refusal(stripe.refunds.create({ payment_intent: id }))).toMatchObject({ statusCode: 400 });
    expect(await refusal(stripe.refunds.create({ payment_intent: 'pi_none' }))).toMatchObject({
      code: 'resource_missing',
    });
  });
});

describe('idempotency keys', () => {
  test('they repeat the first answer, also a decline, and refuse other parameters', async () => {
    const { url, stripe } = await fresh();
    const [first, second] = await Promise.all(
      [1, 2].map(() => stripe.paymentIntents.create(params, { idempotencyKey: 'k1' })),
    );
    expect(second?.id).toBe(first?.id);
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
    expect(
      await refusal(stripe.paymentIntents.create({ ...params, amount: 1 }, { idempotencyKey: 'k1' })),
    ).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
    const decline = () =>
      fetch(`${url}/v1/payment_intents/${first?.id}/confirm`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEYS.secretKey}`, 'idempotency-key': 'k2' },
        body: new URLSearchParams({ payment_method: 'pm_card_chargeDeclined' }),
      });
    const [declined, again] = [await decline(), await decline()];
    expect([declined.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(await again.json()).toEqual(await declined.json());
    expect((await stripe.events.list({ type: 'payment_intent.payment_failed' })).data).toHaveLength(1);
  });
});

describe('webhooks', () => {
  async function receiver(answer: () => number) {
    const got: { type: string; id: string }[] = [];
    const server = createServer(async (request, response) => {
      const body = await text(request);
      const status = answer();
      const event = new Stripe('sk').webhooks.constructEvent(
        body,
        request.headers['stripe-signature'] ?? '',
        KEYS.webhookSecret,
      );
      if (status < 300) got.push({ type: event.type, id: event.id });
      response.writeHead(status).end();
    });
    const url = await listen(server);
    onTestFinished(() => close(server));
    return { got, url };
  }

  test('they are signed, and delivered again until they are acknowledged', async () => {
    let attempts = 0;
    const { got, url } = await receiver(() => {
      attempts += 1;
      return attempts < 3 ? 500 : 200;
    });
    const { stripe, part } = await start(await testFolder(), url);
    part.start();
    await stripe.paymentIntents.create({ ...params, confirm: true, payment_method: 'pm_card_visa' });
    await until('both are acknowledged', () => got.length === 2);
    expect(got.map(({ type }) => type).sort()).toEqual(['payment_intent.created', 'payment_intent.succeeded']);
    expect(attempts).toBe(4);
    const pending = async () => (await stripe.events.list()).data.map((event) => event.pending_webhooks);
    await until('they are marked', async () => (await pending()).every((count) => count === 0));
  });

  test('they outlive a restart, like everything else', async () => {
    const folder = await testFolder();
    const before = await start(folder);
    const { id } = await before.stripe.paymentIntents.create(
      { ...params, confirm: true, payment_method: 'pm_card_visa' },
      { idempotencyKey: 'k' },
    );
    await before.part.close();
    const { got, url } = await receiver(() => 200);
    const { stripe, part } = await start(folder, url);
    part.start();
    await until('the remaining event is delivered', () => got.length === 2);
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({ status: 'succeeded' });
    const again = await stripe.paymentIntents.create(
      { ...params, confirm: true, payment_method: 'pm_card_visa' },
      { idempotencyKey: 'k' },
    );
    expect(again.id).toBe(id);
  });
});

test('lists are paged, newest first', async () => {
  const { stripe } = await fresh();
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await stripe.paymentIntents.create(params)).id);
  const all: string[] = [];
  for await (const intent of stripe.paymentIntents.list({ limit: 2 })) all.push(intent.id);
  expect(all).toEqual(ids.toReversed());
  expect((await stripe.paymentIntents.list({ created: { gte: Math.floor(Date.now() / 1_000) + 60 } })).data).toEqual(
    [],
  );
  expect(await refusal(stripe.paymentIntents.list({ limit: 101 }))).toMatchObject({ statusCode: 400 });
});
