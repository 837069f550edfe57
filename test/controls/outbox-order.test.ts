import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { statesOfSeat } from '../support/ledger.ts';
import { inStretches } from '../support/schedules.ts';
import { until } from '../support/servers.ts';
import { findings, guarded, unguarded } from './open-arena.ts';

const cancel = (arena: Arena, who: string, orderId: string) =>
  arena.call(who, 'DELETE', `/api/order/${orderId}`, { token: arena.buyer });

describe('the number of an outbox row', () => {
  /** Sells a seat again in the middle of the cancel that frees it; returns the seat’s published states. */
  async function soldInTheMiddleOfCancel(arena: Arena): Promise<string[]> {
    const seatIds = [randomUUID()];
    const orderId = await arena.platform.place(arena.buyer, seatIds);
    const order = { token: arena.buyer, body: arena.platform.request(seatIds), ofReplica: true };
    const { answers } = await arena.interleaving.race(
      inStretches({ who: 'before', before: 'database outbox-append' }, { who: 'after' }, { who: 'before' }),
      {
        before: () => cancel(arena, 'before', orderId),
        after: () => arena.call('after', 'POST', '/api/order', order),
      },
    );
    expect(answers.after.status).toBe(201);
    await arena.rest();
    return statesOfSeat(arena, seatIds[0] ?? '');
  }

  test('when it is taken after the seats are won, the last published state of a seat is its real one', async () => {
    expect(await soldInTheMiddleOfCancel(await guarded())).toEqual(['LOCKED', 'AVAILABLE', 'LOCKED']);
  });

  test('when it is taken before the seats are won, a sold seat is published as free last (I4)', async () => {
    const arena = await unguarded([
      { statement: 'order-insert', text: 'FROM won, unnest', becomes: 'FROM unnest' },
      { statement: 'order-insert', text: 'won.seats > 0 AND', becomes: '' },
    ]);
    expect(await soldInTheMiddleOfCancel(arena)).toEqual(['LOCKED', 'LOCKED', 'AVAILABLE']);
  });
});

describe('the relay', () => {
  /**
   * Places and cancels an order before the relay runs, which then publishes one message at a time; returns
   * the seat’s published states.
   */
  async function placedAndCancelled(arena: Arena) {
    const seatIds = [randomUUID()];
    await cancel(arena, '', await arena.platform.place(arena.buyer, seatIds));
    const waiting = () => arena.rows('SELECT FROM outbox WHERE published_at IS NULL');
    while ((await waiting()).length > 0) {
      await arena.platform.app.app.turn('relay');
      const now = Date.now();
      await until('the clock advances', () => Date.now() > now);
    }
    return { states: statesOfSeat(arena, seatIds[0] ?? ''), findings: await findings(arena) };
  }

  /** From the beginning each time: the relay does not know that these looks are cut, and would skip the rest. */
  const oneByOne = (order: string) => [
    { statement: 'outbox-unpublished', text: 'id > $3', becomes: 'id > LEAST($3::bigint, 0)' },
    {
      statement: 'outbox-unpublished',
      text: 'ORDER BY id LIMIT $1',
      becomes: `ORDER BY ${order} LIMIT LEAST($1::bigint, 1)`,
    },
  ];

  test('in the order of the numbers, it publishes placed before cancelled', async () => {
    expect(await placedAndCancelled(await unguarded(oneByOne('id')))).toEqual({
      states: ['LOCKED', 'AVAILABLE'],
      findings: [],
    });
  });

  test('in another order, it publishes cancelled before placed (I4)', async () => {
    expect(await placedAndCancelled(await unguarded(oneByOne('id DESC')))).toEqual({
      states: ['AVAILABLE', 'LOCKED'],
      findings: ['I4 a message of an order or a seat was published before an older one'],
    });
  });
});
