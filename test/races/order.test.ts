import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { type Arena, explore, inShort, openArena } from '../support/arena.ts';
import type { Raced } from '../support/interleaving.ts';
import { expectNoOtherPayable, expectNothingFailed, expectSound, type Ledger } from '../support/ledger.ts';
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

type Order = Awaited<ReturnType<typeof pending>>;
type Racers = Record<string, () => Promise<unknown>>;

interface OrderRace<Works extends Racers> {
  /** Undefined: in turn with and without a PaymentIntent. */
  readonly isOffered?: boolean;
  readonly racers: (order: Order) => Works | Promise<Works>;
  /** Checks an order after its race, and says in a few words what became of it. */
  readonly outcome: (raced: Raced<Works>, ledger: Ledger, order: Order) => string;
  /** Least number of different schedules in a thorough run. */
  readonly schedules: number;
  /** Number of different outcomes of a thorough run; undefined: at least two. */
  readonly outcomes?: number;
}

/** Races over one pending order after another. None stands still, and each leaves the order sound. */
async function exploreOrders<Works extends Racers>(
  { annotate }: TestContext,
  { isOffered, racers, outcome, schedules, outcomes }: OrderRace<Works>,
): Promise<void> {
  let isNext = false;
  const explored = await explore(arena, seeds(ROUNDS), async (choose) => {
    isNext = isOffered ?? !isNext;
    const order = await pending({ isOffered: isNext });
    const raced = await arena.interleaving.race(choose, await racers(order));
    expect(raced.standstills).toBe(0);
    await arena.rest();
    return outcome(raced, await expectSound(arena, order.orderId, order.seatIds), order);
  });
  await annotate(inShort(explored));
  if (!isThorough()) return;
  expect(explored.schedules).toBeGreaterThan(schedules);
  const found = Object.keys(explored.outcomes).length;
  if (outcomes === undefined) expect(found).toBeGreaterThan(1);
  else expect(found).toBe(outcomes);
}

/** The intents of the order that a page has seen. */
const shown = ({ offer: old }: Order, ...answers: readonly Answer[]) => [
  ...given(...answers),
  ...(old ? [old.intentId] : []),
];

describe('changing an order', () => {
  test('during a payment it is refused, or the old price can no longer be paid', (context) =>
    exploreOrders(context, {
      isOffered: true,
      racers: ({ orderId, seatIds: [a, b], path, offer: old }) => {
        if (!old) throw new Error('no offer');
        return {
          buyer: () => change('buyer', path, [a, b], true),
          payer: () => arena.payAndReport('payer', orderId, old),
        };
      },
      outcome: ({ answers }, ledger, order) => {
        const wanted = answers.payer
          ? { status: 'completed', price: 10_000, answered: 409 }
          : { status: 'pending', price: 20_000, answered: 200 };
        const { status, price } = ledger;
        expect({ status, price, answered: answers.buyer.status }).toEqual(wanted);
        expectNoOtherPayable(ledger, shown(order));
        return `${status} ${inWords(answers.buyer)}`;
      },
      schedules: 120,
    }));

  test('during another change it loses neither, and the last one stands', (context) =>
    exploreOrders(context, {
      racers: ({ seatIds: [a, b, c], path }) => ({
        first: () => change('first', path, [b]),
        second: () => change('second', path, [a, c], true),
      }),
      outcome: ({ answers, steps }, ledger, order) => {
        expect([answers.first.status, answers.second.status]).toEqual([200, 200]);
        const [a, b, c] = order.seatIds;
        const requests: Record<string, string[]> = { first: [b], second: [a, c] };
        const last = lastOf(steps, 'first', 'second') ?? '';
        expect(ledger.seatIds).toEqual(requests[last]?.toSorted());
        expectNoOtherPayable(ledger, shown(order));
        return `${last} stands`;
      },
      schedules: 150,
      outcomes: 2,
    }));

  test('at the end of the hold it ends with the order, and no seat is left behind', (context) =>
    exploreOrders(context, {
      racers: ({ orderId, seatIds: [a, b, c], path }) => ({
        buyer: () => change('buyer', path, [a, b]),
        tab: () => change('tab', path, [c], true),
        sweeper: () => sweepAfterHold(orderId),
      }),
      outcome: ({ answers }, ledger, order) => {
        expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'expired']);
        expectNoOtherPayable(ledger, shown(order));
        return `${inWords(answers.buyer)}, ${inWords(answers.tab)}`;
      },
      schedules: 150,
    }));
});

