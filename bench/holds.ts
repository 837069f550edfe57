/**
 * Measures what Redis gains: 32 buyers who all want the same two sold seats, then 32 who want two fresh seats each. Holds
 * are kept in the process, in Redis, and in PostgreSQL alone because Redis is stopped. The three take turns, so that other
 * load on the machine affects all of them. A closed loop that needs `redis-server`. The exit code is 1 if refusals with
 * Redis are not faster than without.
 */

import { randomUUID } from 'node:crypto';
import { MS_PER_SECOND } from '../src/kernel/clock.ts';
import { CREATED } from '../src/kernel/http-status.ts';
import { openClient, type Send, startSeating, startService } from './service.ts';
import { startRedis } from './stage/redis.ts';

const CLIENTS = 32;
const ROUNDS = 3;
const WINDOW_MS = 4_000;
const REFUSED = 409;

const event = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };

interface Measured {
  count: number;
  readonly waitsMs: number[];
}

/** Sends orders until the window ends; each must be answered with the expected status. */
async function orderFor(send: Send, seats: () => string[], expected: number, into: Measured): Promise<void> {
  const end = performance.now() + WINDOW_MS;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < end) {
        const from = performance.now();
        const { status, body } = await send('POST', '/api/order', { ...event, seat_ids: seats() });
        if (status !== expected) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
        into.waitsMs.push(performance.now() - from);
        into.count += 1;
      }
    }),
  );
}

const [seating, running, stopped] = [await startSeating(), await startRedis(), await startRedis()];
const services = {
  'in the process': await startService(seating.url),
  'in Redis': await startService(seating.url, { REDIS_ADDR: running.address }),
  'Redis stopped': await startService(seating.url, { REDIS_ADDR: stopped.address }),
};
await stopped.stop();

const results = new Map<string, { refused: Measured; placed: Measured }>();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, service] of Object.entries(services)) {
    const client = openClient(service.url, await service.signIn('buyer'), CLIENTS);
    const result = results.get(name) ?? {
      refused: { count: 0, waitsMs: [] },
      placed: { count: 0, waitsMs: [] },
    };
    results.set(name, result);
    const sold = [randomUUID(), randomUUID()];
    await client.send('POST', '/api/order', { ...event, seat_ids: sold });
    await orderFor(client.send, () => sold, REFUSED, result.refused);
    await orderFor(client.send, () => [randomUUID(), randomUUID()], CREATED, result.placed);
    await client.close();
  }
}

const perSecond = ({ count }: Measured) => Math.round((count * MS_PER_SECOND) / (ROUNDS * WINDOW_MS));
const at = ({ waitsMs }: Measured, share: number) =>
  waitsMs.toSorted((a, b) => a - b)[Math.floor(waitsMs.length * share)]?.toFixed(1);
const line = (what: string, measured: Measured) =>
  `${what} ${perSecond(measured)}/s, median ${at(measured, 0.5)} ms, p99 ${at(measured, 0.99)} ms`;
for (const [name, { refused, placed }] of results)
  console.log(`${name.padEnd(15)} ${line('refused', refused)}; ${line('placed', placed)}`);

for (const service of Object.values(services)) await service.close();
seating.close();
await running.stop();
const rateOf = (name: string) => perSecond(results.get(name)?.refused ?? { count: 0, waitsMs: [] });
process.exitCode = rateOf('in Redis') > rateOf('Redis stopped') ? 0 : 1;
