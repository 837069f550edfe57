import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { as, type OrderId, type PaymentIntentId } from '../../src/kernel/ids.ts';
import { Currency, money } from '../../src/kernel/money.ts';
import { createStripeProvider } from '../../src/platform/stripe/stripe.provider.ts';
import { type StripeMock, startStripeMock } from '../support/stripe-mock.ts';

const ORDER = as<OrderId>('8d564400-1273-4e3c-9b7d-cc3beccd2b27');
const INTENT = as<PaymentIntentId>('pi_3Abc');
const REFUND = '4c9a1f0e-6a1f-4b39-8d53-1d8f6c0a7e11';

let mock: StripeMock;

beforeAll(async () => {
  mock = await startStripeMock();
});
afterAll(() => mock?.stop());

const provider = () => createStripeProvider({ secretKey: 'sk_test_123', webhookSecret: 'whsec_1', apiBase: mock.url });

/** The requests that some work sent to Stripe. */
async function askedBy(work: () => Promise<unknown>): Promise<string[]> {
  const known = mock.requests().length;
  await work();
  return mock.requests().slice(known);
}

describe('requests to Stripe’s own description of its API', () => {
  test('they are valid for creating, reading and cancelling an intent', async () => {
    const asked = await askedBy(async () => {
      expect(
        await provider().createIntent({
          orderId: ORDER,
          amount: money(15_050),
          currency: new Currency('lkr'),
          key: 'key',
        }),
      ).toMatchObject({ intentId: expect.stringMatching(/^pi_/), clientSecret: expect.stringContaining('_secret') });
      expect(await provider().findIntent(INTENT)).toBeDefined();
      expect(await provider().cancelIntent(INTENT)).toBeDefined();
    });
    expect(asked).toEqual([
      'POST /v1/payment_intents',
      'GET /v1/payment_intents/pi_3Abc',
      'POST /v1/payment_intents/pi_3Abc/cancel',
    ]);
  });

  test('they are valid for a refund, and for its repetition after a failure', async () => {
    const asked = await askedBy(async () => {
      expect(await provider().refund(INTENT, 5_000, REFUND, true)).toMatch(/^re_/);
      expect(await provider().refund(INTENT, 5_000, REFUND, false)).toMatch(/^re_/);
    });
    expect(asked.map((each) => each.replace(/\?.*/, ''))).toEqual([
      'POST /v1/refunds',
      'GET /v1/refunds',
      'POST /v1/refunds',
    ]);
  });

  test('they are valid for comparing accounts', async () => {
    const asked = await askedBy(async () => {
      expect(await provider().account(INTENT)).toMatchObject({ refunds: [expect.anything()] });
      const listed: unknown[] = [];
      for await (const intent of provider().intentsSince(instant(0))) listed.push(intent);
      expect(listed).toHaveLength(1);
    });
    expect(asked.map((each) => each.replace(/\?.*/, '')).toSorted()).toEqual([
      'GET /v1/disputes',
      'GET /v1/payment_intents',
      'GET /v1/payment_intents/pi_3Abc',
      'GET /v1/refunds',
    ]);
  });

  test('they are refused when they are invalid, which shows that the tests above can fail', async () => {
    const post = (form: Record<string, string>) =>
      fetch(`${mock.url}/v1/payment_intents`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk_test_123' },
        body: new URLSearchParams(form),
      });
    expect((await post({ amount: '100', currency: 'lkr' })).status).toBe(200);
    expect((await post({ amount: '100', currency: 'lkr', orderId: 'x' })).status).toBe(400);
    expect((await post({ amount: 'much', currency: 'lkr' })).status).toBe(400);
    expect((await post({ currency: 'lkr' })).status).toBe(400);
  });
});
