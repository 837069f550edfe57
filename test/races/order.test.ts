import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Arena, explore, inShort, openArena } from '../support/arena.ts';
import { expectNoOtherPayable, expectNothingFailed, expectSound } from '../support/ledger.ts';
import { isThorough, rounds } from '../support/rounds.ts';
import { type Step, seeds } from '../support/schedules.ts';
import type { Answer } from '../support/test-app.ts';

const ROUNDS = rounds(200);

let arena: Arena;

beforeAll(async () => {
  arena = await openArena();
});

afterEach(() => expectNothingFailed(arena));

/** A pending order on the first of three seats, and what its page can pay with, when it was issued. */
async function pending({ isOffered }: { readonly isOffered: boolean }) {
  const seatIds = [randomUUID(), randomUUID(), randomUUID()] as const;
  const orderId = await arena.platform.place(arena.buyer, [seatIds[0]]);
  const offer = isOffered ? await arena.offer(orderId) : undefined;
  return { orderId, seatIds, path: `/api/order/${orderId}`, offer };
}

const change = (who: string, path: string, seatIds: readonly string[], ofReplica = false) =>
  arena.call(who, 'PUT', path, { token: arena.buyer, body: { seat_ids: seatIds }, ofReplica });

const offer = (who: string, path: string, ofReplica = false) =>
  arena.call(who, 'POST', `${path}/create-payment-intent`, { token: arena.buyer, ofReplica });

const cancel = (who: string, path: string) => arena.call(who, 'DELETE', path, { token: arena.buyer, ofReplica: true });

/** The hold ends during the race, and the sweeper runs. */
async function sweepAfterHold(orderId: string): Promise<void> {
  await arena.endHold(orderId);
  await arena.sweep();
}

/** The intents whose client secrets these answers contain. */
function given(...answers: readonly Answer[]): string[] {
  return answers.flatMap(({ status, body }) => (status === 200 ? [body.paymentIntentId] : []));
}

const inWords = ({ status, body }: Answer) => `${status}${body?.code ? ` ${body.code}` : ''}`;

/** The one of these that committed last. */
function lastOf(steps: readonly Step[], ...who: readonly string[]): string | undefined {
  return steps.findLast((step) => step.effect === 'database order-save-terms' && who.includes(step.who))?.who;
}

describe('changing an order', () => {
  test('during a payment it is refused, or the old price can no longer be paid', async ({ annotate }) => {
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: true });
      if (!old) throw new Error('no offer');
      const [a, b] = seatIds;
      const { answers, standstills } = await arena.interleaving.race(choose, {
        buyer: () => change('buyer', path, [a, b], true),
        payer: () => arena.payAndReport('payer', orderId, old),
      });
      expect(standstills).toBe(0);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      const wanted = answers.payer
        ? { status: 'completed', price: 10_000, answered: 409 }
        : { status: 'pending', price: 20_000, answered: 200 };
      const { status, price } = ledger;
      expect({ status, price, answered: answers.buyer.status }).toEqual(wanted);
      expectNoOtherPayable(ledger, [old.intentId]);
      return `${status} ${inWords(answers.buyer)}`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(120);
    expect(Object.keys(explored.outcomes).length).toBeGreaterThan(1);
  });

  test('during another change it loses neither, and the last one stands', async ({ annotate }) => {
    let isOffered = false;
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      isOffered = !isOffered;
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
      const [a, b, c] = seatIds;
      const requests: Record<string, string[]> = { first: [b], second: [a, c] };
      const { answers, steps, standstills } = await arena.interleaving.race(choose, {
        first: () => change('first', path, [b]),
        second: () => change('second', path, [a, c], true),
      });
      expect(standstills).toBe(0);
      expect([answers.first.status, answers.second.status]).toEqual([200, 200]);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      const last = lastOf(steps, 'first', 'second') ?? '';
      expect(ledger.seatIds).toEqual(requests[last]?.toSorted());
      expectNoOtherPayable(ledger, old ? [old.intentId] : []);
      return `${last} stands`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(150);
    expect(Object.keys(explored.outcomes)).toHaveLength(2);
  });

  test('at the end of the hold it ends with the order, and no seat is left behind', async ({ annotate }) => {
    let isOffered = false;
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      isOffered = !isOffered;
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
      const [a, b, c] = seatIds;
      const { answers, standstills } = await arena.interleaving.race(choose, {
        buyer: () => change('buyer', path, [a, b]),
        tab: () => change('tab', path, [c], true),
        sweeper: () => sweepAfterHold(orderId),
      });
      expect(standstills).toBe(0);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'expired']);
      expectNoOtherPayable(ledger, old ? [old.intentId] : []);
      return `${inWords(answers.buyer)}, ${inWords(answers.tab)}`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(150);
    expect(Object.keys(explored.outcomes).length).toBeGreaterThan(1);
  });
});

