import { beforeAll, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { openStream } from '../support/event-reader.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Nothing replaced: embedded identity, venue and Stripe, as `npm start` runs them, on a database of this file's own. */
let app: TestApp;
let buyer: string;
let buyer2: string;
let scanner: string;
let admin: string;
let event: { id: string; organizationId: string };
let session: { id: string };

interface MapSeat {
  readonly id: string;
  readonly label: string;
  readonly status: string;
}

beforeAll(async () => {
  app = await startTestApp({ STRIPE_WEBHOOK_SECRET: 'whsec_test' });
  [buyer, buyer2, scanner, admin] = await Promise.all([
    app.signIn('buyer'),
    app.signIn('buyer2'),
    app.signIn('scanner'),
    app.signIn('admin'),
  ]);
  event = (await app.call('GET', '/api/event-query/v1/events/trending')).body[0];
  session = (await app.call('GET', `/api/event-query/v1/events/${event.id}/sessions`)).body.content[0];
});

async function mapSeats(): Promise<MapSeat[]> {
  const { body } = await app.call('GET', `/api/event-query/v1/sessions/${session.id}/seating-map`);
  return body.layout.blocks.flatMap((block: { rows?: { seats: MapSeat[] }[]; seats?: MapSeat[] }) => [
    ...(block.rows ?? []).flatMap((row) => row.seats),
    ...(block.seats ?? []),
  ]);
}

/** Seats no test of this file has asked for: the map learns of a hold a moment after it. */
const handedOut = new Set<string>();

async function freeSeats(count: number): Promise<string[]> {
  const free = (await mapSeats()).filter(({ id, status }) => status === 'AVAILABLE' && !handedOut.has(id));
  const chosen = free.slice(0, count).map(({ id }) => id);
  for (const id of chosen) handedOut.add(id);
  return chosen;
}

function orderRequest(seatIds: readonly string[], discountId?: string) {
  return {
    session_id: session.id,
    event_id: event.id,
    organization_id: event.organizationId,
    seat_ids: seatIds,
    ...(discountId === undefined ? {} : { discount_id: discountId }),
  };
}

async function placeOrder(
  token: string,
  count = 1,
  code?: string,
): Promise<{ orderId: string; seatIds: string[] }> {
  const seatIds = await freeSeats(count);
  const discountId = code ? (await discountOf(code)).id : undefined;
  const { status, body } = await app.call('POST', '/api/order', {
    token,
    body: orderRequest(seatIds, discountId),
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return { orderId: body.order_id, seatIds };
}

async function discountOf(code: string) {
  return (
    await app.call(
      'GET',
      `/api/event-query/v1/events/${event.id}/sessions/${session.id}/discounts/code/${code}`,
    )
  ).body;
}

async function pay(orderId: string, card: string, token = buyer) {
  const intent = await app.call('POST', `/api/order/${orderId}/create-payment-intent`, { token });
  expect(intent.status, intent.text).toBe(200);
  const response = await fetch(`${app.url}/v1/payment_intents/${intent.body.paymentIntentId}/confirm`, {
    method: 'POST',
    headers: { authorization: 'Bearer pk_test_embedded' },
    body: new URLSearchParams({ payment_method: card, client_secret: intent.body.clientSecret }),
  });
  return { intent: intent.body, confirmed: response.status };
}

async function outboxOf(key: string) {
  return app.sql<{ topic: string; value: string; published_at: Date | null }>(
    'SELECT topic, value, published_at FROM outbox WHERE key = $1 ORDER BY id',
    [key],
  );
}

describe('a sale', () => {
  test('two seats, paid for by the webhook alone, admitted once', async () => {
    const { orderId, seatIds } = await placeOrder(buyer, 2);
    await until('the venue shows the seats as held', async () => {
      const states = (await mapSeats()).filter(({ id }) => seatIds.includes(id));
      return states.every(({ status }) => status === 'LOCKED');
    });
    const { intent } = await pay(orderId, 'pm_card_visa');
    expect(intent).toMatchObject({
      seatLockDurationMins: 5,
      publishableKey: 'pk_test_embedded',
      order: { OrderID: orderId, Status: 'pending' },
    });

    const order = await until('the webhook completes the order', async () => {
      const { body } = await app.call('GET', `/api/order/${orderId}`, { token: buyer });
      return body.Status === 'completed' && body;
    });
    expect(order).toMatchObject({
      Price: 25_000,
      SubTotal: 25_000,
      DiscountAmount: 0,
      PaymentIntentID: intent.paymentIntentId,
    });
    expect(order.tickets).toHaveLength(2);
    expect(
      await app.sql('SELECT state, amount_minor, currency FROM payments WHERE order_id = $1', [orderId]),
    ).toEqual([{ state: 'applied', amount_minor: '2500000', currency: 'lkr' }]);
    const messages = await outboxOf(orderId);
    expect(messages.map(({ topic }) => topic)).toEqual(['orderCreated', 'orderUpdated']);
    await until('the venue shows the seats as sold', async () => {
      const states = (await mapSeats()).filter(({ id }) => seatIds.includes(id));
      return states.every(({ status }) => status === 'BOOKED');
    });

    const ticket = await app.call('GET', `/api/order/ticket/${order.tickets[0].ticket_id}`, { token: buyer });
    expect(ticket.body).toMatchObject({ checked_in: false, checked_in_time: '0001-01-01T00:00:00Z' });
    const qrText = await readQrCode(Buffer.from(ticket.body.qr_code, 'base64'));
    const first = await app.call('POST', '/api/order/ticket/checkin', {
      token: scanner,
      body: { encrypted_qr: qrText },
    });
    expect(first.status).toBe(200);
    expect(first.body.ticket).toMatchObject({ ticket_id: order.tickets[0].ticket_id, checked_in: true });
    const second = await app.call('POST', '/api/order/ticket/checkin', {
      token: scanner,
      body: { encrypted_qr: qrText },
    });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({
      code: 'already_checked_in',
      checked_in_time: first.body.ticket.checked_in_time,
    });
  });

  test('the organiser’s page hears of it at once, with its token in the address', async () => {
    const organiser = await app.signIn('organiser');
    const pages = await Promise.all(
      [`event/${event.id}`, `organization/${event.organizationId}`].map((whose) =>
        openStream(app.url, `/api/order/sse/checkouts/${whose}?access_token=${organiser}`),
      ),
    );
    const { orderId } = await placeOrder(buyer);
    await pay(orderId, 'pm_card_visa');
    for (const page of pages) {
      const [order] = await page.untilThereAre(1, 'checkout');
      expect(order).toMatchObject({ OrderID: orderId, Status: 'completed', tickets: [{}] });
    }
  });

  test('a declined card leaves the order pending, and the next card pays', async () => {
    const { orderId } = await placeOrder(buyer);
    const declined = await pay(orderId, 'pm_card_chargeDeclined');
    expect(declined.confirmed).toBe(402);
    const missing = await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(missing).toMatchObject({ status: 402, body: { code: 'payment_missing' } });
    expect(missing.body.detail).toContain('Your card was declined.');
    const paid = await pay(orderId, 'pm_card_visa');
    expect(paid).toMatchObject({
      confirmed: 200,
      intent: { paymentIntentId: declined.intent.paymentIntentId },
    });
    const done = await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(done).toMatchObject({ status: 200, body: { Status: 'completed' } });
    const again = await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(again.body).toEqual(done.body);
    expect(
      await app.sql("SELECT count(*)::int AS n FROM payments WHERE order_id = $1 AND state = 'applied'", [
        orderId,
      ]),
    ).toEqual([{ n: 1 }]);
  });

  test('a taken seat is refused by name, all or none', async () => {
    const { seatIds } = await placeOrder(buyer, 1);
    const [free = ''] = await freeSeats(1);
    const refused = await app.call('POST', '/api/order', {
      token: buyer2,
      body: orderRequest([free, ...seatIds]),
    });
    expect(refused).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: seatIds } });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    const alone = await app.call('POST', '/api/order', { token: buyer2, body: orderRequest([free]) });
    expect(alone.status).toBe(201);
  });

  test('a cancelled order frees its seats and says so', async () => {
    const { orderId, seatIds } = await placeOrder(buyer, 2);
    expect((await app.call('DELETE', `/api/order/${orderId}`, { token: buyer })).status).toBe(204);
    const { body } = await app.call('GET', `/api/order/${orderId}`, { token: buyer });
    expect(body).toMatchObject({ Status: 'cancelled' });
    expect(await app.sql('SELECT cancel_reason FROM orders WHERE order_id = $1', [orderId])).toEqual([
      { cancel_reason: 'buyer' },
    ]);
    const [, cancelled] = await outboxOf(orderId);
    expect(cancelled?.topic).toBe('orderCanceled');
    const message = JSON.parse(cancelled?.value ?? '');
    expect([...message.seat_ids].sort()).toEqual([...seatIds].sort());
    expect(message.tickets).toHaveLength(2);
    await until('the venue has them free again', async () =>
      (await mapSeats())
        .filter(({ id }) => seatIds.includes(id))
        .every(({ status }) => status === 'AVAILABLE'),
    );
    expect(
      (await app.call('POST', '/api/order', { token: buyer2, body: orderRequest(seatIds) })).status,
    ).toBe(201);
    const again = await app.call('DELETE', `/api/order/${orderId}`, { token: buyer });
    expect(again).toMatchObject({ status: 409, body: { code: 'order_not_pending' } });
  });

  test('an open intent of a cancelled order can no longer be paid', async () => {
    const { orderId } = await placeOrder(buyer);
    const { body: intent } = await app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
      token: buyer,
    });
    expect((await app.call('DELETE', `/api/order/${orderId}`, { token: buyer })).status).toBe(204);
    const late = await fetch(`${app.url}/v1/payment_intents/${intent.paymentIntentId}/confirm`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_embedded' },
      body: new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: intent.clientSecret }),
    });
    expect(late.status).toBe(400);
    expect(await late.json()).toMatchObject({ error: { payment_intent: { status: 'canceled' } } });
  });

  test('a free order completes by checkout, without a payment', async () => {
    const { orderId } = await placeOrder(buyer, 2, 'GUEST');
    const done = await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(done).toMatchObject({
      status: 200,
      body: { Status: 'completed', Price: 0, DiscountCode: 'GUEST' },
    });
    expect(await app.sql('SELECT * FROM payments WHERE order_id = $1', [orderId])).toEqual([]);
  });

  test('an order that an admin cancels after it was paid gives the money back', async () => {
    const { orderId } = await placeOrder(buyer);
    const { intent } = await pay(orderId, 'pm_card_visa');
    await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect((await app.call('DELETE', `/api/order/${orderId}`, { token: buyer })).body).toMatchObject({
      code: 'order_not_pending',
    });
    expect((await app.call('DELETE', `/api/order/${orderId}`, { token: admin })).status).toBe(204);
    await until('the payment is refunded', async () => {
      const [payment] = await app.sql<{ state: string }>('SELECT state FROM payments WHERE order_id = $1', [
        orderId,
      ]);
      return payment?.state === 'refunded';
    });
    const refunds = await fetch(`${app.url}/v1/refunds?payment_intent=${intent.paymentIntentId}`, {
      headers: { authorization: 'Bearer sk_test_embedded' },
    });
    expect(await refunds.json()).toMatchObject({
      data: [{ amount: 1_250_000, payment_intent: intent.paymentIntentId }],
    });
  });

  test('QR codes come with completed orders only, newest order first', async () => {
    const { orderId } = await placeOrder(buyer2);
    const { body } = await app.call('GET', '/api/order/user/orders', { token: buyer2 });
    expect(body[0]).toMatchObject({ OrderID: orderId, Status: 'pending' });
    expect(body[0].tickets[0]).not.toHaveProperty('qr_code');
    await pay(orderId, 'pm_card_visa', buyer2);
    await app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer2 });
    const { body: after } = await app.call('GET', '/api/order/user/orders', { token: buyer2 });
    expect(after[0].tickets[0].qr_code).toMatch(/^iVBORw0KGgo/);
    const created = after.map((order: { CreatedAt: string }) => order.CreatedAt);
    expect(created).toEqual([...created].sort().reverse());
  });
});
