import { describe, expect, test } from 'vitest';
import { heldUntilMs, phaseOf } from '../../web/buyer/order/phase.ts';
import { type KnownOrder, onceEach, sortHeld } from '../../web/buyer/tickets/held.ts';
import type { Order } from '../../web/lib/api/client.ts';

const CREATED = Date.parse('2026-11-24T10:00:00Z');
const MINUTE = 60_000;

function order(changes: Partial<Order>): Order {
  return {
    OrderID: 'order',
    Status: 'pending',
    CreatedAt: new Date(CREATED).toISOString(),
    Price: 100,
    ...changes,
  } as Order;
}

describe('an order’s page', () => {
  test('is open until the hold ends', () => {
    expect(heldUntilMs(order({}), 5)).toBe(CREATED + 5 * MINUTE);
    expect(phaseOf(order({}), 5, CREATED + 5 * MINUTE - 1)).toBe('open');
    expect(phaseOf(order({}), 5, CREATED + 5 * MINUTE)).toBe('hold ended');
  });

  test('says that an order is completed or cancelled whatever the time', () => {
    expect(phaseOf(order({ Status: 'completed' }), 5, CREATED + 60 * MINUTE)).toBe('completed');
    expect(phaseOf(order({ Status: 'cancelled' }), 5, CREATED)).toBe('cancelled');
  });
});

describe('the tickets page', () => {
  const known = (id: string, status: Order['Status'], start: string, end: string): KnownOrder => ({
    order: order({ OrderID: id, Status: status }),
    about: { event: {}, session: { startTime: start, endTime: end } } as NonNullable<KnownOrder['about']>,
  });

  test('shows the next session first, past ones apart with the latest first, and open orders', () => {
    const held = sortHeld(
      [
        known('next week', 'completed', '2026-12-01T19:00:00Z', '2026-12-01T22:00:00Z'),
        known('tomorrow', 'completed', '2026-11-25T19:00:00Z', '2026-11-25T22:00:00Z'),
        known('last week', 'completed', '2026-11-17T19:00:00Z', '2026-11-17T22:00:00Z'),
        known('yesterday', 'completed', '2026-11-23T19:00:00Z', '2026-11-23T22:00:00Z'),
        known('unpaid', 'pending', '2026-12-01T19:00:00Z', '2026-12-01T22:00:00Z'),
      ],
      CREATED,
    );
    const ids = (orders: readonly KnownOrder[]) => orders.map(({ order: { OrderID } }) => OrderID);
    expect([ids(held.open), ids(held.next), ids(held.past)]).toEqual([
      ['unpaid'],
      ['tomorrow', 'next week'],
      ['yesterday', 'last week'],
    ]);
  });

  test('asks the catalogue once for each event, and shows tickets also when it does not answer', async () => {
    const asked: string[] = [];
    const ask = onceEach(async (id) => {
      asked.push(id);
      if (id === 'unknown') throw new Error('not found');
      return id;
    });
    expect(await Promise.all(['a', 'unknown', 'a', 'unknown'].map(ask))).toEqual(['a', undefined, 'a', undefined]);
    expect(asked).toEqual(['a', 'unknown']);
  });
});
