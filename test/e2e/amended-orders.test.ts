import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const events = recordEvents();
let platform: PlatformApp;
let stripe: StripeApi;
let buyer: string;
let organiser: string;
let admin: string;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  const organiserId = randomUUID();
  platform.seating.owners.set(platform.eventId, organiserId);
  buyer = await platform.token(randomUUID());
  organiser = await platform.token(organiserId);
  admin = await platform.issuer.token(randomUUID(), ADMIN);
});

interface Sold {
  readonly orderId: string;
  readonly intentId: string;
  readonly tickets: readonly { readonly ticket_id: string; readonly seat_id: string }[];
}

/** A completed order of two seats, the dearer first. */
async function sold(): Promise<Sold> {
  const seatIds = [randomUUID(), randomUUID()];
  for (const [at, seatId] of seatIds.entries()) platform.seating.prices.set(seatId, at === 0 ? 90 : 60);
  const orderId = await platform.place(buyer, seatIds);
  const intentId = await platform.pay(buyer, orderId);
  const { status, body } = await platform.app.call('POST', `/api/order/${orderId}/checkout`, {
    token: buyer,
  });
  expect(status).toBe(200);
  const tickets = seatIds.map((id) => body.tickets.find((each: { seat_id: string }) => each.seat_id === id));
  return { orderId, intentId, tickets };
}

/** The topics of an order's messages, the oldest first, when all of them are published. */
async function topicsOf(orderId: string): Promise<string[]> {
  const ofOrder = () => events.messages.filter(({ key }) => key === orderId);
  await until('all is published', async () => {
    const stored = await platform.app.sql<{ event_id: string }>(
      'SELECT event_id FROM outbox WHERE key = $1',
      [orderId],
    );
    return stored.every(({ event_id }) => ofOrder().some(({ eventId }) => eventId === event_id));
  });
  const once = new Map(ofOrder().map((message) => [message.eventId, message]));
  return [...once.values()].map(({ topic }) => topic.replace('ticketly.order.', ''));
}

const stateIs = (orderId: string, status: string) =>
  until(`the order is ${status}`, async () => {
    const rows = await platform.app.sql('SELECT FROM orders WHERE order_id = $1 AND status = $2', [
      orderId,
      status,
    ]);
    return rows.length === 1;
  });

/** The same order with its tickets by id: their order in the list means nothing. */
function byTicket<Order extends { tickets: { ticket_id: string }[] }>(order: Order): Order {
  const tickets = order.tickets.toSorted((a, b) => (a.ticket_id < b.ticket_id ? -1 : 1));
  return { ...order, tickets };
}

const announcedOn = (topic: string, orderId: string) => events.on(topic, orderId).map(byTicket);

/** The order as its buyer reads it, which is how messages have it but for QR codes and notes. */
async function orderAsRead(orderId: string) {
  const { body } = await platform.app.call('GET', `/api/order/${orderId}`, { token: buyer });
  const tickets: { ticket_id: string; qr_code?: string; note?: string }[] = body.tickets;
  return byTicket({
    ...body,
    tickets: tickets.map(({ qr_code: _qrCode, note: _note, ...ticket }) => ticket),
  });
}

const voidIt = async (ticketId: string | undefined, query = '') => {
  const answer = await platform.app.call('DELETE', `/api/order/ticket/${ticketId}${query}`, {
    token: organiser,
  });
  expect(answer.status, answer.text).toBe(204);
};
const amend = async (ticketId: string | undefined, body: unknown) => {
  const answer = await platform.app.call('PUT', `/api/order/ticket/${ticketId}`, { token: organiser, body });
  expect(answer.status, answer.text).toBe(200);
};
const refund = async (orderId: string, body: unknown) => {
  const answer = await platform.app.call('POST', `/api/order/${orderId}/refund`, { token: admin, body });
  expect(answer.status, answer.text).toBe(200);
};
const refundAtStripe = async (intentId: string, amount: string) => {
  await stripe.post('refunds', { payment_intent: intentId, amount });
  await until('the refund is known', async () => {
    const rows = await platform.app.sql(
      "SELECT FROM refunds WHERE payment_intent_id = $1 AND origin <> 'service'",
      [intentId],
    );
    return rows.length === 1;
  });
};

/** Everything that changes a completed order and leaves it completed, with how many amendments it announces. */
const AMENDING: readonly (readonly [string, number, (order: Sold) => Promise<void>])[] = [
  ['an organiser voids a ticket', 1, ({ tickets: [first] }) => voidIt(first?.ticket_id)],
  [
    'an organiser voids and refunds a ticket',
    1,
    ({ tickets: [first] }) => voidIt(first?.ticket_id, '?refund=true'),
  ],
  [
    'an organiser refunds a ticket that they voided before',
    2,
    async ({ tickets: [first] }) => {
      await voidIt(first?.ticket_id);
      await voidIt(first?.ticket_id, '?refund=true');
    },
  ],
  [
    'an organiser voids every ticket and keeps the money',
    2,
    async ({ tickets }) => {
      for (const { ticket_id } of tickets) await voidIt(ticket_id);
    },
  ],
  [
    'an organiser moves a ticket',
    1,
    ({ tickets: [first] }) => amend(first?.ticket_id, { seat_id: randomUUID() }),
  ],
  [
    'an organiser relabels a ticket',
    1,
    ({ tickets: [first] }) => amend(first?.ticket_id, { seat_label: 'Box 3' }),
  ],
  [
    'an organiser writes a note on a ticket',
    1,
    ({ tickets: [first] }) => amend(first?.ticket_id, { note: 'aisle' }),
  ],
  [
    'an administrator refunds a part',
    1,
    ({ orderId }) => refund(orderId, { amount: 10, reason: 'late start' }),
  ],
  ['a refund at Stripe covers a ticket', 1, ({ intentId }) => refundAtStripe(intentId, '6000')],
  ['a refund at Stripe covers no ticket', 1, ({ intentId }) => refundAtStripe(intentId, '1000')],
];

