import { expect } from 'vitest';
import { topicNames } from '../../src/app/servers.ts';
import { readConfig } from '../../src/config.ts';
import type { TopicKey } from '../../src/kernel/events.ts';
import { Currency } from '../../src/kernel/money.ts';
import { findingsIn } from '../support/test-app.ts';
import { readEventLog } from './event-log-file.ts';
import type { World } from './world.ts';

const TOPICS = topicNames(readConfig({}));

/** The work that is left, by name; all 0 when everything has ended. */
const LEFT = `
  SELECT (SELECT count(*)::int FROM orders WHERE status = 'pending') AS pending_orders,
         (SELECT count(*)::int FROM outbox WHERE published_at IS NULL) AS unpublished,
         (SELECT count(*)::int FROM stripe_inbox WHERE applied_at IS NULL) AS unapplied_webhooks,
         (SELECT count(*)::int FROM refunds WHERE provider_id IS NULL) AS refunds_due,
         (SELECT count(*)::int FROM payments WHERE state IN ('received', 'refund_due')) AS undecided_money`;

/** Waits until the service has nothing left to do; holds end in that time. */
export async function comeToRest(world: World): Promise<void> {
  let left: unknown;
  try {
    await world.untilEnded('nothing is left to do', async () => {
      const [counts = {}] = await world.sql<Record<string, number>>(LEFT);
      const events = (await listOf(world, 'events')).filter(({ pending_webhooks }) => pending_webhooks > 0);
      left = { ...counts, undelivered_webhooks: events.length };
      return events.length === 0 && Object.values(counts).every((count) => count === 0);
    });
  } catch (error) {
    throw new Error(`it never came to rest: ${JSON.stringify(left)}`, { cause: error });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: Stripe's objects
async function listOf(world: World, what: string): Promise<any[]> {
  const page = await world.stripe('GET', `${what}?limit=100`);
  // More than a page would be a flow that does too much to be understood.
  if (page.has_more) throw new Error(`more than a page of ${what}`);
  return page.data;
}

/**
 * Checks every invariant over the database, the embedded Stripe, the event log and the answers to requests with a key.
 */
export async function expectSound(world: World): Promise<void> {
  expect(await findingsIn(world.dsn, new Currency('lkr'))).toEqual([]);
  await expectMoneySound(world);
  await expectAnnouncementsSound(world);
  await expectOnce(world);
}

interface OrderRow {
  readonly order_id: string;
  readonly status: string;
  readonly price: number;
  readonly payment_intent_id: string | null;
}

interface PaymentRow {
  readonly payment_intent_id: string;
  readonly order_id: string;
  readonly amount: number;
  readonly currency: string;
  readonly state: string;
}

interface RefundRow {
  readonly payment_intent_id: string;
  readonly provider_id: string;
  readonly amount: number;
}

/** Stripe and the database record the same money, and each sum is where it belongs (I2, I8). */
async function expectMoneySound(world: World): Promise<void> {
  const orders = await world.sql<OrderRow>(
    'SELECT order_id, status, (price * 100)::int AS price, payment_intent_id FROM orders',
  );
  const payments = await world.sql<PaymentRow>(
    'SELECT payment_intent_id, order_id, amount_minor::int AS amount, currency, state FROM payments',
  );
  const refunds = await world.sql<RefundRow>(
    'SELECT payment_intent_id, provider_id, amount_minor::int AS amount FROM refunds',
  );
  const all = await listOf(world, 'payment_intents');
  const intents = all.filter(({ status }) => status === 'succeeded');
  const back = await refundedMoney(world);
  expect(payments.filter(isAtStripe).map(asMoney).toSorted(byId)).toEqual(
    intents
      .map(({ id, metadata, amount_received: amount, currency }) => ({
        id,
        order: metadata.order_id,
        amount,
        currency,
      }))
      .toSorted(byId),
  );
  const sent = refunds.filter(isAtStripe);
  const written = sent.map(({ provider_id: id, payment_intent_id: intent, amount }) => ({ id, intent, amount }));
  expect(written.toSorted(byId)).toEqual(back.toSorted(byId));
  for (const payment of payments) expectPaymentSound(payment, orders, refunds);
  for (const order of orders) expectPaid(order, payments);
  // All orders have ended: no page that still shows a payment may pay it now.
  const payable = new Set(all.filter(({ status }) => status.startsWith('requires_')).map(({ id }) => id));
  expect(orders.filter((order) => payable.has(order.payment_intent_id))).toEqual([]);
}

const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1);
const isAtStripe = ({ payment_intent_id: id }: { readonly payment_intent_id: string }) => id.startsWith('pi_');
const asMoney = ({ payment_intent_id, order_id: order, amount, currency }: PaymentRow) => {
  return { id: payment_intent_id, order, amount, currency };
};

/** Refunds, and disputes that were not won. */
async function refundedMoney(world: World) {
  const disputes = (await listOf(world, 'disputes')).filter(({ status }) => status !== 'won');
  const all = [...(await listOf(world, 'refunds')), ...disputes];
  return all.map(({ id, payment_intent: intent, amount }) => ({ id, intent, amount }));
}

/** A payment pays for its completed order, or is refunded completely. */
function expectPaymentSound(payment: PaymentRow, orders: readonly OrderRow[], refunds: readonly RefundRow[]): void {
  const back = refunds
    .filter(({ payment_intent_id: id }) => id === payment.payment_intent_id)
    .reduce((total, { amount }) => total + amount, 0);
  const order = orders.find(({ order_id: id }) => id === payment.order_id);
  const isKept = back < payment.amount;
  expect({ ...payment, back, order }).toMatchObject({
    state: isKept ? 'applied' : expect.stringMatching(/^(refunded|disputed)$/),
    ...(isKept ? { order: { status: 'completed', price: payment.amount } } : {}),
  });
}

/** A completed order that costs something has its price; any other order keeps no money. */
function expectPaid({ order_id: id, status, price }: OrderRow, payments: readonly PaymentRow[]): void {
  const paying = payments.filter((each) => each.order_id === id && each.state === 'applied');
  const isPaid = status === 'completed' && price > 0;
  const amounts = paying.map(({ amount }) => amount);
  expect(amounts, `the payments of the ${status} order ${id}`).toEqual(isPaid ? [price] : []);
}

interface OutboxRow {
  readonly event_id: string;
  readonly topic: TopicKey;
  readonly key: string;
  readonly value: string;
}

/** What was committed was announced in the order of its key, and nothing else was (I4). */
async function expectAnnouncementsSound(world: World): Promise<void> {
  const committed = await world.sql<OutboxRow>('SELECT event_id, topic, key, value FROM outbox_ever ORDER BY id');
  const log = readEventLog(world.eventLog);
  const firsts = [...new Map(log.toReversed().map((message) => [message.eventId, message])).values()];
  const byKey = Map.groupBy(firsts.toReversed(), ({ key }) => key);
  const expected = Map.groupBy(
    committed.map(({ event_id: eventId, topic, key, value }) => ({ eventId, topic: TOPICS[topic], key, value })),
    ({ key }) => key,
  );
  expect(inOrder(byKey)).toEqual(inOrder(expected));
  const orders = await world.sql<Pick<OrderRow, 'order_id' | 'status'>>('SELECT order_id, status FROM orders');
  for (const { order_id: key, status } of orders) {
    const last = log.findLast((message) => message.key === key);
    expect({ key, Status: JSON.parse(last?.value ?? '{}').Status }).toEqual({ key, Status: status });
  }
}

function inOrder<Value>(groups: ReadonlyMap<string, readonly Value[]>) {
  return Object.fromEntries([...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Requests with a key took effect once: a repetition gets the same answer and adds nothing (I7). */
async function expectOnce(world: World): Promise<void> {
  const before = await effectsIn(world);
  // The box office makes an order for each of its tickets.
  const places = ['/api/order', '/api/order/ticket'];
  const orders = world.keyed.filter(({ path, answer }) => places.includes(path) && answer.status === 201);
  const unknown = before.orders - orders.length;
  expect(unknown).toBeGreaterThanOrEqual(0);
  expect(unknown).toBeLessThanOrEqual(world.unkeyedOrders.count);
  const answered = new Set(world.keyed.map(({ answer }) => answer.body?.refund_id));
  expect(before.asked_refunds.filter((refundId) => !answered.has(refundId))).toEqual([]);
  for (const request of world.keyed) {
    const again = await world.repeat(request);
    expect({
      status: again.status,
      body: again.body,
      replayed: again.headers.get('idempotent-replayed'),
    }).toEqual({ status: request.answer.status, body: request.answer.body, replayed: 'true' });
  }
  expect(await effectsIn(world)).toEqual(before);
}

async function effectsIn(world: World) {
  const [effects] = await world.sql<{ orders: number; tickets: number; asked_refunds: string[] }>(`
    SELECT (SELECT count(*)::int FROM orders) AS orders, (SELECT count(*)::int FROM tickets) AS tickets,
           ARRAY (SELECT refund_id::text FROM refunds
                   WHERE requested_by IS NOT NULL AND ticket_id IS NULL) AS asked_refunds`);
  if (!effects) throw new Error('no answer');
  return effects;
}
