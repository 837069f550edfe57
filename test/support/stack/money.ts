import { DEMO_STRIPE_KEYS } from '../../../src/embedded/demo-accounts.ts';
import { sql } from '../databases.ts';
import { call } from '../test-app.ts';

interface Charged {
  readonly id: string;
  readonly status: string;
  readonly amount_received: number;
  readonly metadata: { readonly order_id?: string };
  readonly latest_charge: { readonly amount_refunded: number } | null;
}

/** The payments of which Stripe keeps something other than what their order is completed with (I2). */
export async function moneyDifferences(dsn: string, stripeUrl: string): Promise<string[]> {
  const kept = (await succeeded(stripeUrl)).map((intent) => ({
    id: intent.id,
    orderId: intent.metadata.order_id,
    minor: intent.amount_received - (intent.latest_charge?.amount_refunded ?? 0),
  }));
  const orders = await sql<{ order_id: string; payment_intent_id: string; minor: number }>(
    dsn,
    "SELECT order_id, payment_intent_id, (price * 100)::int AS minor FROM orders WHERE status = 'completed' AND payment_intent_id IS NOT NULL",
  );
  const owed = new Map(orders.map((order) => [order.payment_intent_id, order.minor]));
  const found = kept.filter(({ id, minor }) => minor !== (owed.get(id) ?? 0));
  return found.map(({ id, orderId, minor }) => `${id}: ${minor} kept, ${owed.get(id) ?? 0} owed by ${orderId}`);
}

async function succeeded(stripeUrl: string): Promise<Charged[]> {
  const all: Charged[] = [];
  for (;;) {
    const after = all.at(-1)?.id;
    const query = new URLSearchParams({ limit: '100', 'expand[]': 'data.latest_charge' });
    if (after) query.set('starting_after', after);
    const { body } = await call(stripeUrl, 'GET', `/v1/payment_intents?${query}`, {
      token: DEMO_STRIPE_KEYS.secretKey,
    });
    all.push(...body.data);
    if (!body.has_more) return all.filter(({ status }) => status === 'succeeded');
  }
}
