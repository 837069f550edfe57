import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Watch } from '../../src/app.ts';
import { type Arena, openArena, payElsewhere } from '../support/arena.ts';
import { watchEffects } from '../support/effects.ts';
import { catalogueDiscount } from '../support/fake-seating.ts';
import { createGate } from '../support/gate.ts';
import { expectNothingFailed, expectSound, statesOfSeat } from '../support/ledger.ts';
import { racesIn } from '../support/race-test.ts';
import { rounds } from '../support/rounds.ts';
import type { Answer } from '../support/test-app.ts';

const ROUNDS_OF_MANY = rounds(10);
const BUYERS = 200;

const gate = createGate('database order-insert');

/** Holds that were lost, as when Redis is: every buyer seems to hold the seat, and PostgreSQL alone decides. */
const withoutHolds: Watch = (name, port) => {
  if (name !== 'holds') return watchEffects(gate)(name, port);
  return { ...port, hold: async () => ({ outcome: 'held' }) };
};

let arena: Arena;
const race = racesIn(() => arena, rounds(200));
let buyers: string[];
let stranger: string;

beforeAll(async () => {
  arena = await openArena({ watch: withoutHolds });
  buyers = await Promise.all(Array.from({ length: BUYERS }, arena.newcomer));
  stranger = await arena.newcomer();
});

afterEach(async () => {
  expectNothingFailed(arena);
  await expectNoDeadlock();
});

interface Placing {
  readonly seatIds: readonly string[];
  readonly token?: string;
  readonly discountId?: string;
  /** With a key the order is one transaction of two statements, so that others wait for it. */
  readonly key?: string;
  readonly ofReplica?: boolean;
}

function place(who: string, { seatIds, token = arena.buyer, discountId, key, ofReplica = false }: Placing) {
  return arena.call(who, 'POST', '/api/order', {
    token,
    body: arena.platform.request(seatIds, discountId),
    ofReplica,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
}

const cancel = (who: string, orderId: string) =>
  arena.call(who, 'DELETE', `/api/order/${orderId}`, { token: arena.buyer });

/** Each order is stored completely or not at all; returns the ids of the stored ones. */
async function expectWholeOrNone(requests: readonly (readonly string[])[], answers: readonly Answer[]) {
  const placed: string[] = [];
  for (const [at, { status, body }] of answers.entries()) {
    if (status === 201) {
      const { seatIds } = await expectSound(arena, body.order_id, []);
      expect(seatIds).toEqual(requests[at]?.toSorted());
      placed.push(body.order_id);
    } else expect([status, body.code]).toEqual([409, 'seats_taken']);
  }
  return placed;
}

describe('200 buyers with 200 concurrent requests', () => {
  test('for one seat: one gets it, and the refusals name it', async () => {
    for (let round = 0; round < ROUNDS_OF_MANY; round += 1) {
      const seatIds = [randomUUID()];
      gate.closeFor(BUYERS);
      const answers = await Promise.all(
        buyers.map((token, at) => place('', { seatIds, token, ofReplica: at % 2 === 0 })),
      );
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(199).fill(409)]);
      const refused = answers.filter(({ status }) => status === 409);
      expect(new Set(refused.map(({ body }) => body.seat_ids.join()))).toEqual(new Set(seatIds));
      await arena.rest();
      expect(statesOfSeat(arena, seatIds[0] ?? '')).toEqual(['LOCKED']);
      await expectWholeOrNone(
        answers.map(() => seatIds),
        answers.filter(({ status }) => status === 201),
      );
      arena.events.messages.length = 0;
    }
  });

  test('for overlapping seats in every order: no request hangs, and no buyer gets a part', async () => {
    for (let round = 0; round < ROUNDS_OF_MANY; round += 1) {
      const seats = Array.from({ length: 6 }, () => randomUUID());
      const requests = buyers.map((_, at) => rotated(seats, at).slice(0, 1 + (at % 4)));
      gate.closeFor(BUYERS);
      const answers = await Promise.all(
        buyers.map((token, at) => place('', { seatIds: requests[at] ?? [], token, ofReplica: at % 2 === 0 })),
      );
      await arena.rest();
      const placed = await expectWholeOrNone(requests, answers);
      expect(placed.length).toBeGreaterThan(0);
      arena.events.messages.length = 0;
    }
  });
});

/** The seats rotated to begin with another one, and reversed in every other round. */
function rotated(seats: readonly string[], by: number): string[] {
  const at = by % seats.length;
  const turned = [...seats.slice(at), ...seats.slice(0, at)];
  return Math.floor(by / seats.length) % 2 === 0 ? turned : turned.reverse();
}

async function expectNoDeadlock(): Promise<void> {
  const [row] = await arena.rows<{ deadlocks: number }>(
    'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
  );
  expect(row?.deadlocks).toBe(0);
}

