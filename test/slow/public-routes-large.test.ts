import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { Watch } from '../../src/app.ts';
import type { Connections, Statement } from '../../src/platform/postgres/database.ts';
import { atEnd } from '../support/at-end.ts';
import { insertSold } from '../support/sold.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Enough rows that the planner decides as it does at a million. */
const ORDERS = 30_000;
/** More than a statement of a public route may read of any table. */
const MANY_ROWS = 10_000;
/** Its answer is kept for some seconds, so it may read all tickets. */
const KEPT = new Set(['tickets-count']);

let app: TestApp;
let client: pg.Client;
const asked = new Map<string, { readonly statement: Statement; readonly values: readonly unknown[] }>();

/** Notes each statement outside transactions with its values. */
const watch: Watch = (name, port) => {
  if (name !== 'database') return port;
  const database = port as unknown as Connections;
  const rows: Connections['rows'] = (statement, values) => {
    asked.set(statement.name, { statement, values });
    return database.rows(statement, values);
  };
  return { ...database, rows } as unknown as typeof port;
};

beforeAll(async () => {
  app = await startTestApp({}, { watch }, { background: false });
  client = new pg.Client({ connectionString: app.dsn });
  await client.connect();
  atEnd(() => client.end());
  const ids = { event_id: randomUUID(), session_id: randomUUID(), organization_id: randomUUID() };
  await insertSold(app, ids, { orders: ORDERS });
  await client.query(`
    INSERT INTO outbox (topic, key, value, published_at) SELECT 'orderUpdated', order_id::text, '{}', now() FROM orders;
    INSERT INTO stripe_inbox (event_id, type, kind, received_at, applied_at, next_attempt_at)
      SELECT order_id::text, 'x', 'paid', now(), now(), now() FROM orders;
    INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, provider_id)
      SELECT gen_random_uuid(), payment_intent_id, 1, 'service', 'x', now(), payment_intent_id FROM payments;
    ANALYZE`);
}, 300_000);

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** The most rows that one step of a plan reads. */
function mostRows(plan: Plan): number {
  const own = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
  return Math.max(own, ...(plan.Plans ?? []).map(mostRows));
}

test('public routes read few rows, however many there are', async () => {
  const { body: document } = await app.call('GET', '/openapi.json');
  const routes = Object.entries<Record<string, { security?: unknown }>>(document.paths);
  const open = routes.filter(([, methods]) => methods.get && methods.get.security === undefined);
  asked.clear();
  for (const [path] of open) expect((await app.call('GET', path)).status, path).toBe(200);
  expect([...asked.keys()]).toContain('tickets-count');
  for (const [name, { statement, values }] of asked) {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${statement.text}`, [...values]);
    const most = mostRows(rows[0]['QUERY PLAN'][0].Plan);
    // The count shows that the plan of a statement over all tickets is noticed.
    if (KEPT.has(name)) expect(most, name).toBeGreaterThan(MANY_ROWS);
    else expect(most, name).toBeLessThan(MANY_ROWS);
  }
});
