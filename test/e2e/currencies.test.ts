import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seatsAt } from '../support/fake-seating.ts';
import { newPerson } from '../support/people/people.ts';
import { startPlatformApp } from '../support/platform-app.ts';
import { stripeApi } from '../support/stripe-api.ts';

describe.each([
  ['lkr', 149.99, 299.98, 29_998, '299.98'],
  ['jpy', 1_500, 3_000, 3_000, '3000'],
  ['kwd', 12.345, 24.69, 24_690, '24.690'],
])('in %s', (currency, seat, price, minor, stored) => {
  test('it prices, charges and stores two seats to the last digit', async () => {
    const platform = await startPlatformApp({ CURRENCY: currency.toUpperCase(), MAX_SEATS_PER_ORDER: '2' });
    const buyer = await newPerson(platform);
    const { order, orderId, intentId } = await buyer.buy(seatsAt(platform.seating, seat, seat));
    expect(order).toMatchObject({
      Status: 'completed',
      SubTotal: price,
      Price: price,
      tickets: [{ price_at_purchase: seat }, { price_at_purchase: seat }],
    });
    const charged = await stripeApi(platform.app.url).get(`payment_intents/${intentId}`);
    expect(charged).toMatchObject({ amount: minor, amount_received: minor, currency });
    expect(await platform.app.sql('SELECT price::text FROM orders WHERE order_id = $1', [orderId])).toEqual([
      { price: stored },
    ]);
    const tooMany = await buyer.tries.order([randomUUID(), randomUUID(), randomUUID()]);
    expect(tooMany).toMatchObject({ status: 400, body: { detail: 'body/seat_ids: must NOT have more than 2 items' } });
  });
});

test('it refuses a price that no card can be charged when it is ordered, not when it is paid', async () => {
  const platform = await startPlatformApp({ CURRENCY: 'kwd' });
  const buyer = await newPerson(platform);
  const refused = await buyer.tries.order(seatsAt(platform.seating, 12.345));
  expect(refused).toMatchObject({ status: 422, body: { code: 'price_not_chargeable' } });
  expect(await platform.app.sql('SELECT FROM orders')).toEqual([]);
});
