import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogueDiscount } from '../support/fake-seating.ts';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

let platform: PlatformApp;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  buyer = await newPerson(platform);
});

describe('discount-currency', () => {
  test('it refuses a discount of another currency with a reason, and frees the seats', async () => {
    const parameters = { type: 'FLAT_OFF', amount: 5, currency: 'KWD' };
    const seatIds = [randomUUID()];
    const refused = await buyer.tries.order(seatIds, catalogueDiscount(platform.seating, parameters));
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.body).toMatchObject({
      code: 'discount_refused',
      message: 'The discount is in another currency than the prices. Please inform the organiser.',
    });
    expect(await platform.app.sql('SELECT FROM orders')).toEqual([]);
    await (await newPerson(platform)).place(seatIds);
  });

  test('it refuses the same when a pending order is changed to it, and leaves the order as it was', async () => {
    const orderId = await buyer.place();
    const parameters = { type: 'PERCENTAGE', percentage: 10, maxDiscount: 5, currency: 'USD' };
    const discount_id = catalogueDiscount(platform.seating, parameters);
    const changed = await buyer.tries.change(orderId, { discount_id });
    expect(changed.body).toMatchObject({ code: 'discount_refused' });
    expect(await buyer.read(orderId)).toMatchObject({
      Status: 'pending',
      DiscountID: '',
      DiscountAmount: 0,
      Price: 100,
    });
  });

  test('it deducts a discount of its own currency as the discount says', async () => {
    const parameters = { type: 'FLAT_OFF', amount: 5, currency: 'LKR' };
    const orderId = await buyer.place(undefined, catalogueDiscount(platform.seating, parameters));
    expect(await buyer.read(orderId)).toMatchObject({ DiscountAmount: 5, Price: 95 });
  });
});
