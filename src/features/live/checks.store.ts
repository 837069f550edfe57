import { check } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/** The running totals are the sales. */
export const liveChecks: readonly Check[] = [
  check(
    'I4',
    'totals of sales are not the completed orders',
    `
    SELECT scope || ' ' || scope_id AS subject
      FROM (SELECT scope, scope_id, orders, tickets, revenue FROM sales_totals
             UNION ALL
            SELECT s.scope, s.scope_id, c.orders, c.tickets, c.revenue
              FROM sale_changes c
             CROSS JOIN LATERAL (VALUES ('event', c.event_id), ('organization', c.organization_id)) AS s (scope, scope_id)
             UNION ALL
            SELECT s.scope, s.scope_id, -1,
                   (SELECT -count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL), -o.price
              FROM orders o
             CROSS JOIN LATERAL (VALUES ('event', o.event_id), ('organization', o.organization_id)) AS s (scope, scope_id)
             WHERE o.status = 'completed') sums
     GROUP BY scope, scope_id HAVING sum(orders) <> 0 OR sum(tickets) <> 0 OR sum(revenue) <> 0`,
  ),
];
