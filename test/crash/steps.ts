import { orderFor, type Person, type World } from './world.ts';

/** What users do in more than one flow. */

export interface Placed {
  readonly orderId: string;
  readonly seatIds: readonly string[];
}

export interface Payment {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** Longer than a hold in the tests. */
const PAST_HOLD_MS = 61_000;
export const PRICE_MINOR = 1_250_000;

export async function place(
  world: World,
  seats: number | readonly string[],
  { code, keyed = true, as = 'buyer' }: { code?: string; keyed?: boolean; as?: Person } = {},
): Promise<Placed> {
  const seatIds = typeof seats === 'number' ? world.seats(seats) : seats;
  const options = { as, body: orderFor(seatIds, code), keyed };
  const { body } = await world.request(201, 'POST', '/api/order', options);
  return { orderId: body.order_id, seatIds };
}

export async function openPayment(world: World, { orderId }: Placed): Promise<Payment> {
  const path = `/api/order/${orderId}/create-payment-intent`;
  const { body } = await world.request(200, 'POST', path, { as: 'buyer', keyed: true });
  return { intentId: body.paymentIntentId, clientSecret: body.clientSecret };
}

/** What the buyer’s page does with a card. */
export function confirm(world: World, { intentId, clientSecret }: Payment, card = 'pm_card_visa') {
  const form = { payment_method: card, client_secret: clientSecret };
  return world.stripe('POST', `payment_intents/${intentId}/confirm`, form);
}

export async function becomes(world: World, { orderId }: Placed, status: string): Promise<void> {
  await world.until(`order ${orderId} is ${status}`, async () => {
    const [order] = await world.sql<{ status: string }>('SELECT status FROM orders WHERE order_id = $1', [orderId]);
    return order?.status === status;
  });
}

export async function paymentIs(world: World, intentId: string, state: string): Promise<void> {
  await world.until(`payment ${intentId} is ${state}`, async () => {
    const [payment] = await world.sql<{ state: string }>('SELECT state FROM payments WHERE payment_intent_id = $1', [
      intentId,
    ]);
    return payment?.state === state;
  });
}

export async function announced(world: World): Promise<void> {
  await world.until('everything is announced', async () => {
    return (await world.sql('SELECT FROM outbox WHERE published_at IS NULL')).length === 0;
  });
}

export async function noRefundLeft(world: World): Promise<void> {
  await world.until('every refund is sent', async () => {
    return (await world.sql('SELECT FROM refunds WHERE provider_id IS NULL')).length === 0;
  });
}

/** An order that has just been paid, without a webhook. */
export async function sellWithoutWebhook(world: World, seats = 1): Promise<Placed & Payment> {
  await loseWebhooks(world, 'payment_intent.%');
  const order = await place(world, seats);
  const payment = await openPayment(world, order);
  await confirm(world, payment);
  return { ...order, ...payment };
}

/** A paid order, reported by the webhook. */
export async function sell(world: World, seats: number | readonly string[] = 1): Promise<Placed & Payment> {
  const order = await place(world, seats);
  const payment = await openPayment(world, order);
  await confirm(world, payment);
  await becomes(world, order, 'completed');
  return { ...order, ...payment };
}

/** The hold of the order ends, and with it the order, unless its money is found. */
export async function expire(world: World, order: Placed, becoming = 'cancelled'): Promise<void> {
  await world.pass(PAST_HOLD_MS);
  await becomes(world, order, becoming);
  await announced(world);
}

/** Money for an order on an intent that the service did not make: from another page, or from Stripe’s dashboard. */
export async function payUnrequested(world: World, { orderId }: Placed, amount = PRICE_MINOR): Promise<string> {
  const intent = await world.stripe('POST', 'payment_intents', {
    amount: String(amount),
    currency: 'lkr',
    confirm: 'true',
    payment_method: 'pm_card_visa',
    'metadata[order_id]': orderId,
  });
  return intent.id;
}

/** Webhooks of these types are lost, although Stripe believes that they were delivered. */
export async function loseWebhooks(world: World, types: string): Promise<void> {
  await world.sql(`
    CREATE OR REPLACE FUNCTION lose_webhook() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE OR REPLACE TRIGGER webhooks_lost BEFORE INSERT ON stripe_inbox
      FOR EACH ROW WHEN (NEW.type LIKE '${types}') EXECUTE FUNCTION lose_webhook()`);
}
