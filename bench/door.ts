/**
 * The door of a session with 50,000 tickets: the bundle that a scanner downloads and its later changes, check-ins per second
 * on two cores, and the time of a batch. Check-ins alternate with their limit: the bare update of a ticket over as many
 * connections as the service has, without HTTP, tokens, codes or history. A closed loop. The exit code is 1 if a bundle has
 * 2 MB or takes a second, or if there are fewer than 500 check-ins per second.
 */

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Pool as HttpPool } from 'undici';
import { createTicketSealer } from '../src/features/tickets/qr/sealer.ts';
import { MS_PER_SECOND } from '../src/kernel/clock.ts';
import { OK } from '../src/kernel/http-status.ts';
import { as, type SessionId, type TicketId } from '../src/kernel/ids.ts';
import { type BenchService, openClient, type Send, startSeating, startService } from './service.ts';

const TICKETS = 50_000;
const TICKETS_AN_ORDER = 4;
const CLIENTS = 32;
const CONNECTIONS = 10;
const TURNS = 3;
const WINDOW_MS = 4_000;
const BUNDLES = 5;
const BATCH = 1_000;
/** More tickets than the windows can use. */
const SCANNED = 30_000;
const MAX_BUNDLE_BYTES = 2_000_000;
const MAX_BUNDLE_MS = 1_000;
const LEAST_A_SECOND = 500;

const sessionId = as<SessionId>(randomUUID());
const qrKey = Buffer.alloc(32, 5).toString('base64');

/** Sold tickets with the labels and tiers of a large hall. Their ids are random, so they do not compress. */
async function sellOut({ sql }: BenchService): Promise<TicketId[]> {
  await sql.query(
    `WITH sold AS (
       INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at,
                           expires_at, completed_at)
       SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $1, 'completed', 0, 0, now(),
              now(), now() FROM generate_series(1, $2::int)
       RETURNING order_id
     ), numbered AS (SELECT order_id, row_number() OVER () AS at FROM sold)
     INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                          price_at_purchase, issued_at)
     SELECT gen_random_uuid(), order_id, $1, gen_random_uuid()::text, format('%s-%s-%s', chr(65 + (at % 26)::int), at, seat),
            '#FFD700', gen_random_uuid(), (ARRAY['VIP', 'Gold', 'Standing'])[1 + at % 3], 0, now()
       FROM numbered, generate_series(1, $3::int) AS seat`,
    [sessionId, TICKETS / TICKETS_AN_ORDER, TICKETS_AN_ORDER],
  );
  await sql.query('VACUUM ANALYZE orders, tickets');
  const { rows } = await sql.query<{ ticket_id: TicketId }>('SELECT ticket_id FROM tickets');
  return rows.map(({ ticket_id }) => ticket_id);
}

interface Download {
  readonly bytes: number;
  readonly ms: number;
  readonly version: string;
  readonly tickets: number;
}

/** A bundle as it is transferred. */
async function download(url: string, token: string, since?: string): Promise<Download> {
  const pool = new HttpPool(url);
  const from = performance.now();
  const answer = await pool.request({
    method: 'GET',
    path: `/api/order/scan/sessions/${sessionId}/bundle${since === undefined ? '' : `?since=${since}`}`,
    headers: { authorization: `Bearer ${token}`, 'accept-encoding': 'gzip' },
  });
  const packed = Buffer.from(await answer.body.arrayBuffer());
  const ms = performance.now() - from;
  await pool.close();
  const text = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  const { version, tickets } = JSON.parse(text) as { version: string; tickets: unknown[] };
  return { bytes: packed.length, ms, version, tickets: tickets.length };
}

/** Runs work in parallel until the window ends. Returns the number of completions and their times. */
async function forWindow(workers: number, work: (at: number) => Promise<void>): Promise<number[]> {
  const waits: number[] = [];
  const end = performance.now() + WINDOW_MS;
  await Promise.all(
    Array.from({ length: workers }, async (_, at) => {
      while (performance.now() < end) {
        const from = performance.now();
        await work(at);
        waits.push(performance.now() - from);
      }
    }),
  );
  return waits;
}

async function checkIn(send: Send, qrText: string | undefined): Promise<void> {
  const body = { encrypted_qr: qrText, gate: 'North', device_id: 's-1', nonce: randomUUID() };
  const { status, body: said } = await send('POST', '/api/order/ticket/checkin', body);
  if (status !== OK) throw new Error(`a check-in was answered ${status}: ${JSON.stringify(said)}`);
}

