import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { Watch } from '../../src/app.ts';
import { watchEffects } from '../support/effects.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { rounds } from '../support/rounds.ts';
import type { Answer, TestApp } from '../support/test-app.ts';

const ORDERS = 120;
const ROUNDS = rounds(5);

let platform: PlatformApp;
let replica: TestApp;
let token: string;
let shared = 0;

/** Holds that were lost: PostgreSQL alone decides. Statements that several orders share are counted. */
const withoutHolds: Watch = (name, port) => {
  const counted = watchEffects({
    before(effect) {
      shared += effect === 'database orders-insert' ? 1 : 0;
    },
    after: () => undefined,
  })(name, port);
  return name === 'holds' ? { ...counted, hold: async () => ({ outcome: 'held' }) } : counted;
};

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { watch: withoutHolds });
  replica = await startReplica(platform, {}, { watch: withoutHolds });
  token = await platform.token(randomUUID());
});

function place(seatIds: readonly string[], at: number): Promise<Answer> {
  const app = at % 2 === 0 ? platform.app : replica;
  return app.call('POST', '/api/order', { token, body: platform.request(seatIds) });
}

test('concurrent orders share a statement, and each is stored as it was answered, with its messages', async () => {
  shared = 0;
  const answers = await Promise.all(Array.from({ length: ORDERS }, (_, at) => place([randomUUID(), randomUUID()], at)));
  expect(answers.map(({ status }) => status)).toEqual(Array(ORDERS).fill(201));
  expect(shared).toBeGreaterThan(0);
  for (const { body } of answers) {
    const rows = await platform.app.sql(
      `SELECT (SELECT array_agg(seat_id ORDER BY seat_id) FROM tickets t WHERE t.order_id = o.order_id) AS seats,
              o.session_id, o.price::float AS price,
              (SELECT count(*)::int FROM outbox WHERE key = o.order_id::text) AS created
         FROM orders o WHERE order_id = $1`,
      [body.order_id],
    );
    const seats = body.seat_ids.toSorted();
    expect(rows).toEqual([{ seats, session_id: platform.sessionId, price: 200, created: 1 }]);
  }
});

test('overlapping requests without holds, on two replicas, sell every seat once and only whole orders', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    shared = 0;
    const seats = Array.from({ length: 30 }, () => randomUUID());
    const any = () => seats[Math.floor(Math.random() * seats.length)] ?? '';
    const requests = Array.from({ length: ORDERS }, () => [...new Set([any(), any(), any()])]);
    const answers = await Promise.all(requests.map(place));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
    const won = answers.filter(({ status }) => status === 201).flatMap(({ body }) => body.seat_ids as string[]);
    expect(new Set(won).size).toBe(won.length);
    const live = await platform.app.sql<{ seat_id: string }>(
      'SELECT seat_id FROM tickets WHERE seat_id = ANY ($1) AND voided_at IS NULL',
      [seats],
    );
    expect(live.map(({ seat_id }) => seat_id).toSorted()).toEqual(won.toSorted());
    for (const { status, body } of answers) if (status === 409) expect(body.code).toBe('seats_taken');
    expect(shared).toBeGreaterThan(0);
  }
  await platform.app.untilRows('everything is announced', 0, 'SELECT FROM outbox WHERE published_at IS NULL LIMIT 1');
});

test('an order that cannot be written does not affect those that share its statement', async () => {
  await platform.app.sql("ALTER TABLE tickets ADD CONSTRAINT no_poison CHECK (seat_id <> 'poison')");
  try {
    const requests = Array.from({ length: ORDERS }, (_, at) => (at === ORDERS / 2 ? ['poison'] : [randomUUID()]));
    const answers = await Promise.all(requests.map(place));
    const failed = answers.flatMap(({ status }, at) => (status === 201 ? [] : requests[at]));
    expect(failed).toEqual(['poison']);
  } finally {
    await platform.app.sql('ALTER TABLE tickets DROP CONSTRAINT no_poison');
  }
});

test('seats in an undecided transaction delay only the orders that request them', async () => {
  const stuck = [randomUUID(), randomUUID(), randomUUID()];
  const [order] = await platform.app.sql<{ order_id: string }>('SELECT order_id FROM orders LIMIT 1');
  const client = new pg.Client(platform.app.dsn);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase, issued_at)
       SELECT gen_random_uuid(), order_id, session_id, seat, seat_label, colour, tier_id, tier_name, price_at_purchase, issued_at
         FROM (SELECT * FROM tickets WHERE order_id = $1 LIMIT 1) AS t, unnest($2::text[]) AS seat`,
      [order?.order_id, stuck],
    );
    let isAnswered = false;
    // On one replica, where two such orders would have been enough to delay all others.
    const waiting = Promise.all(stuck.map((seat) => place([seat], 0))).finally(() => {
      isAnswered = true;
    });
    await platform.app.untilRows(
      'they wait',
      stuck.length,
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'",
    );
    const others = await Promise.all(Array.from({ length: ORDERS }, () => place([randomUUID()], 0)));
    expect(others.map(({ status }) => status)).toEqual(Array(ORDERS).fill(201));
    expect(isAnswered).toBe(false);
    await client.query('ROLLBACK');
    expect((await waiting).map(({ status }) => status)).toEqual([201, 201, 201]);
  } finally {
    await client.end();
  }
});
