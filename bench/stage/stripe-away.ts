import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';

const WEBHOOK_SECRET = 'whsec_bench';

/** A Stripe that is not there: it is not asked while orders are placed. */
export const STRIPE_AWAY = {
  STRIPE_SECRET_KEY: 'sk_test_bench',
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  RECONCILE_DAYS: '0',
};

const stripe = new Stripe(STRIPE_AWAY.STRIPE_SECRET_KEY);

/** Delivers a genuine event that is only acknowledged, signed as Stripe does, and gives the status of the answer. */
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
