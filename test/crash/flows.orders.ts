import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Flow } from './flows.ts';
import {
  announced,
  becomes,
  confirm,
  expire,
  loseWebhooks,
  openPayment,
  place,
  sell,
  sellWithoutWebhook,
} from './steps.ts';
import { discountId, orderFor, ordersOfEachSession, type World } from './world.ts';

const ROUNDS_TOGETHER = 20;
const BUYER = { as: 'buyer', keyed: true } as const;
const pathOf = ({ orderId }: { readonly orderId: string }, what = '') => `/api/order/${orderId}${what}`;

async function change(world: World, order: { readonly orderId: string }, body: unknown) {
  return (await world.request(200, 'PUT', pathOf(order), { ...BUYER, body })).body;
}

/** Orders from placement to their end, except for payments, which have flows of their own. */
export const ORDER_FLOWS: Readonly<Record<string, Flow>> = {
  async 'orders are placed, refused and cancelled'(world) {
    const first = await place(world, 2, { code: 'LUCKY3' });
    await world.request(409, 'POST', '/api/order', { ...BUYER, body: orderFor(first.seatIds) });
    await world.request(402, 'POST', pathOf(first, '/checkout'), BUYER);
    await world.request(204, 'DELETE', pathOf(first), BUYER);
    const second = await place(world, 1, { keyed: false });
    await world.request(204, 'DELETE', pathOf(second), { as: 'buyer' });
  },

  async 'orders that arrive together are written together'(world) {
    await place(world, 1);
    // Sharing a statement depends on timing, so orders are placed until some did; a shared statement has one
    // transaction.
    const sharedStatements = () => world.sql('SELECT FROM orders GROUP BY xmin::text HAVING count(*) > 1');
    for (let round = 0; round < ROUNDS_TOGETHER && (await sharedStatements()).length === 0; round += 1) {
      const together = ordersOfEachSession(round).map((body) =>
        world.request(201, 'POST', '/api/order', { as: 'buyer', body }),
      );
      // All of them are answered or given up before the flow continues or ends.
      for (const each of await Promise.allSettled(together)) if (each.status === 'rejected') throw each.reason;
    }
  },

  async 'unpaid orders expire with their hold'(world) {
    await place(world, 1, { code: 'EARLY10' });
    await expire(world, await place(world, 1, { keyed: false, code: 'LUCKY3' }));
  },

  async 'an order with an open payment expires with its hold'(world) {
    const order = await place(world, 1, { code: 'EARLY10' });
    await openPayment(world, order);
    await expire(world, order);
  },

  async 'a paid order without a webhook is completed at the end of its hold'(world) {
    const order = await sellWithoutWebhook(world);
    await expire(world, order, 'completed');
  },

  async 'a free order is checked out'(world) {
    const order = await place(world, 1, { code: 'GUEST' });
    const { body } = await world.request(200, 'POST', pathOf(order, '/checkout'), BUYER);
    if (body.Status !== 'completed') throw new Error('the free order is not completed');
    const other = await place(world, 1, { code: 'GUEST', as: 'buyer2' });
    await world.request(200, 'POST', pathOf(other, '/checkout'), { as: 'buyer2' });
  },

  async 'a free order is completed by a request for its payment'(world) {
    const order = await place(world, 1, { code: 'GUEST' });
    const ask = () => world.request(409, 'POST', pathOf(order, '/create-payment-intent'), BUYER);
    const { body } = await ask();
    if (body.code !== 'nothing_to_pay') throw new Error(`refused for another reason: ${body.code}`);
    await becomes(world, order, 'completed');
    await ask();
  },

  async 'an order with an open payment is cancelled by its buyer'(world) {
    const order = await place(world, 1);
    await openPayment(world, order);
    await world.request(204, 'DELETE', pathOf(order), BUYER);
  },

  async 'a buyer cancels an order that has just been paid'(world) {
    const order = await sellWithoutWebhook(world);
    await world.request(409, 'DELETE', pathOf(order), BUYER);
  },

  async 'the seats of an order are changed'(world) {
    const order = await place(world, 2);
    const [kept = ''] = order.seatIds;
    await change(world, order, { seat_ids: [kept, ...world.seats(1)] });
    await announced(world);
    await world.request(200, 'PUT', pathOf(order), { as: 'buyer', body: { seat_ids: [kept, ...world.seats(2)] } });
  },

  async 'the discount of an order is changed, and with it the payment'(world) {
    const order = await place(world, 2);
    await openPayment(world, order);
    await change(world, order, { discount_id: discountId('EARLY10') });
    await change(world, order, { discount_id: discountId('FLAT500') });
    await change(world, order, { discount_id: discountId('VIPONLY') });
    await change(world, order, { discount_id: discountId('EARLY10') });
    await change(world, order, { discount_id: '' });
    await confirm(world, await openPayment(world, order));
    await becomes(world, order, 'completed');
  },

  async 'a change arrives when the order has just been paid'(world) {
    const order = await sellWithoutWebhook(world, 2);
    await world.request(409, 'PUT', pathOf(order), { ...BUYER, body: { discount_id: discountId('EARLY10') } });
  },

  async 'an order is paid at the second attempt, and its tickets are checked in'(world) {
    const order = await place(world, 2);
    await confirm(world, await openPayment(world, order), 'pm_card_chargeDeclined');
    await confirm(world, await openPayment(world, order));
    await becomes(world, order, 'completed');
    await world.request(200, 'POST', pathOf(order, '/checkout'), BUYER);
    await world.request(200, 'GET', pathOf(order), { as: 'organiser' });
    const { body } = await world.request(200, 'GET', pathOf(order, '/tickets'), { as: 'buyer' });
    const [first, second] = await Promise.all(
      body.map((ticket: { qr_code: string }) => readQrCode(Buffer.from(ticket.qr_code, 'base64'))),
    );
    const door = '/api/order/ticket/checkin';
    await world.request(200, 'POST', door, { as: 'scanner', keyed: true, body: { encrypted_qr: first } });
    await world.request(200, 'POST', door, { as: 'scanner', body: { encrypted_qr: second } });
  },

  async 'a checkout finds the payment before the webhook'(world) {
    const order = await sellWithoutWebhook(world);
    await world.request(200, 'POST', pathOf(order, '/checkout'), BUYER);
  },

  async 'a second request for the payment finds it before the webhook'(world) {
    const order = await sellWithoutWebhook(world);
    await world.request(409, 'POST', pathOf(order, '/create-payment-intent'), BUYER);
  },

  async 'an administrator cancels an order that is paid'(world) {
    await loseWebhooks(world, '%refund%');
    const order = await sell(world);
    await world.request(204, 'DELETE', pathOf(order), { as: 'admin', keyed: true });
  },
};
