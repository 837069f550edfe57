import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, expect } from 'vitest';
import { type Arena, openArena } from '../support/arena.ts';
import { expectNoOtherPayable, expectNothingFailed, expectSound, type Ledger } from '../support/ledger.ts';
import { racesIn } from '../support/race-test.ts';
import { rounds } from '../support/rounds.ts';
import type { Step } from '../support/schedules.ts';

const PRICE = 10_000;
let arena: Arena;
const race = racesIn(() => arena, rounds(200));

beforeAll(async () => {
  arena = await openArena();
});

afterEach(() => expectNothingFailed(arena));

/** An order with a PaymentIntent that was issued to its page. */
async function offered() {
  const seatIds = [randomUUID()];
  const orderId = await arena.platform.place(arena.buyer, seatIds);
  return { orderId, seatIds, path: `/api/order/${orderId}`, offer: await arena.offer(orderId) };
}

async function paid() {
  const order = await offered();
  expect(await arena.confirm(order.offer)).toBe(true);
  return order;
}

/** One of the racers ended the order, and no other moved it again. */
function expectOneWinner({ status, announced }: Pick<Ledger, 'status' | 'announced'>): void {
  expect(announced).toEqual(['pending', status]);
}

/** The one that saved an order’s new state first. */
function whoMoved(steps: readonly Step[]): string {
  return steps.find(({ effect }) => /order-save-state|orders-save-cancelled/.test(effect))?.who ?? 'none';
}

race(
  'a payment at the end of the hold completes the order, or the order ends and no money is taken',
  {
    schedules: 120,
    outcomes: expect.arrayContaining([
      'completed by payer',
      'completed by page',
      'completed by sweeper',
      'cancelled by sweeper',
    ]),
  },
  async (choose) => {
    const { buyer: token } = arena;
    const { orderId, seatIds, path, offer } = await offered();
    await arena.endHold(orderId);
    const { answers, steps } = await arena.race(choose, {
      payer: () => arena.payAndReport('payer', orderId, offer),
      page: () => arena.call('page', 'POST', `${path}/checkout`, { token }),
      sweeper: () => arena.sweep(),
    });
    await arena.rest();
    const ledger = await expectSound(arena, orderId, seatIds);
    expect(ledger.status).toBe(answers.payer ? 'completed' : 'cancelled');
    expectOneWinner(ledger);
    expect([200, 402, 409]).toContain(answers.page.status);
    expectNoOtherPayable(ledger, [offer.intentId]);
    return `${ledger.status} by ${whoMoved(steps)}`;
  },
);

race(
  'a payment during a cancel completes the order, or the order is cancelled and no money is taken',
  {
    schedules: 120,
    outcomes: expect.arrayContaining([
      'completed by payer',
      'completed by buyer',
      'completed by page',
      'cancelled by buyer',
    ]),
  },
  async (choose) => {
    const { buyer: token } = arena;
    const { orderId, seatIds, path, offer } = await offered();
    const { answers, steps } = await arena.race(choose, {
      payer: () => arena.payAndReport('payer', orderId, offer),
      buyer: () => arena.call('buyer', 'DELETE', path, { token, ofReplica: true }),
      page: () => arena.call('page', 'POST', `${path}/checkout`, { token }),
    });
    await arena.rest();
    const ledger = await expectSound(arena, orderId, seatIds);
    expect([ledger.status, answers.buyer.status]).toEqual(answers.payer ? ['completed', 409] : ['cancelled', 204]);
    expectOneWinner(ledger);
    expectNoOtherPayable(ledger, [offer.intentId]);
    return `${ledger.status} by ${whoMoved(steps)}`;
  },
);

race(
  'a webhook during a checkout: the order is completed once, by either',
  { schedules: 120, outcomes: ['completed by page', 'completed by stripe'] },
  async (choose) => {
    const { buyer: token } = arena;
    const { orderId, seatIds, path, offer } = await paid();
    const { answers, steps } = await arena.race(choose, {
      stripe: () => arena.reportPayment('stripe', orderId, offer.intentId),
      page: () => arena.call('page', 'POST', `${path}/checkout`, { token, ofReplica: true }),
    });
    expect(answers.page.status).toBe(200);
    await arena.rest();
    const { status, payments, announced } = await expectSound(arena, orderId, seatIds);
    expect([status, payments]).toEqual(['completed', [{ state: 'applied', amount_minor: PRICE }]]);
    expectOneWinner({ status, announced });
    return `completed by ${whoMoved(steps)}`;
  },
);

race(
  'a repeated webhook and another one for the same money, on two replicas, have the effect of one',
  { schedules: 150, outcomes: ['completed by again', 'completed by first', 'completed by other'] },
  async (choose) => {
    const { orderId, seatIds, offer } = await paid();
    const [eventId, other] = [`evt_${randomUUID()}`, `evt_${randomUUID()}`];
    const { steps } = await arena.race(choose, {
      first: () => arena.reportPayment('first', orderId, offer.intentId, { eventId }),
      again: () => arena.reportPayment('again', orderId, offer.intentId, { eventId, ofReplica: true }),
      other: () => arena.reportPayment('other', orderId, offer.intentId, { eventId: other, ofReplica: true }),
    });
    const kept = await arena.rows('SELECT attempts FROM stripe_inbox WHERE payment_intent_id = $1', [offer.intentId]);
    expect(kept).toEqual([{ attempts: 1 }, { attempts: 1 }]);
    await arena.rest();
    const { status, payments, announced } = await expectSound(arena, orderId, seatIds);
    expect([status, payments]).toEqual(['completed', [{ state: 'applied', amount_minor: PRICE }]]);
    expectOneWinner({ status, announced });
    return `completed by ${whoMoved(steps)}`;
  },
);

race(
  'two refunds during a cancel by administrators never refund more than was paid',
  { schedules: 150, outcomes: 3 },
  async (choose) => {
    const { admin: token, buyer } = arena;
    const { orderId, seatIds, path } = await paid();
    await arena.platform.app.call('POST', `${path}/checkout`, { token: buyer });
    const refund = (who: string, amount: number) =>
      arena.call(who, 'POST', `${path}/refund`, { token, body: { amount }, ofReplica: who === 'second' });
    const { answers } = await arena.race(choose, {
      first: () => refund('first', 60),
      second: () => refund('second', 50),
      third: () => arena.call('third', 'DELETE', path, { token }),
      refunder: () => arena.platform.app.app.turn('refunds'),
    });
    await arena.rest();
    const { first, second, third } = answers;
    const ledger = await expectSound(arena, orderId, seatIds);
    // Two parts would exceed the whole, so at most one is refunded; the cancel then refunds the rest.
    expect([first.status, second.status].filter((status) => status === 200).length).toBeLessThan(2);
    expect([third.status, ledger.status, ledger.kept]).toEqual([204, 'cancelled', 0]);
    expect(ledger.announced).toEqual(['pending', 'completed', 'cancelled']);
    return [first, second].map(({ status, body }) => (status === 200 ? 'given' : body.code)).join(', ');
  },
);
