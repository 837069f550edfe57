import { beforeEach, describe, expect, test } from 'vitest';
import { OrderBook } from '../../../src/features/orders/order-book.ts';
import { as, type SeatId } from '../../../src/kernel/ids.ts';
import type { Transaction } from '../../../src/platform/postgres/database.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { BUILT_AT, builtTicket, completedOrder, pendingOrder } from '../../support/built-orders.ts';
import { LKR } from '../../support/currencies.ts';

const NOW = BUILT_AT;

const pending = (orderId: string, ...seats: string[]) =>
  pendingOrder({ orderId, tickets: seats.map((seat) => builtTicket(seat)) });

const completed = (...seats: string[]) => completedOrder({ tickets: seats.map((seat) => builtTicket(seat)) });

let freed: string[];
let statements: string[];
let sales: string[];
let effects: Map<string, () => Promise<void> | void>;
let book: OrderBook;
const counted: string[] = [];

/** A transaction that records its statements, each of which succeeds. */
const tx = {
  currency: LKR,
  async rows({ name }: { readonly name: string }) {
    statements.push(name);
    return [];
  },
  wake: () => undefined,
  traceparent: () => undefined,
  afterCommit: (key: string, effect: () => Promise<void> | void) => void effects.set(key, effect),
} as unknown as Transaction;

async function commit(): Promise<void> {
  for (const effect of effects.values()) await effect();
}

beforeEach(() => {
  freed = [];
  statements = [];
  sales = [];
  effects = new Map();
  counted.length = 0;
  book = new OrderBook(
    {
      database: { currency: tx.currency },
      clock: { now: () => NOW },
      metrics: { ...createMetrics('test'), order: (outcome) => void counted.push(outcome) },
    },
    {
      recordSales: [
        async (_tx, changes) => {
          for (const { from, to } of changes) sales.push(`${from.status} to ${to.status}`);
        },
      ],
      onSeatsFreed: (order, seatIds) => void freed.push(`${order.orderId}: ${seatIds.join()}`),
    },
  );
});

describe('seats that a transition frees', () => {
  const TRANSITIONS: readonly [string, () => Promise<unknown>, string[]][] = [
    ['a cancelled order', () => book.cancel(tx, pending('order', 'A1', 'A2'), 'buyer'), ['order: A1,A2']],
    [
      'orders cancelled together',
      () => book.cancelAll(tx, [pending('one', 'A1'), pending('two', 'B1')], 'expired'),
      ['one: A1', 'two: B1'],
    ],
    [
      'a withdrawn ticket',
      () => book.withdraw(tx, completed('A1', 'A2'), new Set([builtTicket('A2').ticketId]), 'organiser'),
      ['order: A2'],
    ],
    [
      'a ticket on another seat',
      () => book.amend(tx, completed('A1', 'A2'), { ...builtTicket('A2'), seatId: as<SeatId>('A3') }),
      ['order: A2'],
    ],
    [
      'other seats of a pending order',
      () => book.change(tx, pending('order', 'A1', 'A2'), pending('order', 'A2', 'A3'), undefined),
      ['order: A1'],
    ],
    ['a ticket with another label', () => book.amend(tx, completed('A1'), builtTicket('A1')), []],
    ['a completed order', () => book.complete(tx, pending('order', 'A1')), []],
    ['a part refund', () => book.announcePartRefund(tx, completed('A1')), []],
    ['a transition that is not possible', () => book.complete(tx, completed('A1')), []],
  ];

  test.each(TRANSITIONS)('%s: they are reported after the commit', async (_name, move, expected) => {
    await move();
    expect(freed).toEqual([]);
    await commit();
    expect(freed).toEqual(expected);
  });
});

test('a transition is saved, announced and audited, and counted after the commit', async () => {
  await book.cancel(tx, completed('A1'), 'admin');
  expect(statements).toEqual(['order-save-state', 'tickets-void', 'outbox-append']);
  expect(sales).toEqual(['completed to cancelled']);
  expect(counted).toEqual([]);
  await commit();
  expect(counted).toEqual(['cancelled_admin']);
});

test('orders that are cancelled together are saved in a few statements, and each is counted', async () => {
  await book.cancelAll(tx, [pending('one', 'A1'), completed('A2'), pending('two', 'B1')], 'expired');
  expect(statements).toEqual(['orders-save-cancelled', 'tickets-void-of-orders', 'outbox-append']);
  await commit();
  expect(counted).toEqual(['cancelled_expired', 'cancelled_expired']);
});

test('a transition that is not possible changes nothing', async () => {
  expect(await book.cancel(tx, completed('A1'), 'buyer')).toEqual({ outcome: 'not_possible', status: 'completed' });
  expect(statements).toEqual([]);
  await commit();
  expect([...counted, ...sales]).toEqual([]);
});
