import type { OrderPlacing } from '../features/orders/place-order.ts';
import { AppError } from '../kernel/errors.ts';
import { STATUS_OF } from '../platform/http/problem.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

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
        const isRefusal = error instanceof AppError && STATUS_OF[error.code] < SERVER_FAULT;
        metrics.order(isRefusal ? 'refused' : 'failed');
        throw error;
      }
    },
  };
}
