import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect } from 'vitest';
import { type Arena, openArena } from '../support/arena.ts';
import { expectNoOtherPayable, expectNothingFailed, expectSound } from '../support/ledger.ts';
import { racesIn } from '../support/race-test.ts';
import { rounds } from '../support/rounds.ts';
import type { Step } from '../support/schedules.ts';
import type { Answer } from '../support/test-app.ts';

let arena: Arena;
const race = racesIn(() => arena, rounds(200));

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
  race(
    'during a payment it is refused, or the old price can no longer be paid',
    { schedules: 120, outcomes: 2 },
    async (choose) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: true });
      if (!old) throw new Error('no offer');
      const [a, b] = seatIds;
      const { answers } = await arena.race(choose, {
        buyer: () => change('buyer', path, [a, b], true),
        payer: () => arena.payAndReport('payer', orderId, old),
      });
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      const wanted = answers.payer
        ? { status: 'completed', price: 10_000, answered: 409 }
        : { status: 'pending', price: 20_000, answered: 200 };
      const { status, price } = ledger;
      expect({ status, price, answered: answers.buyer.status }).toEqual(wanted);
      expectNoOtherPayable(ledger, [old.intentId]);
      return `${status} ${inWords(answers.buyer)}`;
    },
  );

  race(
    'during another change it loses neither, and the last one stands',
    { schedules: 150, outcomes: ['first stands', 'second stands'] },
    async (choose, round) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
      const [a, b, c] = seatIds;
      const requests: Record<string, string[]> = { first: [b], second: [a, c] };
      const { answers, steps } = await arena.race(choose, {
        first: () => change('first', path, [b]),
        second: () => change('second', path, [a, c], true),
      });
      expect([answers.first.status, answers.second.status]).toEqual([200, 200]);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      const last = lastOf(steps, 'first', 'second') ?? '';
      expect(ledger.seatIds).toEqual(requests[last]?.toSorted());
      expectNoOtherPayable(ledger, old ? [old.intentId] : []);
      return `${last} stands`;
    },
  );

  race(
    'at the end of the hold it ends with the order, and no seat is left behind',
    { schedules: 150, outcomes: 2 },
    async (choose, round) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
      const [a, b, c] = seatIds;
      const { answers } = await arena.race(choose, {
        buyer: () => change('buyer', path, [a, b]),
        tab: () => change('tab', path, [c], true),
        sweeper: () => sweepAfterHold(orderId),
      });
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'expired']);
      expectNoOtherPayable(ledger, old ? [old.intentId] : []);
      return `${inWords(answers.buyer)}, ${inWords(answers.tab)}`;
    },
  );
});

race(
  'a cancel at the end of the hold ends the order once, for one reason',
  { schedules: 100, outcomes: ['buyer 204', 'expired 409 order_not_pending'] },
  async (choose, round) => {
    const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
    await arena.endHold(orderId);
    const { answers } = await arena.race(choose, { buyer: () => cancel('buyer', path), sweeper: () => arena.sweep() });
    await arena.rest();
    const ledger = await expectSound(arena, orderId, seatIds);
    const { status, reason } = ledger;
    expect([status, reason]).toEqual(['cancelled', answers.buyer.status === 204 ? 'buyer' : 'expired']);
    expect(ledger.announced).toEqual(['pending', 'cancelled']);
    expectNoOtherPayable(ledger, old ? [old.intentId] : []);
    return `${reason} ${inWords(answers.buyer)}`;
  },
);

describe('a page’s request for a PaymentIntent', () => {
  race(
    'it returns the same intent to three concurrent requests',
    { schedules: 120, outcomes: ['made by first', 'made by second', 'made by third'] },
    async (choose) => {
      const { orderId, seatIds, path } = await pending({ isOffered: false });
      const { answers, steps } = await arena.race(choose, {
        first: () => offer('first', path),
        second: () => offer('second', path, true),
        third: () => offer('third', path, true),
      });
      const all = Object.values(answers);
      expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
      await arena.rest();
      const { open, intentId } = await expectSound(arena, orderId, seatIds);
      expect(new Set(given(...all))).toEqual(new Set([intentId]));
      expect([...open.keys()]).toEqual([intentId]);
      return `made by ${steps.find(({ effect }) => effect === 'stripe createIntent')?.who}`;
    },
  );

  race(
    'during a change it leaves only the current price payable',
    { schedules: 100, outcomes: ['page after the change', 'page before the change'] },
    async (choose, round) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
      const [a, b] = seatIds;
      const { answers } = await arena.race(choose, {
        page: () => offer('page', path),
        buyer: () => change('buyer', path, [a, b], true),
      });
      expect([answers.page.status, answers.buyer.status]).toEqual([200, 200]);
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.price]).toEqual(['pending', 20_000]);
      expectNoOtherPayable(ledger, [...given(answers.page), ...(old ? [old.intentId] : [])]);
      const isStale = answers.page.body.paymentIntentId !== ledger.intentId;
      return `page ${isStale ? 'before' : 'after'} the change`;
    },
  );

  race(
    'during a cancel it leaves no cancelled order payable',
    { schedules: 120, outcomes: 2 },
    async (choose, round) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
      const { answers } = await arena.race(choose, {
        page: () => offer('page', path),
        tab: () => offer('tab', path, true),
        buyer: () => cancel('buyer', path),
      });
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect(answers.buyer.status).toBe(204);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'buyer']);
      expectNoOtherPayable(ledger, [...given(answers.page, answers.tab), ...(old ? [old.intentId] : [])]);
      return `${inWords(answers.page)}, ${inWords(answers.tab)}`;
    },
  );

  race(
    'at the end of the hold it leaves no ended order payable',
    { schedules: 120, outcomes: 2 },
    async (choose, round) => {
      const { orderId, seatIds, path, offer: old } = await pending({ isOffered: round % 2 === 1 });
      const { answers } = await arena.race(choose, {
        page: () => offer('page', path),
        tab: () => offer('tab', path, true),
        sweeper: () => sweepAfterHold(orderId),
      });
      await arena.rest();
      const ledger = await expectSound(arena, orderId, seatIds);
      expect([ledger.status, ledger.reason]).toEqual(['cancelled', 'expired']);
      expectNoOtherPayable(ledger, [...given(answers.page, answers.tab), ...(old ? [old.intentId] : [])]);
      return `${inWords(answers.page)}, ${inWords(answers.tab)}`;
    },
  );
});