describe('ticketly.order.amended', () => {
  test.each(AMENDING)('it carries the order when %s', async (_name, amendments, act) => {
    const order = await sold();
    await act(order);
    const expected = ['created', 'updated', ...Array.from({ length: amendments }, () => 'amended')];
    expect(await topicsOf(order.orderId)).toEqual(expected);
    expect(events.on('ticketly.order.updated', order.orderId)).toMatchObject([
      { Status: 'completed', tickets: [{}, {}] },
    ]);
    expect(announcedOn('ticketly.order.amended', order.orderId).at(-1)).toEqual(
      await orderAsRead(order.orderId),
    );
  });

  test('it carries nothing of an order that changes while it is pending', async () => {
    const [kept, dropped, added] = [randomUUID(), randomUUID(), randomUUID()];
    const orderId = await platform.place(buyer, [kept, dropped]);
    const body = platform.request([kept, added]);
    expect((await platform.app.call('PUT', `/api/order/${orderId}`, { token: buyer, body })).status).toBe(
      200,
    );
    expect(await topicsOf(orderId)).toEqual(['created', 'updated']);
    expect(announcedOn('ticketly.order.updated', orderId)).toEqual([await orderAsRead(orderId)]);
  });

  test.each<[string, (order: Sold) => Promise<unknown>]>([
    [
      'an administrator cancels it',
      ({ orderId }) => platform.app.call('DELETE', `/api/order/${orderId}`, { token: admin }),
    ],
    ['an administrator refunds it whole', ({ orderId }) => refund(orderId, { reason: 'moved' })],
    [
      'all of it is refunded at Stripe',
      ({ intentId }) => stripe.post('refunds', { payment_intent: intentId }),
    ],
  ])('it leaves the end of a completed order to the topic of cancellations: %s', async (_name, act) => {
    const { orderId, ...order } = await sold();
    await act({ orderId, ...order });
    await stateIs(orderId, 'cancelled');
    expect(await topicsOf(orderId)).toEqual(['created', 'updated', 'canceled']);
  });

  test('it carries an order that is completed again because its dispute was won', async () => {
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
      token: buyer,
    });
    await confirmIntent(platform.app.url, body.paymentIntentId, body.clientSecret, 'pm_card_createDispute');
    await stateIs(orderId, 'cancelled');
    const [dispute] = await stripe.list(`disputes?payment_intent=${body.paymentIntentId}`);
    await stripe.post(`disputes/${dispute.id}`, { 'evidence[uncategorized_text]': 'winning_evidence' });
    await stateIs(orderId, 'completed');
    expect(await topicsOf(orderId)).toEqual(['created', 'updated', 'canceled', 'amended']);
    expect(announcedOn('ticketly.order.amended', orderId)).toEqual([await orderAsRead(orderId)]);
  });
});

describe('ticketly.order.updated carries one completion of an order', () => {
  test('when its hold had ended and its money came late', async () => {
    const orderId = await platform.place(buyer);
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [
      orderId,
    ]);
    await stateIs(orderId, 'cancelled');
    await deliver(platform.app, stripeEvent('payment_intent.succeeded', paidIntent(orderId)));
    await stateIs(orderId, 'completed');
    expect(await topicsOf(orderId)).toEqual(['created', 'canceled', 'updated']);
    expect(announcedOn('ticketly.order.updated', orderId)).toEqual([await orderAsRead(orderId)]);
  });

  test('when checkouts, webhooks and payment messages race, and come again afterwards', async () => {
    const orderId = await platform.place(buyer);
    const intentId = await platform.pay(buyer, orderId);
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId, { id: intentId }));
    const message = {
      topic: 'payment_succefully',
      key: orderId,
      value: JSON.stringify({ order_id: orderId, payment_intent_id: intentId }),
    };
    const round = () =>
      Promise.all([
        ...Array.from({ length: 4 }, () =>
          platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer }),
        ),
        deliver(platform.app, event),
        deliver(platform.app, { ...event, id: `evt_${randomUUID()}` }),
        events.log.publish([{ ...message, eventId: randomUUID(), committedAt: instant(Date.now()) }]),
      ]);
    await round();
    await stateIs(orderId, 'completed');
    await round();
    await until('every webhook is applied', async () => {
      const rows = await platform.app.sql(
        'SELECT FROM stripe_inbox WHERE payment_intent_id = $1 AND applied_at IS NULL',
        [intentId],
      );
      return rows.length === 0;
    });
    expect(await topicsOf(orderId)).toEqual(['created', 'updated']);
  });
});
