import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded, unguarded } from './open-arena.ts';

const LIMIT = { MAX_HELD_SEATS_PER_USER: '2' };
const order = (arena: Arena, seats: number) => ({
  token: arena.buyer,
  body: arena.platform.request(Array.from({ length: seats }, () => randomUUID())),
  // The order and the answer that is kept are two statements of one transaction, so that a race fits in between.
  headers: { 'idempotency-key': randomUUID() },
});

async function seatsHeld({ rows }: Arena): Promise<number> {
  const [held] = await rows<{ seats: number }>(
    'SELECT count(*)::integer AS seats FROM tickets WHERE voided_at IS NULL',
  );
  return held?.seats ?? 0;
}

/** A user who may hold two seats orders two in each of two processes; the first order is written and not committed. */
async function twoOrders(arena: Arena) {
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database idempotency-keep' }, { who: 'second' }),
    {
      first: () => arena.call('first', 'POST', '/api/order', order(arena, 2)),
      second: () => arena.call('second', 'POST', '/api/order', { ...order(arena, 2), ofReplica: true }),
    },
  );
  return { statuses: Object.values(answers).map(({ status }) => status), held: await seatsHeld(arena) };
}

/** The same user adds a seat to an order while another order is written and not committed. */
async function orderAndChange(arena: Arena) {
  const { body } = await arena.call('first', 'POST', '/api/order', order(arena, 1));
  const seat_ids = [body.seat_ids[0], randomUUID()];
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database idempotency-keep' }, { who: 'second' }),
    {
      first: () => arena.call('first', 'POST', '/api/order', order(arena, 1)),
      second: () =>
        arena.call('second', 'PUT', `/api/order/${body.order_id}`, {
          token: arena.buyer,
          body: { seat_ids },
          ofReplica: true,
        }),
    },
  );
  return { statuses: Object.values(answers).map(({ status }) => status), held: await seatsHeld(arena) };
}

const CONDITION = { statement: 'order-insert', text: 'WHERE $27::integer = 0 OR', becomes: 'WHERE true OR' };
/** The count as it is, for orders that do not wait for each other. */
const WITHOUT_LOCK = `
  CREATE OR REPLACE FUNCTION seats_held_by(of_user uuid, in_session uuid, moment timestamptz) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM orders o JOIN tickets t USING (order_id)
     WHERE o.user_id = of_user AND o.session_id = in_session AND o.status = 'pending'
       AND (o.expires_at > moment OR o.payment_intent_id IS NOT NULL) AND t.voided_at IS NULL
  $$`;

test('with the count of held seats, one of two orders in two processes is written', async () => {
  expect(await twoOrders(await guarded(LIMIT))).toEqual({ statuses: [201, 409], held: 2 });
});

test('without the condition, a user holds as many seats as they like (I11)', async () => {
  expect(await twoOrders(await unguarded([CONDITION], undefined, LIMIT))).toEqual({ statuses: [201, 201], held: 4 });
});

test('without the lock, two orders at a time are each counted alone (I11)', async () => {
  expect(await twoOrders(await unguarded([], WITHOUT_LOCK, LIMIT))).toEqual({ statuses: [201, 201], held: 4 });
});

test('with the lock, an order and a change of another are counted together', async () => {
  expect(await orderAndChange(await guarded(LIMIT))).toEqual({ statuses: [201, 409], held: 2 });
});

test('without the lock, a change beside an order is counted alone (I11)', async () => {
  expect(await orderAndChange(await unguarded([], WITHOUT_LOCK, LIMIT))).toEqual({ statuses: [201, 200], held: 3 });
});