race(
  'overlapping sets that wait for each other are sold whole or not at all, without a deadlock',
  { schedules: 190, outcomes: ['all', 'around', 'back', 'forth'] },
  async (choose) => {
    const [a = '', b = '', c = ''] = [randomUUID(), randomUUID(), randomUUID()].toSorted();
    const requests = { forth: [a, b], back: [c, b], around: [c, a], all: [b, c, a] };
    const { answers } = await arena.race(choose, {
      forth: () => place('forth', { seatIds: requests.forth, key: randomUUID() }),
      back: () => place('back', { seatIds: requests.back, key: randomUUID(), ofReplica: true }),
      around: () => place('around', { seatIds: requests.around, key: randomUUID() }),
      all: () => place('all', { seatIds: requests.all, ofReplica: true }),
    });
    await arena.rest();
    const placed = await expectWholeOrNone(Object.values(requests), Object.values(answers));
    // Any two of the sets have a seat in common.
    expect(placed).toHaveLength(1);
    return Object.entries(answers).find(([, { status }]) => status === 201)?.[0] ?? 'none';
  },
);

race(
  'three concurrent requests with the same Idempotency-Key make one order, and get its answer or "ask again"',
  { schedules: 100, outcomes: ['201, 409, 409', '201, 409, repeated', '201, repeated, repeated'] },
  async (choose) => {
    const request = { seatIds: [randomUUID()], key: randomUUID() };
    const { answers } = await arena.race(choose, {
      first: () => place('first', request),
      again: () => place('again', { ...request, ofReplica: true }),
      third: () => place('third', { ...request, ofReplica: true }),
    });
    await arena.rest();
    const { body } = await place('', request);
    await expectSound(arena, body.order_id, request.seatIds);
    expect(statesOfSeat(arena, request.seatIds[0] ?? '')).toEqual(['LOCKED']);
    const words = Object.values(answers).map((answer) => {
      if (answer.status === 201) expect(answer.body.order_id).toBe(body.order_id);
      else expect([answer.status, answer.body.code]).toEqual([409, 'request_in_flight']);
      return answer.headers.get('idempotent-replayed') ? 'repeated' : String(answer.status);
    });
    expect(words.filter((word) => word === '201')).toHaveLength(1);
    return words.toSorted().join(', ');
  },
);

race(
  'the last use of a discount goes to one of the concurrent orders',
  { schedules: 150, outcomes: ['first has it', 'second has it', 'third has it'] },
  async (choose) => {
    const discountId = catalogueDiscount(arena.platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 1 });
    const request = () => ({ seatIds: [randomUUID()], discountId });
    const { answers } = await arena.race(choose, {
      first: () => place('first', { ...request(), key: randomUUID() }),
      second: () => place('second', { ...request(), ofReplica: true }),
      third: () => place('third', { ...request(), key: randomUUID(), ofReplica: true }),
    });
    await arena.rest();
    const all = Object.entries(answers);
    const [winner, ...others] = all.filter(([, { status }]) => status === 201);
    expect([winner?.[1].status, others]).toEqual([201, []]);
    const refused = all.filter(([, { status }]) => status !== 201);
    expect(refused.map(([, { body }]) => body.code)).toEqual(['discount_refused', 'discount_refused']);
    const uses = await arena.rows('SELECT uses FROM discount_uses WHERE discount_id = $1', [discountId]);
    expect(uses).toEqual([{ uses: 1 }]);
    await expectSound(arena, winner?.[1].body.order_id, []);
    return `${winner?.[0]} has it`;
  },
);

race(
  'a seat goes to late money or to a new buyer, and the other’s money is refunded',
  { schedules: 120, outcomes: ['cancelled refunded', 'completed'] },
  async (choose) => {
    const seatIds = [randomUUID()];
    const orderId = await arena.platform.place(arena.buyer, seatIds);
    await arena.endHold(orderId);
    await arena.sweep();
    const intentId = await payElsewhere(arena, orderId);
    const { answers } = await arena.race(choose, {
      stripe: () => arena.reportPayment('stripe', orderId, intentId),
      other: () => place('other', { seatIds, token: stranger, key: randomUUID(), ofReplica: true }),
    });
    await arena.rest();
    const { status, reason } = await expectSound(arena, orderId, []);
    const { other } = answers;
    expect([status, reason]).toEqual(other.status === 201 ? ['cancelled', 'refunded'] : ['completed', null]);
    if (other.status === 201) await expectSound(arena, other.body.order_id, seatIds);
    else await expectSound(arena, orderId, seatIds);
    return `${status} ${reason ?? ''}`.trim();
  },
);

race(
  'the states of a seat are published in order when a cancel races with the next buyer and the relay',
  { schedules: 150, outcomes: ['refused', 'sold again'] },
  async (choose) => {
    const seatIds = [randomUUID()];
    const orderId = await arena.platform.place(arena.buyer, seatIds);
    await arena.rest();
    const relay = () => arena.platform.app.app.turn('relay');
    const { answers } = await arena.race(choose, {
      before: () => cancel('before', orderId),
      after: () => place('after', { seatIds, token: stranger, key: randomUUID(), ofReplica: true }),
      relay: async () => {
        for (let turn = 0; turn < 3; turn += 1) await relay();
      },
    });
    expect(answers.before.status).toBe(204);
    await arena.rest();
    const isTaken = answers.after.status === 201;
    const states = ['LOCKED', 'AVAILABLE', ...(isTaken ? ['LOCKED'] : [])];
    expect(statesOfSeat(arena, seatIds[0] ?? '')).toEqual(states);
    await expectSound(arena, orderId, []);
    if (isTaken) await expectSound(arena, answers.after.body.order_id, seatIds);
    return isTaken ? 'sold again' : 'refused';
  },
);
