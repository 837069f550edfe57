import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, expect } from 'vitest';
import { type Arena, openArena } from '../support/arena.ts';
import { expectNothingFailed, expectSound } from '../support/ledger.ts';
import { racesIn } from '../support/race-test.ts';
import { rounds } from '../support/rounds.ts';

let arena: Arena;
const race = racesIn(() => arena, rounds(100));

beforeAll(async () => {
  arena = await openArena();
});

afterEach(() => expectNothingFailed(arena));

const ticketFor = (seatId: string) => ({
  event_id: arena.platform.eventId,
  session_id: arena.platform.sessionId,
  seat_id: seatId,
  price: 0,
});

/** The box office issues a ticket in one process or the other. */
const issue = (who: string, seatId: string, ofReplica = false) =>
  arena.call(who, 'POST', '/api/order/ticket', { token: arena.admin, body: ticketFor(seatId), ofReplica });

const buy = (who: string, seatId: string, ofReplica = false) =>
  arena.call(who, 'POST', '/api/order', { token: arena.buyer, body: arena.platform.request([seatId]), ofReplica });

async function liveOn(seatId: string): Promise<number> {
  const rows = await arena.rows('SELECT FROM tickets WHERE seat_id = $1 AND voided_at IS NULL', [seatId]);
  return rows.length;
}

race(
  'a seat that a buyer and two box offices request is issued once',
  { outcomes: ['buyer', 'office', 'other'] },
  async (choose) => {
    const seatId = randomUUID();
    const { answers } = await arena.race(choose, {
      buyer: () => buy('buyer', seatId),
      office: () => issue('office', seatId, true),
      other: () => issue('other', seatId),
    });
    await arena.rest();
    const all = Object.entries(answers);
    const winners = all.filter(([, { status }]) => status === 201);
    expect([winners.length, await liveOn(seatId)]).toEqual([1, 1]);
    const refused = all.filter(([, { status }]) => status !== 201);
    expect(refused.map(([, { body }]) => [body.code, ...body.seat_ids])).toEqual([
      ['seats_taken', seatId],
      ['seats_taken', seatId],
    ]);
    await expectSound(arena, winners[0]?.[1].body.order_id, [seatId]);
    return winners[0]?.[0] ?? 'none';
  },
);

race(
  'a seat that a ticket is moved to while a buyer requests it is issued once',
  { outcomes: ['moved', 'sold'] },
  async (choose) => {
    const [from, to] = [randomUUID(), randomUUID()];
    const { body: ticket } = await issue('', from);
    const { answers } = await arena.race(choose, {
      mover: () =>
        arena.call('mover', 'PUT', `/api/order/ticket/${ticket.ticket_id}`, {
          token: arena.admin,
          body: { seat_id: to },
        }),
      buyer: () => buy('buyer', to, true),
      next: () => buy('next', from, true),
    });
    await arena.rest();
    const isMoved = answers.mover.status === 200;
    expect(answers.buyer.status).toBe(isMoved ? 409 : 201);
    expect(await liveOn(to)).toBe(1);
    // The old seat belongs to the next buyer or to the ticket, or it is free by now.
    expect(await liveOn(from)).toBe(answers.next.status === 201 || !isMoved ? 1 : 0);
    return isMoved ? 'moved' : 'sold';
  },
);

race(
  'a ticket that is voided twice during a full refund by an administrator is refunded once',
  { outcomes: ['by refund', 'by void'] },
  async (choose) => {
    const { admin: token, platform } = arena;
    const seatIds = [randomUUID()];
    const orderId = await platform.place(arena.buyer, seatIds);
    const offer = await arena.offer(orderId);
    expect(await arena.confirm(offer)).toBe(true);
    await arena.reportPayment('', orderId, offer.intentId);
    const [ticket] = await arena.rows<{ ticket_id: string }>('SELECT ticket_id FROM tickets WHERE order_id = $1', [
      orderId,
    ]);
    const path = `/api/order/ticket/${ticket?.ticket_id}?refund=true`;
    const { answers } = await arena.race(choose, {
      first: () => arena.call('first', 'DELETE', path, { token }),
      again: () => arena.call('again', 'DELETE', path, { token, ofReplica: true }),
      refunder: () => arena.call('refunder', 'POST', `/api/order/${orderId}/refund`, { token, ofReplica: true }),
    });
    expect([answers.first.status, answers.again.status]).toEqual([204, 204]);
    await arena.rest();
    const ledger = await expectSound(arena, orderId, seatIds);
    expect(ledger).toMatchObject({ status: 'cancelled', kept: 0 });
    const trail = await arena.rows('SELECT FROM audit_trail WHERE order_id = $1', [orderId]);
    expect(trail).toHaveLength(1);
    return answers.refunder.status === 200 ? 'by refund' : 'by void';
  },
);
