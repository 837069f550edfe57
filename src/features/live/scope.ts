import type { EventId, OrganizationId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { SalesTotals } from '../sales/index.ts';

/** The sales that a stream shows: of one event or of all events of an organisation. */
export type SalesScope =
  | { readonly kind: 'event'; readonly id: EventId }
  | { readonly kind: 'organization'; readonly id: OrganizationId };

/** The same text for equal scopes, usable as a key. */
export function keyOf({ kind, id }: SalesScope): string {
  return `${kind} ${id}`;
}

/** The totals that a scope's streams show. */
export type RunningTotals = Pick<SalesTotals, 'orders' | 'tickets' | 'revenue'>;

export const NO_SALES: RunningTotals = { orders: 0, tickets: 0, revenue: ZERO };
