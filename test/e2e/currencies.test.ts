import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { startPlatformApp } from '../support/platform-app.ts';

describe.each([
  ['lkr', 149.99, 299.98, 29_998, '299.98'],
  ['jpy', 1_500, 3_000, 3_000, '3000'],
  ['kwd', 12.345, 24.69, 24_690, '24.690'],
])('in %s', (currency, seat, price, minor, stored) => {
  test('two seats are priced, charged and stored to the last digit', async () => {
    const platform = await startPlatformApp({ CURRENCY: currency.toUpperCase(), MAX_SEATS_PER_ORDER: '2' });
    const buyer = await platform.token(randomUUID());
    const seatIds = [randomUUID(), randomUUID()];
    for (const seatId of seatIds) platform.seating.prices.set(seatId, seat);
    const orderId = await platform.place(buyer, seatIds);
    const intentId = await platform.pay(buyer, orderId);
    const done = await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(done.body).toMatchObject({
      Status: 'completed',
      SubTotal: price,
      Price: price,
      tickets: [{ price_at_purchase: seat }, { price_at_purchase: seat }],
    });
    const charged = await fetch(`${platform.app.url}/v1/payment_intents/${intentId}`, {
      headers: { authorization: 'Bearer sk_test_embedded' },
    });
    expect(await charged.json()).toMatchObject({ amount: minor, amount_received: minor, currency });
    expect(await platform.app.sql('SELECT price::text FROM orders WHERE order_id = $1', [orderId])).toEqual([
      { price: stored },
    ]);
    const tooMany = await platform.app.call('POST', '/api/order', {
      token: buyer,
      body: platform.request([randomUUID(), randomUUID(), randomUUID()]),
    });
    expect(tooMany).toMatchObject({
      status: 400,
      body: { detail: 'body/seat_ids: must NOT have more than 2 items' },
    });
  });
});

test('a price that no card can be charged is refused when it is ordered, not when it is paid', async () => {
  const platform = await startPlatformApp({ CURRENCY: 'kwd' });
  const buyer = await platform.token(randomUUID());
  const seatId = randomUUID();
  platform.seating.prices.set(seatId, 12.345);
  const refused = await platform.app.call('POST', '/api/order', {
    token: buyer,
    body: platform.request([seatId]),
  });
  expect(refused).toMatchObject({ status: 422, body: { code: 'price_not_chargeable' } });
  expect(await platform.app.sql('SELECT FROM orders')).toEqual([]);
});
