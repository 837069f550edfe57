import { describe, expect, test } from 'vitest';
import { cancel, complete, type Order, rebook, withdraw } from '../../../src/features/orders/order.ts';
import { saleChanges } from '../../../src/features/sales/index.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';

const at = instant(0);
const ticket = (ticketId: string) => ({ ticketId, price: money(150) }) as unknown as Order['tickets'][number];
const pending = {
  orderId: as('o'),
  price: money(300),
  subtotal: money(300),
  tickets: [ticket('a'), ticket('b')],
  status: 'pending',
  expiresAt: at,
} as unknown as Order;

function changed(transition: ReturnType<typeof complete>): Order {
  if (transition.outcome !== 'changed') throw new Error('not possible');
  return transition.order;
}
const completed = changed(complete(pending, at));
const saleChange = (from: Order, to: Order) => saleChanges([{ from, to }])[0];
const sold = { orders: 1, tickets: 2, revenue: 300n };
const unsold = { orders: -1, tickets: -2, revenue: -300n };

describe('sales after a change of an order', () => {
  test('a completion adds one order and is announced', () => {
    expect(saleChange(pending, completed)).toMatchObject({ difference: sold, isCompletion: true });
  });

  test('a completion after the order had ended is announced, too', () => {
    const ended = changed(cancel(pending, 'expired', at));
    expect(saleChange(ended, changed(rebook(ended, at)))).toMatchObject({
      difference: sold,
      isCompletion: true,
    });
  });

  test.each(['admin', 'refunded', 'payment'] as const)(
    'a cancellation (%s) of a completed order removes one order',
    (reason) => {
      expect(saleChange(completed, changed(cancel(completed, reason, at)))).toMatchObject({
        difference: unsold,
        isCompletion: false,
      });
    },
  );

  test('refunding some tickets removes those tickets, and the revenue stays', () => {
    expect(saleChange(completed, changed(withdraw(completed, new Set([as('a')]))))).toMatchObject({
      difference: { orders: 0, tickets: -1, revenue: 0n },
      isCompletion: false,
    });
  });

  test('a cancellation of a pending order changes nothing', () => {
    expect(saleChange(pending, changed(cancel(pending, 'buyer', at)))).toBeUndefined();
  });
});
