import { type Action, happening, SILENT } from './action.ts';
import type { StoredEvent } from './observed.ts';
import { align, change, conclude, isOver, receivePayment, type Sale } from './sale.ts';

const MS_PER_SECOND = 1_000;
/** How far back the daily comparison looks, as the service is configured without `RECONCILE_DAYS`. */
const RECONCILED_MS = 3 * 86_400_000;

const always = () => true;

/** One turn of a background job, or more while it reports more work. */
export function turn(job: string): Action {
  return {
    ...happening(`Turn of ${job}`, always, (world) => world.work(job)),
    foresee(sale) {
      FORESEEN[job]?.(sale);
      return SILENT;
    },
  };
}

/** What a turn changes in orders and money; the other jobs change neither. */
const FORESEEN: Readonly<Record<string, (sale: Sale) => void>> = {
  webhooks: applyDue,
  expiry(sale) {
    for (const order of overdue(sale)) {
      if (order.intentId === null) change(sale, order.orderId, { status: 'cancelled', reason: 'expired' });
    }
  },
  conclusion: concludeEnded,
  refunds: sendDueRefunds,
  reconciliation: reconcile,
};

function overdue(sale: Sale) {
  return [...sale.orders.values()].filter((order) => order.status === 'pending' && isOver(order, sale));
}

/** Orders whose payment was begun end as paid in time or not. An order claimed by a dead process waits. */
function concludeEnded(sale: Sale): void {
  const claimed = sale.seen.orders.filter(({ settlingUntil }) => (settlingUntil ?? 0) > sale.clock.now());
  for (const { orderId, intentId } of overdue(sale)) {
    if (intentId === null || claimed.some((order) => order.orderId === orderId)) continue;
    if (conclude(sale, orderId) === 'unpaid') {
      change(sale, orderId, { status: 'cancelled', reason: 'expired' });
    }
  }
}

/** Due events are applied concurrently: of those about the same seats or order, either may be first. */
function applyDue(sale: Sale): void {
  const due = sale.seen.inbox.filter(({ dueAt }) => dueAt <= sale.clock.now());
  const orderIds = due.map((event) => orderOf(event, sale));
  const ended = orderIds.filter((orderId) => sale.orders.get(orderId)?.status !== 'pending');
  const isOneRight = new Set(orderIds).size === due.length && ended.length <= 1;
  for (const event of due) applyEvent(event, sale);
  if (!isOneRight) for (const orderId of orderIds) sale.open.add(orderId);
}

function orderOf({ intentId }: StoredEvent, sale: Sale): string {
  return sale.bank.intent(intentId)?.metadata.order_id ?? '';
}

function applyEvent(event: StoredEvent, sale: Sale): void {
  const amount = sale.bank.intent(event.intentId)?.amount ?? 0;
  if (event.isPaid) receivePayment(sale, orderOf(event, sale), event.intentId, amount);
  else align(sale, event.intentId);
}

/** Due refunds are sent. Where the bank has less money left, the account is compared. */
function sendDueRefunds(sale: Sale): void {
  for (const { intentId, isDone, dueAt } of sale.seen.refunds) {
    if (isDone || (dueAt ?? 0) > sale.clock.now()) continue;
    if (sale.bank.refunded(intentId) > 0 || sale.bank.disputeOf(intentId)) align(sale, intentId);
  }
}

/** Every payment at the bank is compared with ours, newest first. */
function reconcile(sale: Sale): void {
  const since = Math.floor((sale.clock.now() - RECONCILED_MS) / MS_PER_SECOND);
  for (const { id, created } of sale.bank.intents()) {
    if (created >= since || sale.payments.has(id)) align(sale, id);
  }
}

/** Time passes without any action. */
export function clockJump(milliseconds: number): Action {
  const name = `ClockJump of ${milliseconds / MS_PER_SECOND} s`;
  return happening(name, always, async ({ clock }) => clock.advance(milliseconds));
}

/** The process is replaced by another one, cleanly. */
export const restart = happening('Restart', always, (world) => world.restart());
