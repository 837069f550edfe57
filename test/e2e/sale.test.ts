import { beforeAll, describe, expect, test } from 'vitest';
import { openStream } from '../support/event-reader.ts';
import { onSaleAt, type Person, person, type Ticket } from '../support/people/people.ts';
import { confirmIntent } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { stripeApi } from '../support/stripe-api.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Nothing is replaced: embedded identity, venue and Stripe, as `npm start` runs them, on a database of this file's own. */
let app: TestApp;
let stored: Stored;
let buyer: Person;
let buyer2: Person;
let scanner: Person;
let admin: Person;
let event: { id: string; organizationId: string };
let session: { id: string };

interface MapSeat {
  readonly id: string;
  readonly label: string;
  readonly status: string;
}

beforeAll(async () => {
  app = await startTestApp({ STRIPE_WEBHOOK_SECRET: 'whsec_test' });
  stored = storedIn(app);
  event = (await app.call('GET', '/api/event-query/v1/events/trending')).body[0];
  session = (await app.call('GET', `/api/event-query/v1/events/${event.id}/sessions`)).body.content[0];
  const onSale = onSaleAt({ session_id: session.id, event_id: event.id, organization_id: event.organizationId });
  const signedIn = async (id: string) => person({ app, onSale, id, token: await app.signIn(id) });
  [buyer, buyer2, scanner, admin] = await Promise.all([
    signedIn('buyer'),
    signedIn('buyer2'),
    signedIn('scanner'),
    signedIn('admin'),
  ]);
});

async function mapSeats(): Promise<MapSeat[]> {
  const { body } = await app.call('GET', `/api/event-query/v1/sessions/${session.id}/seating-map`);
  return body.layout.blocks.flatMap((block: { rows?: { seats: MapSeat[] }[]; seats?: MapSeat[] }) => [
    ...(block.rows ?? []).flatMap((row) => row.seats),
    ...(block.seats ?? []),
  ]);
}

/** Seats that no test of this file has ordered, because the map shows a hold a moment after it. */
const handedOut = new Set<string>();

async function freeSeats(count: number): Promise<string[]> {
  const free = (await mapSeats()).filter(({ id, status }) => status === 'AVAILABLE' && !handedOut.has(id));
  const chosen = free.slice(0, count).map(({ id }) => id);
  for (const id of chosen) handedOut.add(id);
  return chosen;
}

async function placeOrder(by: Person, count = 1, code?: string): Promise<{ orderId: string; seatIds: string[] }> {
  const seatIds = await freeSeats(count);
  const discountId = code ? (await discountOf(code)).id : undefined;
  return { orderId: await by.place(seatIds, discountId), seatIds };
}

async function discountOf(code: string) {
  return (await app.call('GET', `/api/event-query/v1/events/${event.id}/sessions/${session.id}/discounts/code/${code}`))
    .body;
}

async function outboxOf(key: string) {
  return app.sql<{ topic: string; value: string; published_at: Date | null }>(
    'SELECT topic, value, published_at FROM outbox WHERE key = $1 ORDER BY id',
    [key],
  );
}

