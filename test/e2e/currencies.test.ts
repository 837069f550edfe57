import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { catalogueDiscount, seatsAt } from '../support/fake-seating.ts';
import { newAdmin, newPerson } from '../support/people/people.ts';
import { startPlatformApp } from '../support/platform-app.ts';
import { stripeApi } from '../support/stripe-api.ts';

describe.each([
  ['lkr', 149.99, 299.98, 29_998, '299.98'],
  ['jpy', 1_500, 3_000, 3_000, '3000'],
  ['kwd', 12.345, 24.69, 24_690, '24.690'],
  ['isk', 999, 1_998, 199_800, '1998.00'],
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

test('zero-decimal-special: an amount with a discount is charged in whole units, and refunded in them', async () => {
  const platform = await startPlatformApp({ CURRENCY: 'ugx' });
  const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 12.5 });
  const buyer = await newPerson(platform);
  const { order, orderId, intentId } = await buyer.buy(seatsAt(platform.seating, 999), discountId);
  expect(order).toMatchObject({ SubTotal: 999, Price: 874 });
  expect(await stripeApi(platform.app.url).get(`payment_intents/${intentId}`)).toMatchObject({ amount: 87_400 });
  const admin = await newAdmin(platform);
  expect(await admin.tries.refund(orderId, 0.5)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
  expect(await admin.refund(orderId, 74)).toMatchObject({ amount: 74 });
});

describe('charge-limits', () => {
  test.each<[string, number, number | undefined]>([
    ['a price below the minimum', 0.3, undefined],
    ['a discount that leaves less than the minimum', 100, 99.9],
    ['a price above the maximum', 1_000_000, undefined],
  ])('%s is refused when it is ordered, and the seat stays free', async (_name, price, percentage) => {
    const platform = await startPlatformApp({ CURRENCY: 'usd' });
    const buyer = await newPerson(platform);
    const seats = seatsAt(platform.seating, price);
    const discountId = percentage && catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage });
    const refused = await buyer.tries.order(seats, discountId || undefined);
    expect(refused).toMatchObject({ status: 422, body: { code: 'price_not_chargeable' } });
    expect(await platform.app.sql('SELECT FROM orders')).toEqual([]);
    platform.seating.prices.set(seats[0], 50);
    await (await newPerson(platform)).order(seats);
  });

  test('an order cannot be changed to such a price, and stays as it is', async () => {
    const platform = await startPlatformApp({ CURRENCY: 'usd' });
    const buyer = await newPerson(platform);
    const [kept, cheap] = seatsAt(platform.seating, 10, 0.3);
    const orderId = await buyer.place([kept]);
    expect(await buyer.tries.change(orderId, { seat_ids: [cheap] })).toMatchObject({
      status: 422,
      body: { code: 'price_not_chargeable' },
    });
    expect(await buyer.read(orderId)).toMatchObject({ Price: 10, tickets: [{ seat_id: kept }] });
    platform.seating.prices.set(cheap, 5);
    await (await newPerson(platform)).order([cheap]);
  });
});

describe('the unit beside a number is read', () => {
  test('an intent of the right number in another currency is replaced', async () => {
    const platform = await startPlatformApp();
    const stripe = stripeApi(platform.app.url);
    const buyer = await newPerson(platform);
    const orderId = await buyer.place(seatsAt(platform.seating, 100));
    const form = { amount: '10000', currency: 'usd', 'metadata[order_id]': orderId };
    const { id } = await stripe.post('payment_intents', form);
    await platform.app.sql('UPDATE orders SET payment_intent_id = $1, payment_attempt = 1', [id]);
    const { paymentIntentId } = await buyer.intent(orderId);
    expect(await stripe.get(`payment_intents/${paymentIntentId}`)).toMatchObject({ amount: 10_000, currency: 'lkr' });
    expect(await stripe.get(`payment_intents/${id}`)).toMatchObject({ status: 'canceled' });
  });

  test('a payment in another currency is not refunded in amounts of this one', async () => {
    const platform = await startPlatformApp();
    const { orderId } = await (await newPerson(platform)).buy(seatsAt(platform.seating, 100));
    const admin = await newAdmin(platform);
    await platform.app.sql("UPDATE payments SET currency = 'usd'");
    const refused = await admin.tries.refund(orderId, 100);
    expect(refused).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
    expect(refused.body.detail).toBe('The payment is in USD, not in LKR. Refund it in Stripe’s dashboard.');
    expect(await platform.app.sql('SELECT FROM refunds')).toEqual([]);
    await platform.app.sql("UPDATE payments SET currency = 'lkr'");
  });
});
