import { addMoney, addToFigures } from '../features/analytics/index.ts';
import { recordInFeed } from '../features/live/index.ts';
import { createOrderBook } from '../features/orders/index.ts';
import { createReconciliation, type PaymentProvider, type Payments } from '../features/payments/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../platform/postgres/database.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { newIds, VERSION } from './foundation.ts';

/**
 * The comparison with Stripe alone, beside a service that runs or not. The caller gives the servers, and closes them.
 * It releases no holds: those of the service end by themselves, and PostgreSQL has freed the seats.
 */
export function buildReconcile(
  database: Database,
  stripe: PaymentProvider,
  clock: Clock,
): Payments['reconcile'] {
  // What it decides is in the differences that it returns.
  const log = createLog('silent', process.stderr);
  const core = { database, clock, ids: newIds, log, metrics: createMetrics(VERSION) };
  const orders = createOrderBook(core, { recordSales: [addToFigures, recordInFeed] });
  return createReconciliation(core, { orders, stripe, countMoney: addMoney });
}
