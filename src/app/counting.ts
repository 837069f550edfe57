import type { OrderPlacing } from '../features/orders/order.placing.ts';
import type { Order } from '../features/orders/order.rules.ts';
import { AppError } from '../kernel/errors.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { ERRORS } from './errors.ts';

const SERVER_FAULT = 500;

/** Counts orders asked for: placed, refused, or failed on our side. */
export function countPlacing(placing: OrderPlacing, metrics: Pick<Metrics, 'order'>): OrderPlacing {
  return {
    async place(...request) {
      try {
        const order = await placing.place(...request);
        metrics.order('placed');
        return order;
      } catch (error) {
        const isRefusal = error instanceof AppError && ERRORS[error.code].status < SERVER_FAULT;
        metrics.order(isRefusal ? 'refused' : 'failed');
        throw error;
      }
    },
  };
}

/** Counts orders by what they have become. */
export function countChanged(orders: readonly Order[], metrics: Pick<Metrics, 'order'>): void {
  for (const order of orders) {
    metrics.order(order.status === 'cancelled' ? `cancelled_${order.reason}` : order.status);
  }
}