const perSecond = (waits: readonly number[]) => (waits.length * MS_PER_SECOND) / (TURNS * WINDOW_MS);
const atShare = (waits: readonly number[], share: number) =>
  waits.toSorted((a, b) => a - b)[Math.floor(waits.length * share)] ?? Number.NaN;

/** Alternates check-ins and bare updates. */
async function measureCheckIns(service: BenchService, send: Send, ids: readonly TicketId[]) {
  const sealer = await createTicketSealer([qrKey]);
  const texts = await Promise.all(ids.slice(0, SCANNED).map((ticketId) => sealer.seal({ ticketId, sessionId })));
  const bare = ids.slice(SCANNED);
  const update = {
    name: 'bare',
    text: `UPDATE tickets SET checked_in = true, checked_in_time = now() WHERE ticket_id = $1 AND NOT checked_in`,
  };
  const door: number[] = [];
  const limit: number[] = [];
  const database = new pg.Pool({ ...service.sql.options, max: CONNECTIONS });
  let [scanned, updated] = [0, 0];
  for (let turn = 0; turn < TURNS; turn += 1) {
    door.push(...(await forWindow(CLIENTS, () => checkIn(send, texts[scanned++]))));
    limit.push(
      ...(await forWindow(CONNECTIONS, async () => {
        await database.query({ ...update, values: [bare[updated++ % bare.length]] });
      })),
    );
  }
  await database.end();
  return { door, limit, unused: texts.slice(scanned) };
}

async function measureBatch(send: Send, texts: readonly string[]): Promise<number> {
  const scans = texts.slice(0, BATCH).map((text) => ({
    encrypted_qr: text,
    nonce: randomUUID(),
    scanned_at: new Date().toISOString(),
    device_id: 's-2',
  }));
  const from = performance.now();
  const { status, body } = await send('POST', '/api/order/scan/batch', { scans });
  const ms = performance.now() - from;
  const { results } = body as { results: { outcome: string }[] };
  if (status !== OK || results.some(({ outcome }) => outcome !== 'admitted'))
    throw new Error('the batch was not taken');
  return ms;
}

const seating = await startSeating();
const service = await startService(seating.url, {
  QR_SECRET_KEY: qrKey,
  POSTGRES_POOL_SIZE: String(CONNECTIONS),
});
const token = await service.signIn('scanner');
const client = openClient(service.url, token, CLIENTS);
try {
  const ids = await sellOut(service);
  const bundles: Download[] = [];
  for (let time = 0; time < BUNDLES; time += 1) bundles.push(await download(service.url, token));
  const [{ bytes, tickets, version } = { bytes: 0, tickets: 0, version: '' }] = bundles;
  const slowest = Math.max(...bundles.map(({ ms }) => ms));
  console.log(`bundle of ${tickets} tickets: ${bytes} bytes, ${bundles.map(({ ms }) => ms.toFixed(0)).join(', ')} ms`);
  const { door, limit, unused } = await measureCheckIns(service, client.send, ids);
  const since = await download(service.url, token, version);
  const again = await download(service.url, token, since.version);
  console.log(`what changed since: ${since.tickets} tickets, ${since.bytes} bytes, ${since.ms.toFixed(0)} ms`);
  console.log(`what changed since that: ${again.tickets} tickets, ${again.bytes} bytes, ${again.ms.toFixed(0)} ms`);
  const ratio = perSecond(door) / perSecond(limit);
  console.log(
    `check-ins: ${perSecond(door).toFixed(0)} a second, median ${atShare(door, 0.5).toFixed(1)} ms, p99 ${atShare(door, 0.99).toFixed(1)} ms`,
  );
  console.log(`bare updates: ${perSecond(limit).toFixed(0)} a second; check-ins are ${ratio.toFixed(2)} of them`);
  console.log(`a batch of ${BATCH} scans: ${(await measureBatch(client.send, unused)).toFixed(0)} ms`);
  const isGood = bytes < MAX_BUNDLE_BYTES && slowest < MAX_BUNDLE_MS && perSecond(door) >= LEAST_A_SECOND;
  process.exitCode = isGood ? 0 : 1;
} finally {
  await client.close();
  await service.close();
  seating.close();
}