test('a cancel at the end of the hold ends the order once, for one reason', (context) =>
  exploreOrders(context, {
    racers: async ({ orderId, path }) => {
      await arena.endHold(orderId);
      return { buyer: () => cancel('buyer', path), sweeper: () => arena.sweep() };
    },
    outcome: ({ answers }, ledger, order) => {
      const isFirst = answers.buyer.status === 204;
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', isFirst ? 'buyer' : 'expired']);
      expect(inWords(answers.buyer)).toBe(isFirst ? '204' : '409 order_not_pending');
      expect(ledger.announced).toEqual(['pending', 'cancelled']);
      expectNoOtherPayable(ledger, shown(order));
      return String(ledger.reason);
    },
    schedules: 100,
    outcomes: 2,
  }));

describe('a page’s request for a PaymentIntent', () => {
  test('it returns the same intent to three concurrent requests', (context) =>
    exploreOrders(context, {
      isOffered: false,
      racers: ({ path }) => ({
        first: () => offer('first', path),
        second: () => offer('second', path, true),
        third: () => offer('third', path, true),
      }),
      outcome: ({ answers, steps }, { open, intentId }) => {
        const all = Object.values(answers);
        expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
        expect(new Set(given(...all))).toEqual(new Set([intentId]));
        expect([...open.keys()]).toEqual([intentId]);
        return `made by ${steps.find(({ effect }) => effect === 'stripe createIntent')?.who}`;
      },
      schedules: 120,
      outcomes: 3,
    }));

  test('during a change it leaves only the current price payable', (context) =>
    exploreOrders(context, {
      racers: ({ seatIds: [a, b], path }) => ({
        page: () => offer('page', path),
        buyer: () => change('buyer', path, [a, b], true),
      }),
      outcome: ({ answers }, ledger, order) => {
        expect([answers.page.status, answers.buyer.status]).toEqual([200, 200]);
        expect([ledger.status, ledger.price]).toEqual(['pending', 20_000]);
        expectNoOtherPayable(ledger, shown(order, answers.page));
        const isStale = answers.page.body.paymentIntentId !== ledger.intentId;
        return `page ${isStale ? 'before' : 'after'} the change`;
      },
      schedules: 100,
      outcomes: 2,
    }));

  const page = ({ path }: Order) => ({
    page: () => offer('page', path),
    tab: () => offer('tab', path, true),
  });
  const nothingPayable = (reason: string) => (raced: Raced<ReturnType<typeof page>>, ledger: Ledger, order: Order) => {
    const { answers } = raced;
    expect([ledger.status, ledger.reason]).toEqual(['cancelled', reason]);
    expectNoOtherPayable(ledger, shown(order, answers.page, answers.tab));
    return `${inWords(answers.page)}, ${inWords(answers.tab)}`;
  };

  test('during a cancel it leaves no cancelled order payable', (context) =>
    exploreOrders(context, {
      racers: (order) => ({ ...page(order), buyer: () => cancel('buyer', order.path) }),
      outcome: (raced, ledger, order) => {
        expect(raced.answers.buyer.status).toBe(204);
        return nothingPayable('buyer')(raced, ledger, order);
      },
      schedules: 120,
    }));

  test('at the end of the hold it leaves no ended order payable', (context) =>
    exploreOrders(context, {
      racers: (order) => ({ ...page(order), sweeper: () => sweepAfterHold(order.orderId) }),
      outcome: nothingPayable('expired'),
      schedules: 120,
    }));
});