test('a cancel at the end of the hold ends the order once, for one reason', async ({ annotate }) => {
  let isOffered = false;
  const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
    isOffered = !isOffered;
    const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
    await arena.endHold(orderId);
    const { answers, standstills } = await arena.interleaving.race(choose, {
      buyer: () => cancel('buyer', path),
      sweeper: () => arena.sweep(),
    });
    expect(standstills).toBe(0);
    await arena.rest();
    const ledger = await expectSound(arena, orderId, seatIds);
    const { status, reason } = ledger;
    expect([status, reason]).toEqual(['cancelled', answers.buyer.status === 204 ? 'buyer' : 'expired']);
    expect(ledger.announced).toEqual(['pending', 'cancelled']);
    expectNoOtherPayable(ledger, old ? [old.intentId] : []);
    return `${reason} ${inWords(answers.buyer)}`;
  });
  await annotate(inShort(explored));
  if (!isThorough()) return;
  expect(explored.schedules).toBeGreaterThan(100);
  expect(Object.keys(explored.outcomes).toSorted()).toEqual(['buyer 204', 'expired 409 order_not_pending']);
});

describe('a page’s request for a PaymentIntent', () => {
  test('it returns the same intent to three concurrent requests', async ({ annotate }) => {
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      const { orderId, seatIds, path } = await pending({ isOffered: false });
      const { answers, steps, standstills } = await arena.interleaving.race(choose, {
        first: () => offer('first', path),
        second: () => offer('second', path, true),
        third: () => offer('third', path, true),
      });
      expect(standstills).toBe(0);
      const all = Object.values(answers);
      expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
      await arena.rest();
      const { open, intentId } = await expectSound(arena, orderId, seatIds);
      expect(new Set(given(...all))).toEqual(new Set([intentId]));
      expect([...open.keys()]).toEqual([intentId]);
      return `made by ${steps.find(({ effect }) => effect === 'stripe createIntent')?.who}`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(120);
    expect(Object.keys(explored.outcomes)).toHaveLength(3);
  });

  test('during a change it leaves only the current price payable', async ({ annotate }) => {
    let isOffered = false;
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      isOffered = !isOffered;
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
      const [a, b] = seatIds;
      const { answers, standstills } = await arena.interleaving.race(choose, {
        page: () => offer('page', path),
        buyer: () => change('buyer', path, [a, b], true),
      });
      expect(standstills).toBe(0);
      expect([answers.page.status, answers.buyer.status]).toEqual([200, 200]);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.price]).toEqual(['pending', 20_000]);
      expectNoOtherPayable(ledger, [...given(answers.page), ...(old ? [old.intentId] : [])]);
      const isStale = answers.page.body.paymentIntentId !== ledger.intentId;
      return `page ${isStale ? 'before' : 'after'} the change`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(100);
    expect(Object.keys(explored.outcomes)).toHaveLength(2);
  });

  test('during a cancel it leaves no cancelled order payable', async ({ annotate }) => {
    let isOffered = false;
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      isOffered = !isOffered;
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
      const { answers, standstills } = await arena.interleaving.race(choose, {
        page: () => offer('page', path),
        tab: () => offer('tab', path, true),
        buyer: () => cancel('buyer', path),
      });
      expect(standstills).toBe(0);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect(answers.buyer.status).toBe(204);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'buyer']);
      expectNoOtherPayable(ledger, [...given(answers.page, answers.tab), ...(old ? [old.intentId] : [])]);
      return `${inWords(answers.page)}, ${inWords(answers.tab)}`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(120);
    expect(Object.keys(explored.outcomes).length).toBeGreaterThan(1);
  });

  test('at the end of the hold it leaves no ended order payable', async ({ annotate }) => {
    let isOffered = false;
    const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
      isOffered = !isOffered;
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered });
      const { answers, standstills } = await arena.interleaving.race(choose, {
        page: () => offer('page', path),
        tab: () => offer('tab', path, true),
        sweeper: () => sweepAfterHold(orderId),
      });
      expect(standstills).toBe(0);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'expired']);
      expectNoOtherPayable(ledger, [...given(answers.page, answers.tab), ...(old ? [old.intentId] : [])]);
      return `${inWords(answers.page)}, ${inWords(answers.tab)}`;
    });
    await annotate(inShort(explored));
    if (!isThorough()) return;
    expect(explored.schedules).toBeGreaterThan(120);
    expect(Object.keys(explored.outcomes).length).toBeGreaterThan(1);
  });
});
