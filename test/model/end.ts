import { expect } from 'vitest';
import { perform } from './action.ts';
import { deliver, deliverPayment, manualRefunds, markRefunded, undelivered } from './actions.money.ts';
import { clockJump, turn } from './actions.time.ts';
import { inOrder } from './announced.ts';
import type { Sale } from './sale.ts';
import type { World } from './world.ts';

/** Past every hold, every claim and the longest pause between two attempts. */
const LONG_MS = 660_000;
const MOST_ROUNDS = 14;
const WORK = ['webhooks', 'expiry', 'conclusion', 'refunds', 'relay'] as const;
const RECONCILED_S = 3 * 86_400;

/** Lets all work come to its end, then checks the invariants over everything. */
export async function comeToRest(sale: Sale, world: World): Promise<void> {
  for (let round = 0; ; round += 1) {
    expect(round, `work is left after all rounds: ${JSON.stringify(sale.seen)}`).toBeLessThan(MOST_ROUNDS);
    while (undelivered(sale).length > 0) await perform(deliver(0), sale, world);
    for (const message of sale.untaken) await perform(deliverPayment(message), sale, world);
    for (const work of WORK) await perform(turn(work), sale, world);
    for (const refundId of manualRefunds(sale)) await markRefunded(refundId, world);
    if (manualRefunds(sale).length === 0 && isQuiet(sale)) break;
    await perform(clockJump(LONG_MS), sale, world);
  }
  await changesNothing(sale, world);
  expect(await world.verify()).toEqual([]);
  moneyIsInOnePlace(sale);
  inOrder(world.published, sale);
}

function isQuiet(sale: Sale): boolean {
  const { orders, payments, refunds, inbox, unpublished } = sale.seen;
  return (
    unpublished === 0 &&
    inbox.length === 0 &&
    undelivered(sale).length === 0 &&
    refunds.every(({ isDone }) => isDone) &&
    orders.every(({ status }) => status !== 'pending') &&
    payments.every(({ state }) => state !== 'received')
  );
}

/**
 * Every event was received: the daily comparison with the bank finds no difference, and closes what was left
 * open there.
 */
async function changesNothing(sale: Sale, world: World): Promise<void> {
  const { orders, payments } = sale.seen;
  await perform(turn('reconciliation'), sale, world);
  expect({ orders: sale.seen.orders, payments: sale.seen.payments }).toEqual({ orders, payments });
  const since = world.clock.now() / 1_000 - RECONCILED_S;
  const open = sale.bank.intents().filter(({ status, created }) => status.startsWith('requires') && created > since);
  expect(open, 'intents that can still be paid').toEqual([]);
}

/** Received money is in exactly one place: it pays for a completed order, or it was refunded completely (I2, I8). */
function moneyIsInOnePlace(sale: Sale): void {
  const stored = new Map(sale.seen.payments.map((payment) => [payment.intentId, payment]));
  for (const { id, amount, status, amountRefunded } of sale.bank.intents()) {
    if (status !== 'succeeded') continue;
    const dispute = sale.bank.disputeOf(id);
    const isTaken = dispute !== undefined && dispute.status !== 'won';
    const payment = stored.get(id);
    expect(payment?.amount, `payment ${id}`).toBe(amount);
    if (isTaken) expect(payment?.state, `disputed payment ${id}`).toBe('disputed');
    else if (payment?.state !== 'applied') {
      expect([payment?.state, amountRefunded], `payment ${id}`).toEqual(['refunded', amount]);
    } else {
      expect(amountRefunded, `payment ${id}, which pays for an order`).toBe(payment.back);
      expect(amountRefunded).toBeLessThan(amount);
    }
  }
  for (const { orderId, status, price } of sale.orders.values()) {
    const paying = sale.seen.payments.filter((each) => each.orderId === orderId && each.state === 'applied');
    const isPaid = status === 'completed' && price > 0;
    expect(
      paying.map(({ amount }) => amount),
      `the payments of ${orderId}`,
    ).toEqual(isPaid ? [price] : []);
  }
}
