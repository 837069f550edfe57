import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { findings, guarded, unguarded } from './open-arena.ts';

/** Two buyers of a seat in two processes: neither sees the other’s hold, and both reach the database. */
async function twoBuyers(arena: Arena) {
  const order = { token: arena.buyer, body: arena.platform.request([randomUUID()]) };
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database order-insert' }, { who: 'second', before: 'database order-insert' }),
    {
      first: () => arena.call('first', 'POST', '/api/order', order),
      second: () => arena.call('second', 'POST', '/api/order', { ...order, ofReplica: true }),
    },
  );
  const statuses = Object.values(answers).map(({ status }) => status);
  return { statuses, findings: await findings(arena) };
}

/**
 * A buyer in one process and the box office in another: a complimentary ticket competes for its seat like any other.
 */
async function buyerAndBoxOffice(arena: Arena) {
  const seatId = randomUUID();
  const { platform, buyer, admin } = arena;
  const ticket = { event_id: platform.eventId, session_id: platform.sessionId, seat_id: seatId, price: 0 };
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'buyer', before: 'database order-insert' }, { who: 'office', before: 'database order-insert' }),
    {
      buyer: () => arena.call('buyer', 'POST', '/api/order', { token: buyer, body: platform.request([seatId]) }),
      office: () => arena.call('office', 'POST', '/api/order/ticket', { token: admin, body: ticket, ofReplica: true }),
    },
  );
  const statuses = Object.values(answers).map(({ status }) => status);
  return { statuses, findings: await findings(arena) };
}

test('with the unique index, either the buyer or the box office gets the seat', async () => {
  expect(await buyerAndBoxOffice(await guarded())).toEqual({ statuses: [201, 409], findings: [] });
});

test('without the unique index, the box office issues a ticket for a buyer’s seat (I1)', async () => {
  const arena = await unguarded([], 'DROP INDEX tickets_live_seat');
  expect(await buyerAndBoxOffice(arena)).toEqual({
    statuses: [201, 201],
    findings: ['I1 a seat has more than one live ticket'],
  });
});

test('with the unique index, one buyer gets the seat', async () => {
  expect(await twoBuyers(await guarded())).toEqual({ statuses: [201, 409], findings: [] });
});

test('without the unique index, a seat is sold twice (I1)', async () => {
  const arena = await unguarded([], 'DROP INDEX tickets_live_seat');
  expect(await twoBuyers(arena)).toEqual({
    statuses: [201, 201],
    findings: ['I1 a seat has more than one live ticket'],
  });
});
