import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { completedOrder, guarded, unguarded } from './open-arena.ts';

/**
 * Commits a change after a scanner’s request, in a transaction that began before it; whether the scanner
 * receives the change.
 */
async function receivesTheSlow(arena: Arena): Promise<boolean> {
  const { app, seating, sessionId } = arena.platform;
  const scannerId = randomUUID();
  seating.scanners.set(scannerId, new Set([sessionId]));
  const token = await arena.platform.token(scannerId);
  const path = `/api/order/scan/sessions/${sessionId}/bundle`;
  const [slow, quick] = [await completedOrder(arena), await completedOrder(arena)];
  const client = new pg.Client({ connectionString: app.dsn });
  await client.connect();
  await client.query('BEGIN');
  await client.query("UPDATE tickets SET seat_label = 'moved' WHERE order_id = $1", [slow]);
  await arena.rows("UPDATE tickets SET seat_label = 'moved' WHERE order_id = $1", [quick]);
  const { body: between } = await app.call('GET', path, { token });
  await client.query('COMMIT');
  await client.end();
  const { body: after } = await app.call('GET', `${path}?since=${between.version}`, { token });
  return after.tickets.some(([, seat]: string[]) => seat === 'moved');
}

test('a bundle that ends before the oldest running transaction misses nothing', async () => {
  expect(await receivesTheSlow(await guarded())).toBe(true);
});

test('a bundle that ends after the newest visible transaction misses a late commit', async () => {
  const ends = { text: 'pg_snapshot_xmin', becomes: 'pg_snapshot_xmax' };
  const guards = ['bundle-list-all', 'bundle-list-changed'].map((statement) => ({ statement, ...ends }));
  expect(await receivesTheSlow(await unguarded(guards))).toBe(false);
});
