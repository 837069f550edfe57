import { Access } from '../features/access/index.ts';
import { allOf, salesChanged } from '../features/analytics/sales.rules.ts';
import { addMoney, addSales } from '../features/analytics/sales.store.ts';
import { createRecordAction } from '../features/audit/audit.service.ts';
import { createRecordSales } from '../features/live/feed.service.ts';
import { createOrderBook } from '../features/orders/index.ts';
import {
  createPayments,
  createReconciliation,
  type PaymentProvider,
  type Payments,
} from '../features/payments/index.ts';
import type { Clock } from '../kernel/clock.ts';
import { MS_PER_SECOND } from '../kernel/clock.ts';
import type { OrderId } from '../kernel/ids.ts';
import type { Core } from '../platform/core.ts';
import { createOnce } from '../platform/http/once.ts';
import { createBell } from '../platform/jobs/poller.ts';
import type { Database } from '../platform/postgres/database.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { type Base, newIds, VERSION } from './foundation.ts';
import type { Postgres, Servers } from './servers.ts';

/** The comparison with Stripe alone, beside a service that runs or not. The caller gives the servers, and closes them. */
export function buildReconcile(
  database: Database,
  stripe: PaymentProvider,
  clock: Clock,
): Payments['reconcile'] {
  const metrics = createMetrics(VERSION);
  // What it decides is in the differences that it returns.
  const core = { database, clock, ids: newIds, log: createLog('silent', process.stderr), metrics };
  return createReconciliation(core, { orders: wireOrderBook(core), stripe, countMoney: addMoney });
}

/** The orders, with the sales recorded and the holds on freed seats released. */
function wireOrderBook(core: Pick<Base, 'clock' | 'metrics'>, holds?: Servers['holds']) {
  return createOrderBook(core, {
    recordSales: [
      (tx, changes) => addSales(tx, allOf(changes.map(({ from, to }) => salesChanged(from, to)))),
      createRecordSales(),
    ],
    // A hold that is left over ends by itself.
    ...(holds && {
      onSeatsFreed: ({ sessionId, orderId }, seatIds) =>
        holds.release(sessionId, seatIds, orderId).catch(() => undefined),
    }),
  });
}

/** Everything that money moves by, and the order's transitions that it moves. */
export function wireMoney(
  base: Base,
  { database }: Pick<Postgres, 'database'>,
  { provider, holds, seating, stripe }: Pick<Servers, 'provider' | 'holds' | 'seating' | 'stripe'>,
) {
  const { config, clock, ids, log, metrics, traces, watch, failed, closing } = base;
  const transitions = wireOrderBook(base, holds);
  const find = (orderId: OrderId) => transitions.find(database, orderId);
  const recordAction = createRecordAction(clock);
  const once = createOnce({ database, clock, ids });
  const core: Core = {
    database,
    clock,
    ids,
    log,
    metrics,
    traces,
    watch,
    bell: createBell,
    failed,
    onClose: closing.add,
  };
  const payments = createPayments(core, {
    orders: transitions,
    stripe: provider,
    audit: { record: recordAction },
    access: new Access(seating),
    once,
    countMoney: addMoney,
    publishableKey: stripe.publishableKey,
    topics: { paymentSucceeded: config.TOPIC_PAYMENT_SUCCEEDED, paymentFailed: config.TOPIC_PAYMENT_FAILED },
    sweepMs: config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND,
    reconcileDays: config.RECONCILE_DAYS,
  });
  return {
    find,
    transitions,
    recordAction,
    once,
    payments,
    core,
  };
}
