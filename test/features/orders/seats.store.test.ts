import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { PLACING_HOLD_MS } from '../../../src/features/orders/hold-seats.ts';
import { stillHeld } from '../../../src/features/orders/seats.store.ts';
import { as, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { atEnd } from '../../support/at-end.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { testDatabase } from '../../support/own-database.ts';

const LONG_MS = 290_000;
const sessionId = as<SessionId>(randomUUID());

let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ currency: LKR, dsn, maxConnections: 1, onIdleError: () => undefined });
  atEnd(() => database.close());
});

async function pendingOrder(of: SessionId): Promise<string> {
  const orderId = randomUUID();
  await sql(
    dsn,
    `INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at, expires_at)
     VALUES ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2, 'pending', 0, 0, now(), now() + interval '5 minutes')`,
    [orderId, of],
  );
  return orderId;
}

async function isHeld(orderId: string, leftMs: number): Promise<boolean> {
  const seatId = as<SeatId>(randomUUID());
  return (await stillHeld(database, sessionId, [{ seatId, orderId, leftMs }], PLACING_HOLD_MS)).includes(seatId);
}

describe('orphan-hold: a hold whose order the database does not know as holding', () => {
  test.each([
    ['of an order that nobody knows', randomUUID()],
    ['of a text that is no order', 'unknown'],
  ])('%s counts while the order could still be written, and no longer', async (_name, orderId) => {
    expect(await isHeld(orderId, PLACING_HOLD_MS)).toBe(true);
    expect(await isHeld(orderId, PLACING_HOLD_MS + 1)).toBe(false);
    expect(await isHeld(orderId, LONG_MS)).toBe(false);
    expect(await isHeld(orderId, Number.POSITIVE_INFINITY)).toBe(false);
  });

  test('of a pending order counts while the order could still take the seat, and only in its session', async () => {
    const here = await pendingOrder(sessionId);
    expect(await isHeld(here, PLACING_HOLD_MS)).toBe(true);
    expect(await isHeld(here, LONG_MS)).toBe(false);
    expect(await isHeld(await pendingOrder(as<SessionId>(randomUUID())), PLACING_HOLD_MS)).toBe(false);
  });
});
