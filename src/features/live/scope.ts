import type { EventId, OrganizationId } from '../../kernel/ids.ts';

/** The sales that a stream shows: of one event or of all events of an organisation. */
export type SalesScope =
  | { readonly kind: 'event'; readonly id: EventId }
  | { readonly kind: 'organization'; readonly id: OrganizationId };

/** The same text for equal scopes, usable as a key. */
export function keyOf({ kind, id }: SalesScope): string {
  return `${kind} ${id}`;
}

/** Totals over all completed orders, the revenue in major units. */
export interface RunningTotals {
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: number;
}

export const NO_SALES: RunningTotals = { orders: 0, tickets: 0, revenue: 0 };
