import { expect } from 'vitest';
import type { StripeEvent } from '../../src/embedded/stripe/ledger.ts';
import { type Action, happening, refused, SILENT } from './action.ts';
import { isPayable, onOrder, whyEnded } from './actions.orders.ts';
import { SEATS } from './outside.ts';
import {
  align,
  change,
  conclude,
  type Order,
  type PaymentMessage,
  pick,
  receivePayment,
  refund,
  type Sale,
} from './sale.ts';
import type { World } from './world.ts';

const MINOR_IN_MAJOR = 100;

/** The buyer’s page asks for the means to take the payment; this completes an order that costs nothing. */
export function createIntent(at: number): Action {
  return onOrder(at, {
    name: 'CreateIntent',
    suits: isPayable,
    foresee(order, sale) {
      const isFree = order.price === 0;
      const ended = isFree && order.status === 'completed' ? undefined : whyEnded(order, sale);
      if (ended) return ended;
      if (isFree) {
        change(sale, order.orderId, { status: 'completed' });
        return { answers: ['409 nothing_to_pay'] };
      }
      if (conclude(sale, order.orderId) === 'paid') return refused('409 order_already_paid');
      return {
        answers: ['200'],
        check({ body }) {
          const intent = sale.bank.intent(String(body.paymentIntentId));
          expect(intent?.amount).toBe(order.price);
          expect(['requires_payment_method', 'requires_action']).toContain(intent?.status);
        },
      };
    },
    act: (order, world) => world.call('POST', `/api/order/${order.orderId}/create-payment-intent`, order.buyer),
    learn({ status, body }, sale) {
      if (status === 200) sale.payable.add(String(body.paymentIntentId));
    },
  });
}

/** Intents that can still be paid, whatever the state of their orders: an old page may stay open for ever. */
function openIntents(sale: Sale): string[] {
  return [...sale.payable].filter((intentId) => {
    const status = sale.bank.intent(intentId)?.status;
    return status === 'requires_payment_method' || status === 'requires_action';
  });
}

/** The payable intent that was issued last. */
export const NEWEST = -1;

/** A buyer pays, in time or late; the service does not know it yet. */
export function pay(at: number, card: string): Action {
  const isPossible = (sale: Sale) => openIntents(sale).length > 0;
  return happening(`Pay ${at} with ${card}`, isPossible, (world, sale) => {
    const open = openIntents(sale);
    const intentId = at === NEWEST ? open.at(-1) : pick(open, at);
    return world.bank.post(`/v1/payment_intents/${intentId}/confirm`, { payment_method: card });
  });
}

/**
 * Money for an order that no page of the service asked for: an invoice in the dashboard, at the price or
 * another amount.
 */
export function payUnrequested(at: number, difference: number): Action {
  return onOrder(at, {
    name: `PayBeside (${difference})`,
    suits: isPayable,
    foresee: () => SILENT,
    async act({ orderId, price }, world) {
      await world.bank.post('/v1/payment_intents', {
        amount: String(Math.max(1, price + difference)),
        currency: 'lkr',
        confirm: 'true',
        payment_method: 'pm_card_visa',
        'metadata[order_id]': orderId,
      });
      return undefined;
    },
  });
}

/** The buyer returns from the bank’s page. */
export function authenticate(at: number, outcome: 'succeed' | 'fail'): Action {
  const waiting = (sale: Sale) =>
    openIntents(sale).filter((intentId) => sale.bank.intent(intentId)?.status === 'requires_action');
  const isPossible = (sale: Sale) => waiting(sale).length > 0;
  return happening(`Authenticate ${at}: ${outcome}`, isPossible, (world, sale) =>
    world.bank.post(`/v1/test_helpers/payment_intents/${pick(waiting(sale), at)}/authenticate`, { outcome }),
  );
}

function succeededIntents(sale: Sale): string[] {
  return sale.bank.intents().flatMap(({ id, status }) => (status === 'succeeded' ? [id] : []));
}

/** How much is refunded: one ticket, no whole ticket, or more than was paid. */
export type Share = 'all' | 'a ticket' | 'a bit' | 'too much';

function amountOf(share: Share, paid: number, seat: string | undefined, price: number): number | undefined {
  if (share === 'all') return undefined;
  if (share === 'too much') return paid + 1;
  const subtotal = SEATS[seat ?? ''] ?? 0;
  return share === 'a bit' ? 1 : Math.max(1, Math.min(subtotal, price));
}

/** An administrator refunds money through the service. */
export function adminRefund(at: number, share: Share): Action {
  const amountFor = (order: Order) => amountOf(share, order.price, order.seats[0], order.price);
  return onOrder(at, {
    name: `AdminRefund of ${share}`,
    suits: ({ status, price }) => status === 'completed' && price > 0,
    foresee: (order, sale) =>
      refused(refund(sale, order.orderId, amountFor(order)) ? '200' : '409 refund_not_possible'),
    act(order, world) {
      const amount = amountFor(order);
      const body = amount === undefined ? {} : { amount: amount / MINOR_IN_MAJOR };
      return world.call('POST', `/api/order/${order.orderId}/refund`, 'admin', body);
    },
  });
}

