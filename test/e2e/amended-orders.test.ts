import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { seatsAt } from '../support/fake-seating.ts';
import { type Order, type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const events = recordEvents();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let buyer: Person;
let organiser: Person;
let admin: Person;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  ({ buyer, organiser, admin } = await people(platform));
});

/** A completed order of two seats, the more expensive first. */
const sold = () => buyer.buy(seatsAt(platform.seating, 90, 60));
type Sold = Awaited<ReturnType<typeof sold>>;

/** The topics of an order's messages, oldest first, once all of them are published. */
async function topicsOf(orderId: string): Promise<string[]> {
  const ofOrder = () => events.messages.filter(({ key }) => key === orderId);
  await until('all is published', async () => {
    const stored = await platform.app.sql<{ event_id: string }>('SELECT event_id FROM outbox WHERE key = $1', [
      orderId,
    ]);
    return stored.every(({ event_id }) => ofOrder().some(({ eventId }) => eventId === event_id));
  });
  const once = new Map(ofOrder().map((message) => [message.eventId, message]));
  return [...once.values()].map(({ topic }) => topic.replace('ticketly.order.', ''));
}

/** The same order with its tickets by id, because their order in the list means nothing. */
function byTicket(order: Order): Order {
  const tickets = order.tickets.toSorted((a, b) => (a.ticket_id < b.ticket_id ? -1 : 1));
  return { ...order, tickets };
}

const announcedOn = (topic: string, orderId: string) => events.on(topic, orderId).map(byTicket);

/** The order as its buyer reads it: messages carry the same, without QR codes and notes. */
async function orderAsRead(orderId: string) {
  const order = await buyer.read(orderId);
  return byTicket({ ...order, tickets: order.tickets.map(({ qr_code: _qrCode, note: _note, ...ticket }) => ticket) });
}

const refundAtStripe = async (intentId: string, amount: string) => {
  await stripe.post('refunds', { payment_intent: intentId, amount });
  await platform.app.untilRows(
    'the refund is known',
    1,
    "SELECT FROM refunds WHERE payment_intent_id = $1 AND origin <> 'service'",
    [intentId],
  );
};

/** Every action that changes a completed order and leaves it completed, with the number of amendments that it announces. */
const AMENDING: readonly (readonly [string, number, (order: Sold) => Promise<unknown>])[] = [
  ['an organiser voids a ticket', 1, ({ tickets: [first] }) => organiser.void(first)],
  ['an organiser voids and refunds a ticket', 1, ({ tickets: [first] }) => organiser.void(first, '?refund=true')],
  [
    'an organiser refunds a ticket that they voided before',
    2,
    async ({ tickets: [first] }) => {
      await organiser.void(first);
      await organiser.void(first, '?refund=true');
    },
  ],
  [
    'an organiser voids every ticket and keeps the money',
    2,
    async ({ tickets }) => {
      for (const ticket of tickets) await organiser.void(ticket);
    },
  ],
  ['an organiser moves a ticket', 1, ({ tickets: [first] }) => organiser.amend(first, { seat_id: randomUUID() })],
  ['an organiser relabels a ticket', 1, ({ tickets: [first] }) => organiser.amend(first, { seat_label: 'Box 3' })],
  ['an organiser writes a note on a ticket', 1, ({ tickets: [first] }) => organiser.amend(first, { note: 'aisle' })],
  ['an administrator refunds a part', 1, ({ orderId }) => admin.refund(orderId, { amount: 10, reason: 'late start' })],
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
    expect(announcedOn('ticketly.order.amended', order.orderId).at(-1)).toEqual(await orderAsRead(order.orderId));
  });

  test('it does not carry an order that changes while it is pending', async () => {
    const [kept, dropped, added] = [randomUUID(), randomUUID(), randomUUID()];
    const orderId = await buyer.place([kept, dropped]);
    await buyer.change(orderId, { seat_ids: [kept, added] });
    expect(await topicsOf(orderId)).toEqual(['created', 'updated']);
    expect(announcedOn('ticketly.order.updated', orderId)).toEqual([await orderAsRead(orderId)]);
  });

  test.each<[string, (order: Sold) => Promise<unknown>]>([
    ['an administrator cancels it', ({ orderId }) => admin.cancel(orderId)],
    ['an administrator refunds all of it', ({ orderId }) => admin.refund(orderId, { reason: 'moved' })],
    ['all of it is refunded at Stripe', ({ intentId }) => stripe.post('refunds', { payment_intent: intentId })],
  ])(
    'it does not carry a completed order that ends, which goes to the topic of cancellations: %s',
    async (_name, act) => {
      const order = await sold();
      const { orderId } = order;
      await act(order);
      await stored.untilStatus(orderId, 'cancelled');
      expect(await topicsOf(orderId)).toEqual(['created', 'updated', 'canceled']);
    },
  );

  test('it carries an order that is completed again because its dispute was won', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId, 'pm_card_createDispute');
    await stored.untilStatus(orderId, 'cancelled');
    const [dispute] = await stripe.list(`disputes?payment_intent=${intentId}`);
    await stripe.post(`disputes/${dispute.id}`, { 'evidence[uncategorized_text]': 'winning_evidence' });
    await stored.untilStatus(orderId, 'completed');
    expect(await topicsOf(orderId)).toEqual(['created', 'updated', 'canceled', 'amended']);
    expect(announcedOn('ticketly.order.amended', orderId)).toEqual([await orderAsRead(orderId)]);
  });
});

describe('ticketly.order.updated carries the completion of an order once', () => {
  test('when the hold had ended and the payment came late', async () => {
    const orderId = await buyer.place();
    await stored.endHold(orderId);
    await stored.untilStatus(orderId, 'cancelled');
    await deliver(platform.app, stripeEvent('payment_intent.succeeded', paidIntent(orderId)));
    await stored.untilStatus(orderId, 'completed');
    expect(await topicsOf(orderId)).toEqual(['created', 'canceled', 'updated']);
    expect(announcedOn('ticketly.order.updated', orderId)).toEqual([await orderAsRead(orderId)]);
  });

  test('when checkouts, webhooks and payment messages race and are then repeated', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId, { id: intentId }));
    const message = {
      topic: 'payment_succefully',
      key: orderId,
      value: JSON.stringify({ order_id: orderId, payment_intent_id: intentId }),
    };
    const round = () =>
      Promise.all([
        ...Array.from({ length: 4 }, () => buyer.tries.checkOut(orderId)),
        deliver(platform.app, event),
        deliver(platform.app, { ...event, id: `evt_${randomUUID()}` }),
        events.log.publish([{ ...message, eventId: randomUUID(), committedAt: instant(Date.now()) }]),
      ]);
    await round();
    await stored.untilStatus(orderId, 'completed');
    await round();
    await platform.app.untilRows(
      'every webhook is applied',
      0,
      'SELECT FROM stripe_inbox WHERE payment_intent_id = $1 AND applied_at IS NULL',
      [intentId],
    );
    expect(await topicsOf(orderId)).toEqual(['created', 'updated']);
  });
});
