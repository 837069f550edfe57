import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { EventId, OrganizationId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import { OrderJson } from '../orders/index.ts';
import type { SaleChange } from '../sales/index.ts';
import { keyOf, type RunningTotals, type SalesScope } from './scope.ts';

const APPEND_CHANGES = {
  name: 'sale-changes-append',
  text: `INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue, message)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::numeric[], $6::text[])`,
};

/** Stores changes of sales in the transaction that makes them. */
export async function appendSaleChanges(tx: Transaction, changes: readonly SaleChange[]): Promise<void> {
  if (changes.length === 0) return;
  const json = new OrderJson(tx.currency);
  await tx.rows(APPEND_CHANGES, [
    changes.map(({ order }) => order.eventId),
    changes.map(({ order }) => order.organizationId),
    changes.map(({ difference }) => difference.orders),
    changes.map(({ difference }) => difference.tickets),
    changes.map(({ difference }) => tx.currency.toDecimal(difference.revenue)),
    changes.map(({ order, isCompletion }) => (isCompletion ? JSON.stringify(json.toWire(order)) : null)),
  ]);
  tx.wake('saleNumbering');
}

const NUMBER_CHANGES = {
  name: 'sale-changes-number',
  text: 'SELECT number_sale_changes($1, $2::timestamptz) AS numbered',
};

/**
 * Moves at most `limit` committed changes to the next positions of the feed, adds them to the totals and returns their
 * number. The migration that creates the function explains why no reader can miss a change.
 */
export async function numberChanges(executor: Executor, limit: number, now: Instant): Promise<number> {
  const [done] = await executor.rows<{ numbered: number }>(NUMBER_CHANGES, [limit, toRfc3339(now)]);
  return done?.numbered ?? 0;
}

/** A change of an event's sales. */
export interface FeedRow {
  readonly position: number;
  readonly eventId: EventId;
  readonly organizationId: OrganizationId;
  /** The JSON text of the order when it completed, null for any other change. */
  readonly message: string | null;
}

export interface FeedPage {
  /** All rows up to this position are visible; later rows have greater positions. */
  readonly head: number;
  /** Rows up to this position have been removed. */
  readonly removedThrough: number;
  readonly rows: readonly FeedRow[];
}

/** A statement that reads the rows matching a condition, whose parameters start at `$3`. */
const readWhere = (name: string, condition: string) => ({
  name: `sales-feed-read-${name}`,
  text: `SELECT h.position AS head, h.removed_through, f.*
           FROM sales_feed_head h
           LEFT JOIN LATERAL (
             SELECT position, event_id, organization_id, message FROM sales_feed
              WHERE position > $1 AND ${condition} ORDER BY position LIMIT $2) f ON true
          ORDER BY f.position`,
});
const READ = {
  event: readWhere('event', 'event_id = $3::uuid'),
  organization: readWhere('organization', 'organization_id = $3::uuid'),
  many: readWhere('many', '(event_id = ANY ($3::uuid[]) OR organization_id = ANY ($4::uuid[]))'),
};

type PageRow = { readonly head: number; readonly removed_through: number } & (
  | {
      readonly position: number;
      readonly event_id: EventId;
      readonly organization_id: OrganizationId;
      readonly message: string | null;
    }
  | { readonly position: null }
);

/** The oldest rows of one scope after a position. */
export async function readFeedOf(
  executor: Executor,
  { kind, id }: SalesScope,
  after: number,
  limit: number,
): Promise<FeedPage> {
  return toPage(await executor.rows<PageRow>(READ[kind], [after, limit, id]));
}

/** The oldest rows of any of the scopes after a position. */
export async function readFeed(
  executor: Executor,
  scopes: readonly SalesScope[],
  after: number,
  limit: number,
): Promise<FeedPage> {
  return toPage(await executor.rows<PageRow>(READ.many, [after, limit, ...idsOf(scopes)]));
}

/** The ids of the events, and those of the organisations. */
function idsOf(scopes: readonly SalesScope[]): [string[], string[]] {
  const of = (kind: SalesScope['kind']) => scopes.filter((scope) => scope.kind === kind).map(({ id }) => id);
  return [of('event'), of('organization')];
}

function toPage(found: readonly PageRow[]): FeedPage {
  const [first] = found;
  if (!first) throw new Error('the sales feed has no head row');
  const rows = found.flatMap((row) => {
    if (row.position === null) return [];
    const { position, event_id: eventId, organization_id: organizationId, message } = row;
    return [{ position, eventId, organizationId, message }];
  });
  return { head: first.head, removedThrough: first.removed_through, rows };
}

const HEAD = { name: 'sales-feed-head', text: 'SELECT position FROM sales_feed_head' };

/** The newest position. */
export async function headOfFeed(executor: Executor): Promise<number> {
  const [head] = await executor.rows<{ position: number }>(HEAD, []);
  if (!head) throw new Error('the sales feed has no head row');
  return head.position;
}

const TOTALS = {
  name: 'sales-totals',
  text: `SELECT scope AS kind, scope_id AS id, orders, tickets, revenue::text FROM sales_totals
          WHERE (scope = 'event' AND scope_id = ANY ($1::uuid[]))
             OR (scope = 'organization' AND scope_id = ANY ($2::uuid[]))`,
};

/** Totals by the `keyOf` their scope, read as text because a sum may be too large for `Money`. Scopes without sales are missing. */
export async function totalsOf(executor: Executor, scopes: readonly SalesScope[]): Promise<Map<string, RunningTotals>> {
  type Row = SalesScope & { readonly orders: number; readonly tickets: number; readonly revenue: string };
  const rows = await executor.rows<Row>(TOTALS, idsOf(scopes));
  return new Map(
    rows.map((row) => [keyOf(row), { orders: row.orders, tickets: row.tickets, revenue: Number(row.revenue) }]),
  );
}

const REMOVE = {
  name: 'sales-feed-remove',
  text: `
    WITH removed AS (
      DELETE FROM sales_feed
       WHERE numbered_at < $1::timestamptz AND position IN (SELECT position FROM sales_feed ORDER BY position LIMIT $2)
      RETURNING position
    )
    UPDATE sales_feed_head h SET removed_through = r.through
      FROM (SELECT max(position) AS through, count(*) AS rows FROM removed) r
     WHERE r.through IS NOT NULL
    RETURNING r.rows`,
};

/** Removes rows numbered before `before` from the oldest `limit` rows. Returns the number removed. */
export async function removeFromFeed(executor: Executor, before: Instant, limit: number): Promise<number> {
  const [removed] = await executor.rows<{ rows: number }>(REMOVE, [toRfc3339(before), limit]);
  return removed?.rows ?? 0;
}
