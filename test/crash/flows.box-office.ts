import type { Flow } from './flows.ts';
import { announced, loseWebhooks, noRefundLeft, sell } from './steps.ts';
import { orderFor, seatOfEachTier, type World } from './world.ts';

const ORGANISER = { as: 'organiser', keyed: true } as const;

async function issue(world: World, ticket: Record<string, unknown>): Promise<string> {
  const [seat_id] = world.seats(1);
  const { event_id, session_id } = orderFor([]);
  const body = { event_id, session_id, seat_id, ...ticket };
  return (await world.request(201, 'POST', '/api/order/ticket', { ...ORGANISER, body })).body.ticket_id;
}

const voidIt = (world: World, ticketId: string, query = '') =>
  world.request(204, 'DELETE', `/api/order/ticket/${ticketId}${query}`, ORGANISER);

/** What an organiser does with tickets. */
export const BOX_OFFICE_FLOWS: Readonly<Record<string, Flow>> = {
  async 'a ticket is given away, moved and voided'(world) {
    const ticketId = await issue(world, { price: 0, note: 'a guest' });
    await announced(world);
    const [seat_id] = world.seats(1);
    const path = `/api/order/ticket/${ticketId}`;
    await world.request(200, 'PUT', path, { ...ORGANISER, body: { seat_id, note: 'another guest' } });
    await announced(world);
    await voidIt(world, ticketId);
  },

  async 'a ticket is sold for cash and refunded in cash'(world) {
    const ticketId = await issue(world, { price: 12_500 });
    await announced(world);
    await voidIt(world, ticketId, '?refund=true');
  },

  async 'a ticket of an order is voided, then refunded'(world) {
    await loseWebhooks(world, '%refund%');
    const { orderId } = await sell(world, 2);
    await announced(world);
    const { body } = await world.request(200, 'GET', `/api/order/${orderId}/tickets`, { as: 'organiser' });
    await voidIt(world, body[0].ticket_id);
    await announced(world);
    await voidIt(world, body[0].ticket_id, '?refund=true');
    await noRefundLeft(world);
  },

  async 'two tickets are refunded together in the dashboard, one of which an organiser voided'(world) {
    const { intentId } = await sell(world, seatOfEachTier());
    const [dearest, next] = await world.sql<{ ticket_id: string; minor: number }>(
      'SELECT ticket_id, (price_at_purchase * 100)::int AS minor FROM tickets ORDER BY price_at_purchase DESC',
    );
    await voidIt(world, dearest?.ticket_id ?? '');
    await announced(world);
    const amount = String((dearest?.minor ?? 0) + (next?.minor ?? 0));
    await world.stripe('POST', 'refunds', { payment_intent: intentId, amount });
    await world.until('neither can be refunded again', async () => {
      return (await world.sql("SELECT FROM tickets WHERE void_reason = 'refunded'")).length === 2;
    });
  },
};
