import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Scope, sessionsOf, sumsIn } from '../../../src/features/analytics/figures.store.ts';
import { readTimeZone } from '../../../src/features/analytics/time-zones.ts';
import { as, type EventId, type OrganizationId, type SessionId } from '../../../src/kernel/ids.ts';
import { type Database, type Executor, openDatabase } from '../../../src/platform/postgres/database.ts';
import { atEnd } from '../../support/at-end.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { testDatabase } from '../../support/own-database.ts';

const OTHERS_ORDERS = 5_000;
const MINE = { eventId: randomUUID(), sessionId: randomUUID(), organizationId: randomUUID() };

/** Orders that the earlier service completed, with the money recorded for them at the takeover. */
const TAKE_OVER = `
  WITH taken AS (
    INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at, completed_at)
    SELECT gen_random_uuid(), $1, $2, $3, $4, 'completed', 100, 100, now(), now() FROM generate_series(1, $5::integer)
    RETURNING organization_id, event_id, session_id
  )
  INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor, is_folded)
  SELECT organization_id, event_id, session_id, 'lkr', 10000 * count(*), 0, true FROM taken GROUP BY 1, 2, 3`;

/** Number of order rows, or entries of their indexes, that the statements of this transaction have read. */
const LOOKED_AT = {
  name: 'looked-at',
  text: `SELECT sum(pg_stat_get_xact_tuples_returned(of))::integer AS rows
           FROM (SELECT 'orders'::regclass::oid AS of
                 UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = 'orders'::regclass) looked`,
};

async function rowsLookedAt(database: Database, work: (executor: Executor) => Promise<unknown>) {
  return database.transaction(async (tx) => {
    const [before] = await tx.rows<{ rows: number }>(LOOKED_AT, []);
    await work(tx);
    const [after] = await tx.rows<{ rows: number }>(LOOKED_AT, []);
    return (after?.rows ?? 0) - (before?.rows ?? 0);
  });
}

test('no report reads other organisers’ orders that the earlier service completed', async () => {
  const dsn = await testDatabase();
  const { eventId, sessionId, organizationId } = MINE;
  await sql(dsn, TAKE_OVER, [randomUUID(), eventId, organizationId, sessionId, 2]);
  await sql(dsn, TAKE_OVER, [randomUUID(), randomUUID(), randomUUID(), randomUUID(), OTHERS_ORDERS]);
  await sql(dsn, 'VACUUM ANALYZE orders');
  const database = openDatabase({ currency: LKR, dsn, maxConnections: 1, onIdleError: () => undefined });
  atEnd(() => database.close());
  const zone = readTimeZone('UTC');
  if (!zone) throw new Error('there is no UTC');
  const eventIds = [as<EventId>(eventId)] as const;
  const scopes: Scope[] = [
    { of: 'together', eventIds },
    { of: 'each', eventIds },
    { of: 'session', eventIds, sessionId: as<SessionId>(sessionId) },
    { of: 'organization', organizationId: as<OrganizationId>(organizationId) },
  ];
  for (const scope of scopes) {
    const taken: unknown[] = [];
    const rows = await rowsLookedAt(database, async (tx) => {
      taken.push(...(await sumsIn(tx, scope, zone)).money.map((each) => each.taken));
    });
    expect({ of: scope.of, taken }).toEqual({ of: scope.of, taken: [20_000n] });
    expect(rows, scope.of).toBeLessThan(20);
  }
  expect(await rowsLookedAt(database, (tx) => sessionsOf(tx, as<EventId>(eventId)))).toBeLessThan(20);
  // Reading the counted orders does raise the counter.
  const all = { name: 'all-orders', text: 'SELECT count(price) FROM orders' };
  expect(await rowsLookedAt(database, (tx) => tx.rows(all, []))).toBeGreaterThan(OTHERS_ORDERS);
});
