import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, expect } from 'vitest';
import { type Arena, openArena } from '../support/arena.ts';
import { expectNothingFailed } from '../support/ledger.ts';
import { racesIn } from '../support/race-test.ts';
import { rounds } from '../support/rounds.ts';

const LIMIT = 4;

let arena: Arena;
const race = racesIn(() => arena, rounds(200));

beforeAll(async () => {
  arena = await openArena({ env: { MAX_HELD_SEATS_PER_USER: String(LIMIT) } });
});

afterEach(() => expectNothingFailed(arena));

const newSeats = (count: number) => Array.from({ length: count }, () => randomUUID());

race(
  'whole-house: two orders, a change and the end of a hold never leave a user with more seats than the limit',
  { schedules: 100, outcomes: 2 },
  async (choose) => {
    const token = await arena.newcomer();
    const order = (seats: number, key?: string) => ({
      token,
      body: arena.platform.request(newSeats(seats)),
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });
    const { body: first } = await arena.call('before', 'POST', '/api/order', order(1));
    const { body: ending } = await arena.call('before', 'POST', '/api/order', order(1));
    const seat_ids = [...first.seat_ids, ...newSeats(2)];
    const { answers, standstills } = await arena.interleaving.race(choose, {
      keyed: () => arena.call('keyed', 'POST', '/api/order', order(2, randomUUID())),
      plain: () => arena.call('plain', 'POST', '/api/order', { ...order(2), ofReplica: true }),
      change: () =>
        arena.call('change', 'PUT', `/api/order/${first.order_id}`, { token, body: { seat_ids }, ofReplica: true }),
      sweeper: async () => {
        await arena.endHold(ending.order_id);
        await arena.sweep();
      },
    });
    expect(standstills).toBe(0);
    const [held] = await arena.rows<{ seats: number }>(
      `SELECT count(*)::integer AS seats FROM tickets JOIN orders USING (order_id)
        WHERE user_id = (SELECT user_id FROM orders WHERE order_id = $1) AND status = 'pending' AND voided_at IS NULL`,
      [first.order_id],
    );
    const grown = [answers.keyed, answers.plain, answers.change].filter(({ status }) => status < 300);
    expect(held?.seats).toBe(1 + 2 * grown.length);
    expect(held?.seats).toBeLessThanOrEqual(LIMIT);
    expect(grown.length).toBeGreaterThan(0);
    await arena.rest();
    return [answers.keyed, answers.plain, answers.change].map(({ status }) => status).join(' ');
  },
);
