import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import type { Answer, TestApp } from './test-app.ts';

const stripe = new Stripe('sk_test_any');

/** An event as Stripe sends it; `changes` replaces parts of its envelope. */
export function stripeEvent(type: string, object: unknown, changes: Record<string, unknown> = {}) {
  return { id: `evt_${randomUUID()}`, object: 'event', livemode: false, type, data: { object }, ...changes };
}

/** A PaymentIntent that succeeded with 100 rupees for an order, but for what `changes` says. */
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

/** Posts an event, signed as Stripe would over exactly these bytes; a text is sent as it is. */
export function deliver(
  app: TestApp,
  event: unknown,
  { path = '/api/webhook/stripe', secret = 'whsec_test' } = {},
): Promise<Answer> {
  const payload = typeof event === 'string' ? event : JSON.stringify(event);
  const signature = stripe.webhooks.generateTestHeaderString({ payload, secret });
  return app.call('POST', path, { body: payload, headers: { 'stripe-signature': signature } });
}
