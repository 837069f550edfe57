/**
 * Ten thousand orders whose holds end in the same second: the time until all have ended, and the effect on orders placed
 * during it, compared with the same load just before and just after. Measured with unpaid orders, then with orders that
 * have an open PaymentIntent at the embedded Stripe. A closed loop. The exit code is 1 if ending takes 30 s or placing is
 * slowed by more than half.
 */

import { randomUUID } from 'node:crypto';
import { CREATED, OK } from '../src/kernel/http-status.ts';
import { type BenchService, openClient, type Send, startSeating, startService } from './service.ts';

const ORDERS = 10_000;
const CLIENTS = 32;
const WINDOW_MS = 8_000;
const MAX_ENDING_MS = 30_000;
const LEAST_SHARE = 0.5;
const PROGRESS_EVERY = 1_000;
const LOOK_EVERY_MS = 50;

const event = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };

async function place(send: Send): Promise<string> {
  const { status, body } = await send('POST', '/api/order', {
    ...event,
    seat_ids: [randomUUID(), randomUUID()],
  });
  if (status !== CREATED) throw new Error(`placing answered ${status}: ${JSON.stringify(body)}`);
  return (body as { order_id: string }).order_id;
}

/** Places orders until `isOver`. Returns orders per second and the 99th percentile in ms. */
async function placeUntil(send: Send, isOver: () => boolean): Promise<{ rate: number; p99: number }> {
  const waits: number[] = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver()) {
        const from = performance.now();
        await place(send);
        waits.push(performance.now() - from);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const p99 = waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Number.NaN;
  return { rate: waits.length / seconds, p99 };
}

function forMs(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}

async function prepare(send: Send, arePaidFor: boolean): Promise<string[]> {
  const orderIds: string[] = [];
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let at = client; at < ORDERS; at += CLIENTS) {
        const orderId = await place(send);
        if (arePaidFor) {
          const { status } = await send('POST', `/api/order/${orderId}/create-payment-intent`);
          if (status !== OK) throw new Error(`create-payment-intent answered ${status}`);
        }
        orderIds.push(orderId);
        if (orderIds.length % PROGRESS_EVERY === 0) process.stderr.write(`\r${orderIds.length} orders prepared`);
      }
    }),
  );
  process.stderr.write('\n');
  return orderIds;
}

/** Ends all holds now. Resolves with the milliseconds until the last order has ended. */
async function endAll({ sql }: BenchService, orderIds: readonly string[]): Promise<number> {
  await sql.query('UPDATE orders SET expires_at = now() WHERE order_id = ANY ($1::uuid[])', [orderIds]);
  const began = performance.now();
  for (;;) {
    const left = await sql.query(
      `SELECT EXISTS (SELECT FROM orders WHERE status = 'pending' AND expires_at <= now()) AS any`,
    );
    if (!left.rows[0]?.any) return performance.now() - began;
    if (performance.now() - began > 4 * MAX_ENDING_MS) throw new Error('the holds did not end');
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
}

async function measure(service: BenchService, send: Send, arePaidFor: boolean): Promise<boolean> {
  const orderIds = await prepare(send, arePaidFor);
  await service.sql.query('VACUUM ANALYZE orders, tickets, outbox');
  const before = await placeUntil(send, forMs(WINDOW_MS));
  let isEnded = false;
  const ending = endAll(service, orderIds).finally(() => {
    isEnded = true;
  });
  const during = await placeUntil(send, () => isEnded);
  const endedMs = await ending;
  const after = await placeUntil(send, forMs(WINDOW_MS));
  const usual = (before.rate + after.rate) / 2;
  const share = during.rate / usual;
  console.log(`\n${ORDERS} orders ${arePaidFor ? 'with an open PaymentIntent each' : 'without a PaymentIntent'}`);
  console.log(`  all ended after       ${(endedMs / 1_000).toFixed(1)} s`);
  console.log(`  orders placed before  ${before.rate.toFixed(0)} a second, p99 ${before.p99.toFixed(0)} ms`);
  console.log(`  orders placed during  ${during.rate.toFixed(0)} a second, p99 ${during.p99.toFixed(0)} ms`);
  console.log(`  orders placed after   ${after.rate.toFixed(0)} a second, p99 ${after.p99.toFixed(0)} ms`);
  console.log(`  during / before and after: ${share.toFixed(2)}`);
  return endedMs < MAX_ENDING_MS && share >= LEAST_SHARE;
}

const seating = await startSeating();
const service = await startService(seating.url, { SEAT_LOCK_TTL_MINUTES: '60' });
const client = openClient(service.url, await service.signIn('buyer'), CLIENTS);
try {
  const isUnpaidGood = await measure(service, client.send, false);
  const isBegunGood = await measure(service, client.send, true);
  process.exitCode = isUnpaidGood && isBegunGood ? 0 : 1;
} finally {
  await client.close();
  await service.close();
  seating.close();
}
