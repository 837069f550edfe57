import { afterAll } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { holdRecords } from '../../src/features/orders/index.ts';
import { type Clock, instant, later } from '../../src/kernel/clock.ts';
import { openDatabase } from '../../src/platform/postgres/database.ts';
import { type OpenRedis, openRedis } from '../../src/platform/redis/redis.ts';
import { createLog } from '../../src/platform/telemetry/log.ts';
import type { HoldsUnderTest } from '../contract/seat-holds.contract.ts';
import { LKR } from './currencies.ts';
import { sql } from './databases.ts';
import { testDatabase } from './own-database.ts';
import { until } from './servers.ts';

/** Redis as the service opens it, with the database that it queries for holds. */
export interface OpenedRedis extends OpenRedis, HoldsUnderTest {
  readonly dsn: string;
  /** The answers to each `hold`, in order. */
  readonly answers: string[];
  /** Each change of its circuit: true when it is left alone, false when it is used again. */
  readonly circuit: boolean[];
  readonly log: string[];
}

export const systemClock: Clock = { now: () => instant(Date.now()) };

const opened: (() => Promise<void>)[] = [];
let databaseOfFile: Promise<string> | undefined;

// The hook is registered with the file, because one registered inside a test never runs.
afterAll(async () => {
  for (const close of opened) await close();
});

/** Opens it for this test file, with the variables an operator sets. */
export async function openTestRedis(env: Record<string, string>, clock = systemClock): Promise<OpenedRedis> {
  databaseOfFile ??= testDatabase();
  const dsn = await databaseOfFile;
  const database = openDatabase({ currency: LKR, dsn, maxConnections: 2, onIdleError: () => undefined });
  const config = readConfig(env);
  const [answers, circuit, log]: [string[], boolean[], string[]] = [[], [], []];
  const redis = await openRedis({
    server: {
      addresses: config.REDIS_ADDR ?? [],
      isCluster: config.REDIS_CLUSTER || (config.REDIS_ADDR ?? []).length > 1,
      tls: config.REDIS_TLS,
      username: config.REDIS_USERNAME,
      password: config.REDIS_PASSWORD,
    },
    clock,
    log: createLog('debug', { write: (line) => void log.push(line) }),
    records: holdRecords(database),
    onAnswer: (answer) => answers.push(answer),
    onCircuit: (isOpen) => circuit.push(isOpen),
  });
  opened.push(redis.close, () => database.close());
  return {
    ...redis,
    dsn,
    answers,
    circuit,
    log,
    clock,
    async pass(ms) {
      const end = later(clock.now(), ms);
      await until('the time has passed', () => clock.now() > end);
    },
    write: (orderId, sessionId, seatIds) => writePending(dsn, orderId, sessionId, seatIds),
  };
}

async function writePending(dsn: string, orderId: string, sessionId: string, seatIds: readonly string[]) {
  await sql(
    dsn,
    `WITH o AS (
       INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at, expires_at)
       VALUES ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2, 'pending', 0, 0, now(), now() + interval '5 minutes')
       RETURNING order_id, session_id)
     INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase, issued_at)
     SELECT gen_random_uuid(), order_id, session_id, seat_id, 'A1', '', gen_random_uuid(), 'VIP', 0, now()
       FROM o, unnest($3::text[]) AS seat_id`,
    [orderId, sessionId, seatIds],
  );
}
