import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { catalogueDiscount } from '../support/fake-seating.ts';
import { inStretches } from '../support/schedules.ts';
import { guarded, unguarded } from './open-arena.ts';

/** Two orders compete for the last use of a discount, and both get its price before either is saved. */
async function twoWantTheLast(arena: Arena): Promise<number[]> {
  const { platform, buyer: token } = arena;
  const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 1 });
  const place = (who: string) =>
    arena.call(who, 'POST', '/api/order', { token, body: platform.request(undefined, discountId) });
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database order-insert' }, { who: 'second', before: 'database order-insert' }),
    { first: () => place('first'), second: () => place('second') },
  );
  return Object.values(answers).map(({ status }) => status);
}

test('with the condition on its uses, one order gets the discount', async () => {
  expect(await twoWantTheLast(await guarded())).toEqual([201, 400]);
});

test('without the condition on its uses, a discount is used more often than allowed (I8)', async () => {
  const condition = { statement: 'order-insert', text: 'd.uses < $25::integer', becomes: 'true' };
  expect(await twoWantTheLast(await unguarded([condition]))).toEqual([201, 201]);
});
