import type { EventId, OrganizationId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { SalesTotals } from '../sales/index.ts';

/** Whose sales: those of one event, or of all events of an organisation. */
export type SalesScope =
  | { readonly kind: 'event'; readonly id: EventId }
  | { readonly kind: 'organization'; readonly id: OrganizationId };

/** One text for a scope: equal for equal scopes. */
export function keyOf({ kind, id }: SalesScope): string {
  return `${kind} ${id}`;
}

/** Running totals of a scope, as its streams show them. */
export type RunningTotals = Pick<SalesTotals, 'orders' | 'tickets' | 'revenue'>;

export const NO_SALES: RunningTotals = { orders: 0, tickets: 0, revenue: ZERO };
