import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Currency } from '../../src/kernel/money.ts';
import { sql } from '../support/databases.ts';
import { testFolder } from '../support/folders.ts';
import { rounds } from '../support/rounds.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { call, findingsIn, signIn } from '../support/test-app.ts';

const ROUNDS = rounds(3);
const ORDERS = 100;
const CLIENTS = 16;

test('every invariant holds after repeated kills in the middle of a sale', async () => {
  const DATA_DIR = join(await testFolder(), 'data');
  const env = { DATA_DIR, SEAT_LOCK_TTL_MINUTES: '0.03' };
  let placed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const service = await startServiceProcess(env);
    const url = await service.url();
    const token = await signIn(url, 'buyer');
    const bodies = await requestsFor(url, round);
    const order = async (body: unknown) => {
      const answer = await call(url, 'POST', '/api/order', { token, body }).catch(() => undefined);
      placed += answer?.status === 201 ? 1 : 0;
      if (placed >= ORDERS * (round + 1)) service.child.kill('SIGKILL');
    };
    const queue = bodies.values();
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (const body of queue) await order(body);
      }),
    );
    expect(await service.ended).toBe('SIGKILL');
  }
  const last = await startServiceProcess(env);
  await last.url();
  const dsn = await dsnOf(DATA_DIR);
  await until('every order has ended and everything is announced', async () => {
    const [left] = await sql<{ n: number }>(
      dsn,
      "SELECT (SELECT count(*) FROM orders WHERE status = 'pending') + (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS n",
    );
    return Number(left?.n) === 0;
  });
  expect(await findingsIn(dsn, new Currency('lkr'))).toEqual([]);
  const [orders] = await sql<{ n: string }>(dsn, "SELECT count(*) AS n FROM orders WHERE status = 'cancelled'");
  expect(Number(orders?.n)).toBeGreaterThanOrEqual(ORDERS * ROUNDS);
});

/** The port of the embedded server of a data folder. */
async function dsnOf(folder: string): Promise<string> {
  const password = await readFile(join(folder, 'postgres.password'), 'utf8');
  const port = (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[3];
  return `postgres://ticketing:${password}@127.0.0.1:${port}/ticketing`;
}

/** Orders for two fresh seats each, a thousand per round. */
async function requestsFor(url: string, round: number) {
  const event = (await call(url, 'GET', '/api/event-query/v1/events/search?searchTerm=machines')).body.content[0];
  const session = (await call(url, 'GET', `/api/event-query/v1/events/${event.id}/sessions`)).body.content[0];
  const { body: map } = await call(url, 'GET', `/api/event-query/v1/sessions/${session.id}/seating-map`);
  const seats: string[] = map.layout.blocks[0].rows.flatMap((row: { seats: { id: string }[] }) =>
    row.seats.map(({ id }) => id),
  );
  return Array.from({ length: 1_000 }, (_, at) => {
    const from = (round * 1_000 + at) * 2;
    return {
      session_id: session.id,
      event_id: event.id,
      organization_id: event.organizationId,
      seat_ids: seats.slice(from, from + 2),
    };
  });
}
