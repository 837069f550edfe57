import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';

const WEBHOOK_SECRET = 'whsec_bench';

/** Variables for a Stripe that cannot be reached. Placing orders does not need it. */
export const UNREACHABLE_STRIPE = {
  STRIPE_SECRET_KEY: 'sk_test_bench',
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  RECONCILE_DAYS: '0',
};

const stripe = new Stripe(UNREACHABLE_STRIPE.STRIPE_SECRET_KEY);

/** Delivers a correctly signed event that is only acknowledged, and returns the status of the answer. */
export async function deliverWebhook(url: string, signal: AbortSignal): Promise<number> {
  const payload = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    livemode: false,
    type: 'customer.created',
    data: { object: { id: 'cus_bench', object: 'customer' } },
  });
  const signature = stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  const answer = await fetch(`${url}/api/webhook/stripe`, {
    method: 'POST',
    body: payload,
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
    signal,
  });
  await answer.arrayBuffer();
  return answer.status;
}
