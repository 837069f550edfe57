import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { expect } from 'vitest';
import { storedIn } from './stored.ts';
import type { Answer, TestApp } from './test-app.ts';

const stripe = new Stripe('sk_test_any');

/** An event as Stripe sends it; `changes` replaces parts of its envelope. */
export function stripeEvent<Body>(type: string, object: Body, changes: Record<string, unknown> = {}) {
  return { id: `evt_${randomUUID()}`, object: 'event', livemode: false, type, data: { object }, ...changes };
}

/** A PaymentIntent that succeeded with 100 rupees for an order, except for `changes`. */
export function paidIntent(orderId: string, changes: Record<string, unknown> = {}) {
  return {
    id: `pi_${randomUUID()}`,
    object: 'payment_intent',
    amount: 10_000,
    amount_received: 10_000,
    currency: 'lkr',
    status: 'succeeded',
    client_secret: 'x',
    last_payment_error: null,
    metadata: { order_id: orderId },
    ...changes,
  };
}

/** Signs bytes as Stripe would. */
export function signatureOf(
  payload: string,
  { secret = 'whsec_test', timestamp = nowS() }: { secret?: string | undefined; timestamp?: number } = {},
): string {
  return stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

const nowS = () => Math.floor(Date.now() / 1_000);

interface Delivery {
  readonly path?: string;
  readonly secret?: string;
  readonly signature?: string;
  readonly headers?: Record<string, string>;
}

/** Posts an event, signed over exactly these bytes unless a signature is given; a string is sent as it is. */
export function deliver(
  app: TestApp,
  event: unknown,
  { path = '/api/webhook/stripe', secret, signature, headers = {} }: Delivery = {},
): Promise<Answer> {
  const payload = typeof event === 'string' ? event : JSON.stringify(event);
  return app.call('POST', path, {
    body: payload,
    headers: { 'stripe-signature': signature ?? signatureOf(payload, { secret }), ...headers },
  });
}

/** Posts an event, which must be acknowledged, and waits until it is applied. */
export async function apply(app: TestApp, event: { readonly id: string }): Promise<void> {
  expect((await deliver(app, event)).status).toBe(200);
  await storedIn(app).untilApplied(event.id);
}
