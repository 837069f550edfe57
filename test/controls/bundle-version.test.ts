import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { Arena } from '../support/arena.ts';
import { completedOrder, guarded, unguarded } from './open-arena.ts';

/** A change that commits after a scanner asked, in a transaction that began before; whether the scanner hears of it. */
async function hearsOfTheSlow(arena: Arena): Promise<boolean> {
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

test('a list that ends before the oldest running transaction misses nothing', async () => {
  expect(await hearsOfTheSlow(await guarded())).toBe(true);
});

test('one that ends after the newest that it has seen misses what commits late', async () => {
  const ends = { text: 'pg_snapshot_xmin', becomes: 'pg_snapshot_xmax' };
  const guards = ['bundle-list-all', 'bundle-list-changed'].map((statement) => ({ statement, ...ends }));
  expect(await hearsOfTheSlow(await unguarded(guards))).toBe(false);
});
