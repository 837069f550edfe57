import type { Flow } from './flows.ts';
import {
  announced,
  becomes,
  confirm,
  expire,
  loseWebhooks,
  noRefundLeft,
  openPayment,
  PRICE_MINOR,
  paymentIs,
  payUnrequested,
  place,
  sell,
  sellWithoutWebhook,
} from './steps.ts';
import type { World } from './world.ts';

const ADMIN = { as: 'admin', keyed: true } as const;
const SUCCEEDED = 'payment_succefully';
const FAILED = 'payment_unseecuufull';
/** A webhook is tried again after a failed attempt. */
const NEXT_TRY_MS = 5_001;

async function refund(world: World, { orderId }: { readonly orderId: string }, body: unknown) {
  return (await world.request(200, 'POST', `/api/order/${orderId}/refund`, { ...ADMIN, body })).body;
}

/** Loses the webhook of Stripe’s refund, so that it does not race with the service’s own call. */
const loseRefundWebhooks = (world: World) => loseWebhooks(world, '%refund%');

/** Runs the daily comparison; when a kill interrupts it, the next one covers the same days. */
async function reconcileUntil(world: World, what: string, holds: () => Promise<boolean>): Promise<void> {
  const reconcile = async () => {
    await world.sql("UPDATE daily_jobs SET due_at = due_at - interval '25 hours'");
    await world.ask({ kind: 'reconcile' });
  };
  await reconcile();
  await world.until(what, async () => {
    if (await holds()) return true;
    if (world.hasCrashed()) await reconcile();
    return false;
  });
}

async function comparedWithStripe(world: World, { intentId }: { readonly intentId: string }): Promise<void> {
  await reconcileUntil(world, 'the payment is confirmed', async () => {
    return (await world.sql("SELECT FROM payments WHERE taken_over = 'confirmed'")).length === 1;
  });
  await paymentIs(world, intentId, 'applied');
}

