import { expect, test } from 'vitest';
import { type OrderList, readCursor, toCursor } from '../../../src/features/analytics/orders-list.ts';
import { as, type EventId, type OrderId } from '../../../src/kernel/ids.ts';

const list: OrderList = {
  eventId: as<EventId>('3471e132-69f2-4764-ac79-e5ad57111483'),
  sessionId: undefined,
  status: 'completed',
  sort: 'created_at',
  order: 'desc',
};
const position = {
  value: '2026-11-24 03:17:15.905728+00',
  orderId: as<OrderId>('8d564400-1273-4e3c-9b7d-cc3beccd2b27'),
};

test('a cursor leads back to its place, to the microsecond', () => {
  const cursor = toCursor(list, position);
  expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(readCursor(list, cursor)).toEqual({ outcome: 'read', position });
  const byPrice: OrderList = { ...list, sort: 'price' };
  const priced = { ...position, value: '149.50' };
  expect(readCursor(byPrice, toCursor(byPrice, priced))).toEqual({ outcome: 'read', position: priced });
});

test.each([
  ['not base64', '%%%', 'is not a cursor of this API; take it from x-next-cursor'],
  ['another text', btoa('hello'), 'is not a cursor of this API; take it from x-next-cursor'],
  [
    'of another list',
    toCursor({ ...list, order: 'asc' }, position),
    'belongs to a list with another event, filter or sort',
  ],
  ['SQL', toCursor(list, { ...position, value: "now()'; --" }), 'was altered; take it from x-next-cursor'],
  ...[
    '2026-02-31 00:00:00+00',
    '2026-99-99 99:99:99+00',
    '2026-01-01 25:00:00+00',
    '0000-01-01 00:00:00+00',
    '999999-01-01 00:00:00+00',
  ].map((value) => [
    `a moment that is none: ${value}`,
    toCursor(list, { ...position, value }),
    'was altered; take it from x-next-cursor',
  ]),
  [
    'without an order',
    toCursor(list, { ...position, orderId: as<OrderId>('1') }),
    'was altered; take it from x-next-cursor',
  ],
])('a cursor that is %s is refused', (_what, cursor, reason) => {
  expect(readCursor(list, cursor)).toEqual({ outcome: 'refused', reason });
});
