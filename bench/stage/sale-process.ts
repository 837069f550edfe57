/**
 * The buyers of a hot sale, in their own process. Reads a `Sale` as JSON and prints a `Sold` as JSON. All buyers start at
 * the same moment, each over their own connection. Each tries a few pairs of seats and retries when the service is
 * overloaded; one in `onePaysIn` buyers with seats pays.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { CREATED } from '../../src/kernel/http-status.ts';
import { printResult, readInput } from './child.ts';
import { EVENT } from './event.ts';
import type { Sale, Sold } from './sale.ts';

const { url, tokens, pairs, tries, onePaysIn } = await readInput<Sale>();
const TAKEN = 409;
const SHED = 503;
const AWAY_MS = 50;
const PUBLISHABLE_KEY = 'pk_test_embedded';
const agent = new Agent({
  connections: tokens.length,
  pipelining: 1,
  connectTimeout: 60_000,
  headersTimeout: 60_000,
});
const sold: Sold = { lastSoldMs: 0, winners: [], losers: [], paid: [], shed: 0, errors: 0 };
const began = performance.now();

async function send(path: string, token: string, body?: string, type = 'application/json') {
  const answer = await agent.request({
    origin: url,
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body }),
  });
  const sent = await answer.body.text();
  const retryAfterMs = Number(answer.headers['retry-after'] ?? 0) * MS_PER_SECOND;
  return { status: answer.statusCode, body: sent === '' ? {} : JSON.parse(sent), retryAfterMs };
}

/** Repeats a request until its answer is final. Retries of different buyers are spread over time. */
async function order(token: string, seatIds: readonly string[]): Promise<{ status: number; orderId: string }> {
  for (;;) {
    const { status, body, retryAfterMs } = await send(
      '/api/order',
      token,
      JSON.stringify({ ...EVENT, seat_ids: seatIds }),
    );
    if (status !== SHED) return { status, orderId: body.order_id };
    sold.shed += 1;
    await pause(retryAfterMs * (0.5 + Math.random()) + AWAY_MS);
  }
}

async function pay(token: string, orderId: string): Promise<void> {
  const { body } = await send(`/api/order/${orderId}/create-payment-intent`, token);
  const form = new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: body.clientSecret });
  const path = `/v1/payment_intents/${body.paymentIntentId}/confirm`;
  const { status } = await send(path, PUBLISHABLE_KEY, form.toString(), 'application/x-www-form-urlencoded');
  if (status === 200) sold.paid.push(performance.now() - began);
  else sold.errors += 1;
}

async function buy(token: string): Promise<void> {
  for (let at = 0; at < tries; at += 1) {
    const seats = pairs[Math.floor(Math.random() * pairs.length)] ?? [];
    const { status, orderId } = await order(token, seats);
    const nowMs = performance.now() - began;
    if (status === CREATED) {
      sold.winners.push(nowMs);
      sold.lastSoldMs = Math.max(sold.lastSoldMs, nowMs);
      if (sold.winners.length % onePaysIn === 0) await pay(token, orderId);
      return;
    }
    if (status !== TAKEN) sold.errors += 1;
  }
  sold.losers.push(performance.now() - began);
}

await Promise.all(tokens.map((token) => buy(token).catch(() => (sold.errors += 1))));
printResult(sold);