/** Money is refunded in Stripe’s dashboard, and the service must receive the event. */
export function dashboardRefund(at: number, share: Share): Action {
  const isPossible = (sale: Sale) => succeededIntents(sale).length > 0;
  return happening(`DashboardRefund ${at} of ${share}`, isPossible, (world, sale) => {
    const intentId = pick(succeededIntents(sale), at) ?? '';
    const intent = sale.bank.intent(intentId);
    const order = sale.orders.get(intent?.metadata.order_id ?? '');
    const amount = amountOf(share, intent?.amount ?? 0, order?.seats[0], order?.price ?? 0);
    const form = amount === undefined ? {} : { amount: String(amount) };
    return world.bank.post('/v1/refunds', { payment_intent: intentId, ...form });
  });
}

/** A bank decides a dispute. */
export function verdict(at: number, evidence: 'winning_evidence' | 'losing_evidence'): Action {
  const disputed = (sale: Sale) =>
    succeededIntents(sale).flatMap((intentId) => {
      const dispute = sale.bank.disputeOf(intentId);
      return dispute?.status === 'needs_response' ? [dispute.id] : [];
    });
  const isPossible = (sale: Sale) => disputed(sale).length > 0;
  return happening(`Verdict ${at}: ${evidence}`, isPossible, (world, sale) =>
    world.bank.post(`/v1/disputes/${pick(disputed(sale), at)}`, { 'evidence[uncategorized_text]': evidence }),
  );
}

/** Another system took the payment: `first` and `second` are its own ids, `intent` names the order’s PaymentIntent. */
export type Elsewhere = 'first' | 'second' | 'intent';

export function paymentElsewhere(at: number, which: Elsewhere): Action {
  const message = (order: Order) => deliverPayment({ orderId: order.orderId, paymentId: idElsewhere(order, which) });
  return onOrder(at, {
    name: `PaymentElsewhere (${which})`,
    suits: isPayable,
    foresee: (order, sale) => message(order).foresee(sale),
    act: (order, world, sale) => message(order).act(world, sale),
  });
}

function idElsewhere(order: Order, which: Elsewhere): string | undefined {
  if (which === 'first') return undefined;
  return which === 'second' ? 'second' : (order.intentId ?? undefined);
}

/** The message, for the first time or again, until a process accepts it. */
export function deliverPayment(message: PaymentMessage): Action {
  const { orderId, paymentId } = message;
  return {
    name: `Tell of a payment for ${orderId}`,
    isPossible: () => true,
    foresee(sale) {
      const order = sale.orders.get(orderId);
      if (order) foreseeElsewhere(order, paymentId, sale);
      return SILENT;
    },
    async act(world, sale) {
      sale.untaken.add(message);
      const payment = paymentId ? { payment_id: paymentId } : {};
      await world.sendMessage('payment_succefully', { order_id: orderId, ...payment });
      sale.untaken.delete(message);
      return undefined;
    },
  };
}

/** Money that was stored before a process died is decided on, whatever the order costs by now. */
function foreseeElsewhere({ orderId, price, status }: Order, paymentId: string | undefined, sale: Sale): void {
  const intentId = `elsewhere:${orderId}${paymentId ? `:${paymentId}` : ''}`;
  if (paymentId?.startsWith('pi_')) {
    align(sale, paymentId);
  } else if (price > 0 || sale.payments.get(intentId)?.state === 'received') {
    receivePayment(sale, orderId, intentId, price);
    conclude(sale, orderId);
  } else if (status === 'pending') {
    change(sale, orderId, { status: 'completed' });
  }
}

/** Another system could not take a payment: nothing changes, and the buyer may try again. */
export function failureElsewhere(at: number): Action {
  return onOrder(at, {
    name: 'FailureElsewhere',
    suits: isPayable,
    foresee: () => SILENT,
    async act(order, world) {
      await world.sendMessage('payment_unseecuufull', { order_id: order.orderId });
      return undefined;
    },
  });
}

export function undelivered(sale: Sale): StripeEvent[] {
  return sale.bank.events.filter(({ id }) => !sale.deliveries.has(id));
}

function delivered(sale: Sale): StripeEvent[] {
  return sale.bank.events.filter(({ id }) => sale.deliveries.has(id));
}

/** Stripe delivers an event: the oldest undelivered one, or a later one before it. */
export function deliver(at: number): Action {
  return delivery(`Deliver ${at}`, undelivered, at);
}

/** Stripe delivers an event again. */
export function duplicate(at: number): Action {
  return delivery(`Duplicate ${at}`, delivered, at);
}

function delivery(name: string, among: (sale: Sale) => StripeEvent[], at: number): Action {
  return {
    name,
    isPossible: (sale) => among(sale).length > 0,
    foresee: () => ({ answers: ['200'] }),
    async act(world, sale) {
      const event = pick(among(sale), at);
      if (!event) throw new Error('there is no event');
      const answer = await world.deliver(event);
      // An event that was not acknowledged is still to be delivered.
      if (answer.status === 200) sale.deliveries.set(event.id, (sale.deliveries.get(event.id) ?? 0) + 1);
      return answer;
    },
  };
}

/** Refunds that only an administrator can pay out, as the administrator’s list shows them. */
export function manualRefunds(sale: Sale): string[] {
  return sale.seen.refunds.flatMap(({ refundId, intentId, isDone }) =>
    !isDone && intentId.startsWith('elsewhere:') ? [refundId] : [],
  );
}

/** An administrator pays a refund out in another way and records it. */
export async function markRefunded(refundId: string, world: World): Promise<void> {
  const path = `/api/order/admin/payments/${refundId}/settled`;
  const answer = await world.call('POST', path, 'admin', { reference: 'bank transfer' });
  expect(answer.status, answer.text).toBe(204);
}