describe('a sale', () => {
  test('of two seats, paid by the webhook alone, is admitted once', async () => {
    const { orderId, seatIds } = await placeOrder(buyer, 2);
    await until('the venue shows the seats as held', async () => {
      const states = (await mapSeats()).filter(({ id }) => seatIds.includes(id));
      return states.every(({ status }) => status === 'LOCKED');
    });
    const intent = await buyer.intent(orderId);
    expect(intent).toMatchObject({
      seatLockDurationMins: 5,
      publishableKey: 'pk_test_embedded',
      order: { OrderID: orderId, Status: 'pending' },
    });
    await buyer.pay(orderId);

    const order = await until('the webhook completes the order', async () => {
      const read = await buyer.read(orderId);
      return read.Status === 'completed' && read;
    });
    expect(order).toMatchObject({
      Price: 25_000,
      SubTotal: 25_000,
      DiscountAmount: 0,
      PaymentIntentID: intent.paymentIntentId,
    });
    expect(order.tickets).toHaveLength(2);
    expect(await stored.payments(orderId)).toMatchObject([
      { state: 'applied', amount_minor: 2_500_000, currency: 'lkr' },
    ]);
    const messages = await outboxOf(orderId);
    expect(messages.map(({ topic }) => topic)).toEqual(['orderCreated', 'orderUpdated']);
    await until('the venue shows the seats as sold', async () => {
      const states = (await mapSeats()).filter(({ id }) => seatIds.includes(id));
      return states.every(({ status }) => status === 'BOOKED');
    });

    const [{ ticket_id }] = order.tickets as [Ticket];
    const ticket = await buyer.ticket(ticket_id);
    expect(ticket).toMatchObject({ checked_in: false, checked_in_time: '0001-01-01T00:00:00Z' });
    const qrText = await qrTextOf(ticket);
    const first = await scanner.checkIn(qrText);
    expect(first.ticket).toMatchObject({ ticket_id, checked_in: true });
    expect(await scanner.tries.checkIn(qrText)).toMatchObject({
      status: 409,
      body: { code: 'already_checked_in', checked_in_time: first.ticket.checked_in_time },
    });
  });

  test('reaches the organiser’s page at once, with the token in the address', async () => {
    const organiser = await app.signIn('organiser');
    const pages = await Promise.all(
      [`event/${event.id}`, `organization/${event.organizationId}`].map((whose) =>
        openStream(app.url, `/api/order/sse/checkouts/${whose}?access_token=${organiser}`),
      ),
    );
    const { orderId } = await placeOrder(buyer);
    await buyer.pay(orderId);
    for (const page of pages) {
      const [order] = await page.untilThereAre(1, 'checkout');
      expect(order).toMatchObject({ OrderID: orderId, Status: 'completed', tickets: [{}] });
    }
  });

  test('stays pending after a declined card, and the next card pays', async () => {
    const { orderId } = await placeOrder(buyer);
    const { paymentIntentId, clientSecret } = await buyer.intent(orderId);
    expect(await confirmIntent(app.url, paymentIntentId, clientSecret, 'pm_card_chargeDeclined')).toBe(402);
    const missing = await buyer.tries.checkOut(orderId);
    expect(missing).toMatchObject({ status: 402, body: { code: 'payment_missing' } });
    expect(missing.body.detail).toContain('Your card was declined.');
    expect(await buyer.pay(orderId)).toBe(paymentIntentId);
    const done = await buyer.checkOut(orderId);
    expect(done).toMatchObject({ Status: 'completed' });
    expect(await buyer.checkOut(orderId)).toEqual(done);
    const payments = await stored.payments(orderId);
    expect(payments.filter(({ state }) => state === 'applied')).toHaveLength(1);
  });

  test('is refused as a whole when a seat is taken, and names that seat', async () => {
    const { seatIds } = await placeOrder(buyer, 1);
    const [free = ''] = await freeSeats(1);
    const refused = await buyer2.tries.order([free, ...seatIds]);
    expect(refused).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: seatIds } });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    await buyer2.order([free]);
  });

  test('that is cancelled frees its seats and announces it', async () => {
    const { orderId, seatIds } = await placeOrder(buyer, 2);
    await buyer.cancel(orderId);
    expect(await buyer.read(orderId)).toMatchObject({ Status: 'cancelled' });
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'buyer' });
    const [, cancelled] = await outboxOf(orderId);
    expect(cancelled?.topic).toBe('orderCanceled');
    const message = JSON.parse(cancelled?.value ?? '');
    expect([...message.seat_ids].sort()).toEqual([...seatIds].sort());
    expect(message.tickets).toHaveLength(2);
    await until('the venue has them free again', async () =>
      (await mapSeats()).filter(({ id }) => seatIds.includes(id)).every(({ status }) => status === 'AVAILABLE'),
    );
    await buyer2.order(seatIds);
    const again = await buyer.tries.cancel(orderId);
    expect(again).toMatchObject({ status: 409, body: { code: 'order_not_pending' } });
  });

  test('that is cancelled cannot be paid with its open intent any more', async () => {
    const { orderId } = await placeOrder(buyer);
    const intent = await buyer.intent(orderId);
    await buyer.cancel(orderId);
    const late = await fetch(`${app.url}/v1/payment_intents/${intent.paymentIntentId}/confirm`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_embedded' },
      body: new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: intent.clientSecret }),
    });
    expect(late.status).toBe(400);
    expect(await late.json()).toMatchObject({ error: { payment_intent: { status: 'canceled' } } });
  });

  test('that is free completes by checkout, without a payment', async () => {
    const { orderId } = await placeOrder(buyer, 2, 'GUEST');
    expect(await buyer.checkOut(orderId)).toMatchObject({ Status: 'completed', Price: 0, DiscountCode: 'GUEST' });
    expect(await stored.payments(orderId)).toEqual([]);
  });

  test('that an administrator cancels after payment is refunded', async () => {
    const { orderId, intentId } = await buyer.buy(await freeSeats(1));
    expect((await buyer.tries.cancel(orderId)).body).toMatchObject({ code: 'order_not_pending' });
    await admin.cancel(orderId);
    await stored.untilPayment(orderId, 'refunded');
    expect(await stripeApi(app.url).list(`refunds?payment_intent=${intentId}`)).toMatchObject([
      { amount: 1_250_000, payment_intent: intentId },
    ]);
  });

  test('has QR codes once completed, and orders are listed newest first', async () => {
    const { orderId } = await placeOrder(buyer2);
    const [pending] = await buyer2.ownOrders();
    expect(pending).toMatchObject({ OrderID: orderId, Status: 'pending' });
    expect(pending?.tickets[0]).not.toHaveProperty('qr_code');
    await buyer2.pay(orderId);
    await buyer2.checkOut(orderId);
    const after = await buyer2.ownOrders();
    expect(after[0]?.tickets[0]?.qr_code).toMatch(/^iVBORw0KGgo/);
    const created = after.map((order) => order.CreatedAt);
    expect(created).toEqual([...created].sort().reverse());
  });
});
