import { addMoney, addToFigures } from '../features/analytics/index.ts';
import { recordInFeed } from '../features/live/index.ts';
import { OrderBook } from '../features/orders/index.ts';
import { createReconciliation, type PaymentProvider, type Payments } from '../features/payments/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../platform/postgres/database.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { newIds, VERSION } from './foundation.ts';

/**
 * Builds the comparison with Stripe alone, whether the service runs or not. The caller opens and closes the servers.
 * It releases no holds: they expire by themselves, and PostgreSQL has freed the seats.
 */
export function buildReconcile(database: Database, stripe: PaymentProvider, clock: Clock): Payments['reconcile'] {
  // The returned differences report its decisions, so it logs nothing.
  const log = createLog('silent', process.stderr);
  const core = { database, clock, ids: newIds, log, metrics: createMetrics(VERSION) };
  const orders = new OrderBook(core, { recordSales: [addToFigures, recordInFeed] });
  return createReconciliation(core, { orders, stripe, countMoney: addMoney });
}
