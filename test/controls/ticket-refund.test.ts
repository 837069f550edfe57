import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { inStretches } from '../support/schedules.ts';
import { completedOrder, findings, guarded, unguarded } from './open-arena.ts';

/** A ticket is voided twice with a refund, the second time when the first has read and not yet written. */
async function voidedTwice(arena: Arena) {
  const orderId = await completedOrder(arena);
  const [ticket] = await arena.rows<{ ticket_id: string }>('SELECT ticket_id FROM tickets WHERE order_id = $1', [
    orderId,
  ]);
  const path = `/api/order/ticket/${ticket?.ticket_id}?refund=true`;
  const voided = (who: string) => arena.call(who, 'DELETE', path, { token: arena.admin });
  const { answers } = await arena.interleaving.race(
    inStretches({ who: 'first', before: 'database refund-insert' }, { who: 'second' }),
    { first: () => voided('first'), second: () => voided('second') },
  );
  const statuses = Object.values(answers).map(({ status }) => status);
  const refunds = await arena.rows('SELECT FROM refunds JOIN payments USING (payment_intent_id) WHERE order_id = $1', [
    orderId,
  ]);
  return { statuses, refunds: refunds.length, findings: await findings(arena) };
}

const locks = ['order-lock', 'payment-lock-applied'].map((statement) => ({
  statement,
  text: 'FOR UPDATE',
  becomes: '',
}));

test('a ticket that is voided twice is refunded once', async () => {
  expect(await voidedTwice(await guarded())).toEqual({ statuses: [204, 204], refunds: 1, findings: [] });
});

test('without the locks, the unique index still allows only one refund of a ticket', async () => {
  const { refunds, statuses } = await voidedTwice(await unguarded(locks));
  expect({ refunds, statuses: statuses.toSorted() }).toEqual({ refunds: 1, statuses: [204, 500] });
});

test('without the index as well, the ticket is refunded twice (I2)', async () => {
  const broken = await voidedTwice(await unguarded(locks, 'DROP INDEX refunds_one_a_ticket'));
  expect(broken).toMatchObject({ statuses: [204, 204], refunds: 2 });
  expect(broken.findings).toContain('I2 more was refunded than was paid');
});