/** Money on every way in and out. */
export const MONEY_FLOWS: Readonly<Record<string, Flow>> = {
  async 'a payment arrives late and the seats are free'(world) {
    const order = await place(world, 1, { code: 'EARLY10' });
    await expire(world, order);
    await payUnrequested(world, order, PRICE_MINOR * 0.9);
    await becomes(world, order, 'completed');
  },

  async 'a payment arrives late and the seats are sold'(world) {
    await loseRefundWebhooks(world);
    const order = await place(world, 1);
    await expire(world, order);
    await place(world, order.seatIds, { as: 'buyer2' });
    await paymentIs(world, await payUnrequested(world, order), 'refunded');
  },

  async 'an order is paid twice'(world) {
    await loseRefundWebhooks(world);
    const order = await sell(world);
    await paymentIs(world, await payUnrequested(world, order), 'refunded');
  },

  async 'an administrator refunds a part, then the rest'(world) {
    await loseRefundWebhooks(world);
    const order = await sell(world, 2);
    await refund(world, order, { amount: 5_000, reason: 'the view was blocked' });
    await noRefundLeft(world);
    await refund(world, order, {});
    await becomes(world, order, 'cancelled');
    await noRefundLeft(world);
  },

  async 'Stripe reports a refund before it is stored'(world) {
    await loseRefundWebhooks(world);
    const order = await sell(world);
    await refund(world, order, {});
    await paymentIs(world, order.intentId, 'refunded');
    // As a kill between Stripe’s answer and the database leaves it, with no retry scheduled.
    await world.sql('UPDATE refunds SET provider_id = NULL, attempts = 12');
    await world.sql("UPDATE payments SET state = 'refund_due'");
    await reconcileUntil(world, 'it is known to be refunded', async () => {
      return (await world.sql("SELECT FROM payments WHERE state = 'refunded'")).length === 1;
    });
  },

  async 'a refund is due that was already made in the dashboard'(world) {
    await loseRefundWebhooks(world);
    const order = await sell(world);
    await world.stripe('POST', 'refunds', { payment_intent: order.intentId });
    await refund(world, order, {});
    await paymentIs(world, order.intentId, 'refunded');
    // The refusal is noted after the payment is known to be refunded.
    await announced(world);
  },

  async 'a ticket is refunded in the dashboard, then the rest of the order'(world) {
    const order = await sell(world, 2);
    const [ticket] = await world.sql<{ ticket_id: string }>('SELECT ticket_id FROM tickets');
    await world.stripe('POST', 'refunds', {
      payment_intent: order.intentId,
      amount: String(PRICE_MINOR),
      'metadata[ticket_id]': String(ticket?.ticket_id),
    });
    await world.until('the ticket is void', async () => {
      return (await world.sql("SELECT FROM tickets WHERE void_reason = 'refunded'")).length === 1;
    });
    await world.stripe('POST', 'refunds', { payment_intent: order.intentId });
    await becomes(world, order, 'cancelled');
  },

  async 'a refund in the dashboard fits either of two tickets, and an administrator keeps both'(world) {
    const order = await sell(world, 2);
    await world.stripe('POST', 'refunds', { payment_intent: order.intentId, amount: String(PRICE_MINOR) });
    await world.until('it waits for a person', async () => {
      return (await world.sql('SELECT FROM refunds WHERE ticket_unclear')).length === 1;
    });
    const [unclear] = await world.sql<{ refund_id: string }>('SELECT refund_id FROM refunds');
    const path = `/api/order/admin/payments/${unclear?.refund_id}/settled`;
    await world.request(204, 'POST', path, { ...ADMIN, body: { reference: 'goodwill' } });
  },

  async 'a dispute takes the money back and is won'(world) {
    await loseWebhooks(world, 'payment_intent.%');
    const order = await place(world, 1);
    const payment = await openPayment(world, order);
    await confirm(world, payment, 'pm_card_createDispute');
    await paymentIs(world, payment.intentId, 'disputed');
    const { data } = await world.stripe('GET', `disputes?payment_intent=${payment.intentId}`);
    const evidence = { 'evidence[uncategorized_text]': 'winning_evidence' };
    await world.stripe('POST', `disputes/${data[0].id}`, evidence);
    await becomes(world, order, 'completed');
  },

  async 'another system takes the payment'(world) {
    const order = await place(world, 1);
    await openPayment(world, order);
    await world.deliver(SUCCEEDED, { order_id: order.orderId, payment_id: 'receipt-1' });
    await becomes(world, order, 'completed');
    const free = await place(world, 1, { code: 'GUEST' });
    await world.deliver(SUCCEEDED, { order_id: free.orderId });
    await becomes(world, free, 'completed');
  },

  async 'another system takes the payment for seats that are sold already'(world) {
    const order = await sell(world);
    await world.deliver(SUCCEEDED, { order_id: order.orderId, payment_id: 'receipt-1' });
    const [stuck] = await world.sql<{ refund_id: string }>('SELECT refund_id FROM refunds');
    const path = `/api/order/admin/payments/${stuck?.refund_id}/settled`;
    await world.request(204, 'POST', path, { ...ADMIN, body: { reference: 'bank transfer 17' } });
  },

  async 'another system reports a payment at Stripe'(world) {
    const order = await sellWithoutWebhook(world);
    await world.deliver(SUCCEEDED, { order_id: order.orderId, payment_intent_id: order.intentId });
    await becomes(world, order, 'completed');
  },

  async 'another system sends a message that is invalid'(world) {
    const order = await place(world, 1);
    await world.deliver(FAILED, { order_id: order.orderId });
    await world.deliver(FAILED, 'not JSON');
    await world.deliver(SUCCEEDED, { order: 1 });
    await world.deliver(SUCCEEDED, { order_id: crypto.randomUUID() });
    await world.deliver(FAILED, { order_id: crypto.randomUUID() });
  },

  async 'a webhook cannot be applied at first, then it can'(world) {
    const order = await place(world, 1);
    const payment = await openPayment(world, order);
    await world.sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END';
      CREATE TRIGGER payments_refused BEFORE INSERT ON payments EXECUTE FUNCTION refuse()`);
    await confirm(world, payment);
    await world.until('it has failed', async () => {
      return (await world.sql('SELECT FROM stripe_inbox WHERE last_error IS NOT NULL')).length === 1;
    });
    await world.sql('DROP TRIGGER payments_refused ON payments');
    await world.pass(NEXT_TRY_MS);
    await becomes(world, order, 'completed');
  },

  async 'an administrator retries a stuck webhook'(world) {
    const order = await place(world, 1);
    const payment = await openPayment(world, order);
    await world.sql(
      `INSERT INTO stripe_inbox (event_id, type, payment_intent_id, order_id, amount_minor, currency, received_at,
                                 next_attempt_at, attempts, last_error)
       VALUES ('evt_stuck', 'payment_intent.succeeded', $1, $2, $3, 'lkr', now(), now(), 12, 'not today')`,
      [payment.intentId, order.orderId, PRICE_MINOR],
    );
    await loseWebhooks(world, 'payment_intent.%');
    await confirm(world, payment);
    await world.request(204, 'POST', '/api/order/admin/payments/evt_stuck/retry', ADMIN);
    await becomes(world, order, 'completed');
  },

  async 'the comparison with Stripe finds a payment without a webhook'(world) {
    await sellWithoutWebhook(world);
    const ended = await place(world, 1);
    await world.request(204, 'DELETE', `/api/order/${ended.orderId}`, { as: 'buyer', keyed: true });
    await world.stripe('POST', 'payment_intents', {
      amount: String(PRICE_MINOR),
      currency: 'lkr',
      'metadata[order_id]': ended.orderId,
    });
    await reconcileUntil(world, 'nothing of it is left', async () => {
      const { data } = await world.stripe('GET', 'payment_intents');
      const isOpen = data.some(({ status }: { status: string }) => status.startsWith('requires_'));
      const completed = await world.sql("SELECT FROM orders WHERE status = 'completed'");
      return !isOpen && completed.length === 1;
    });
  },

  async 'the comparison with Stripe corrects an assumed payment'(world) {
    const order = await sell(world);
    await world.sql("UPDATE payments SET taken_over = 'assumed', amount_minor = amount_minor + 1");
    await world.sql(`
      INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
      SELECT organization_id, event_id, session_id, 'lkr', 1, 0 FROM orders`);
    await comparedWithStripe(world, order);
  },

  async 'the comparison with Stripe finds the payment of an order that was taken over without it'(world) {
    const order = await sell(world);
    // The order as an early version of the earlier service left it, and the payment as the takeover assumed it.
    await world.sql('UPDATE orders SET payment_intent_id = NULL');
    await world.sql(
      "UPDATE payments SET payment_intent_id = 'elsewhere:' || order_id, source = 'external', taken_over = 'assumed'",
    );
    await comparedWithStripe(world, order);
  },
};
