import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { completedOrder, findings, guarded, unguarded } from './open-arena.ts';

/** Two administrators refund 60 of 100, the second when the first has read the sum and not yet written. */
async function twoRefunds(arena: Arena) {
  const path = `/api/order/${await completedOrder(arena)}/refund`;
  const refund = (who: string) => arena.call(who, 'POST', path, { token: arena.admin, body: { amount: 60 } });
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database refund-insert' }, { who: 'second' }),
    { first: () => refund('first'), second: () => refund('second') },
  );
  const statuses = Object.values(answers).map(({ status }) => status);
  return { statuses, findings: await findings(arena) };
}

const tooMuch = 'I2 more was refunded than was paid';

test('with the sum under the lock, no more is refunded than was paid', async () => {
  expect(await twoRefunds(await guarded())).toEqual({ statuses: [200, 409], findings: [] });
});

test('without the sum, more is refunded than was paid (I2)', async () => {
  const sum = { statement: 'refunds-of-payment', text: 'payment_intent_id = $1', becomes: '$1::text IS NULL' };
  const broken = await twoRefunds(await unguarded([sum]));
  expect(broken.statuses).toEqual([200, 200]);
  expect(broken.findings).toContain(tooMuch);
});

test('without the lock, more is refunded than was paid (I2)', async () => {
  const locks = ['order-lock', 'payment-lock-applied'].map((statement) => ({
    statement,
    text: 'FOR UPDATE',
    becomes: '',
  }));
  const broken = await twoRefunds(await unguarded(locks));
  expect(broken.statuses).toEqual([200, 200]);
  expect(broken.findings).toContain(tooMuch);
});
