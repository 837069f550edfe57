/**
 * A thousand open streams of one event while orders complete: whether each reader receives each order, the delay after the
 * buyer's answer (negative if the reader receives it first) and after the buyer's request, and the memory of a stream. Then,
 * without `--streams-only`, the cost of the feed for the completing transaction: the same load with and without the feed's
 * rows, in alternating windows. The exit code is 1 if a reader misses an order or gets it twice, or if the median delay is
 * 100 ms or more.
 */

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CREATED, OK } from '../src/kernel/http-status.ts';
import { type BenchService, openClient, type Send, startSeating, startService } from './service.ts';

const STREAMS_ONLY = '--streams-only';
const STREAMS = 1_000;
const ORDERS = 300;
const ORDERS_A_SECOND = 15;
const TURNS = 6;
const ORDERS_A_TURN = 400;
const CLIENTS = 8;
const MAX_MEDIAN_MS = 100;
const SETTLE_MS = 3_000;
const ARRIVAL_TIMEOUT_MS = 30_000;
const BYTES_PER_KIB = 1_024;

const event = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The arrival times of orders at a reader. */
interface Reader {
  readonly heard: Map<string, number>;
  doubles: number;
  readonly socket: Socket;
}

const CONNECTED = 'event: connected';
const MARK = 'data: {"OrderID":"';
const ID_CHARS = 36;

/**
 * A reader that only searches for order ids on a raw connection. Parsing HTTP and JSON a thousand times would dominate the
 * measurement.
 */
function openReader(url: string, token: string): Promise<Reader> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const reader: Reader = { heard: new Map(), doubles: 0, socket };
  socket.write(
    `GET /api/order/sse/checkouts/event/${event.event_id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  return new Promise((done, fail) => {
    let rest = '';
    socket.on('error', fail).setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const text = rest + chunk;
      if (text.includes(CONNECTED)) done(reader);
      rest = text.slice(hearAll(reader, text, performance.now()));
    });
  });
}

/** Records the complete marks in the text. Returns the end of the processed part. */
function hearAll(reader: Reader, text: string, at: number): number {
  let from = 0;
  for (;;) {
    const found = text.indexOf(MARK, from);
    // The text may end within a mark.
    if (found === -1) return Math.max(from, text.length - MARK.length);
    const begin = found + MARK.length;
    if (begin + ID_CHARS > text.length) return found;
    const orderId = text.slice(begin, begin + ID_CHARS);
    if (reader.heard.has(orderId)) reader.doubles += 1;
    reader.heard.set(orderId, at);
    from = begin + ID_CHARS;
  }
}

/** Resident memory of a process in bytes. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * BYTES_PER_KIB;
}

/** Processor time of a process in seconds, with the kernel's precision of 0.01 s. */
async function processorSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function place(send: Send): Promise<string> {
  const { status, body } = await send('POST', '/api/order', {
    ...event,
    seat_ids: [randomUUID(), randomUUID()],
  });
  if (status !== CREATED) throw new Error(`placing answered ${status}: ${JSON.stringify(body)}`);
  return (body as { order_id: string }).order_id;
}

async function complete(send: Send, orderId: string): Promise<void> {
  const { status, body } = await send('POST', `/api/order/${orderId}/checkout`);
  if (status !== OK) throw new Error(`checkout answered ${status}: ${JSON.stringify(body)}`);
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

async function openReaders(url: string, token: string): Promise<Reader[]> {
  const readers: Reader[] = [];
  while (readers.length < STREAMS) {
    const batch = Array.from({ length: 50 }, () => openReader(url, token));
    readers.push(...(await Promise.all(batch)));
  }
  return readers;
}

/** Completes orders at an even rate without waiting for answers. Returns the times of requests and answers. */
async function completeAtPace(send: Send, orderIds: readonly string[]) {
  const asked = new Map<string, number>();
  const answered = new Map<string, number>();
  const began = performance.now();
  await Promise.all(
    orderIds.map(async (orderId, at) => {
      await pause(Math.max(0, began + (at * 1_000) / ORDERS_A_SECOND - performance.now()));
      asked.set(orderId, performance.now());
      await complete(send, orderId);
      answered.set(orderId, performance.now());
    }),
  );
  return { asked, answered };
}

async function untilAllHeard(readers: readonly Reader[]): Promise<void> {
  const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
  while (readers.some(({ heard }) => heard.size < ORDERS) && performance.now() < deadline) await pause(50);
}

async function measureStreams(service: BenchService, send: Send, organiser: string): Promise<boolean> {
  const orderIds: string[] = [];
  for (let at = 0; at < ORDERS; at += 1) orderIds.push(await place(send));
  await pause(SETTLE_MS);
  const before = await residentBytes(service.pid);
  const readers = await openReaders(service.url, organiser);
  await pause(SETTLE_MS);
  const open = await residentBytes(service.pid);
  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  const worked = await processorSeconds(service.pid);
  const { asked, answered } = await completeAtPace(send, orderIds);
  await untilAllHeard(readers);
  const seconds = (await processorSeconds(service.pid)) - worked;
  const after = await residentBytes(service.pid);
  const since = (from: ReadonlyMap<string, number>) =>
    readers
      .flatMap(({ heard }) => [...heard].map(([orderId, at]) => at - (from.get(orderId) ?? Number.NaN)))
      .toSorted((a, b) => a - b);
  const delays = since(answered);
  const doubles = readers.reduce((sum, reader) => sum + reader.doubles, 0);
  for (const reader of readers) reader.socket.destroy();
  const median = quantile(delays, 0.5);
  const perStream = (bytes: number) => `${(bytes / STREAMS / BYTES_PER_KIB).toFixed(0)} KiB`;
  console.log(`\n${STREAMS} streams, ${ORDERS} orders completed at ${ORDERS_A_SECOND} a second`);
  console.log(`  events expected  ${STREAMS * ORDERS}, received ${delays.length}, duplicates ${doubles}`);
  console.log(
    `  delay            from the buyer’s answer: median ${median.toFixed(1)} ms, p99 ${quantile(delays, 0.99).toFixed(1)} ms, longest ${quantile(delays, 1).toFixed(1)} ms`,
  );
  const lateMs = (percentile: number) => (late.percentile(percentile) / 1e6 - 1).toFixed(1);
  const whole = since(asked);
  console.log(
    `  with completing  median ${quantile(whole, 0.5).toFixed(1)} ms, p99 ${quantile(whole, 0.99).toFixed(1)} ms: from the buyer’s request`,
  );
  console.log(
    `  of it here       median ${lateMs(50)} ms, p99 ${lateMs(99)} ms: how late this measuring process itself is`,
  );
  console.log(`  processor time   ${((seconds / delays.length) * 1e6).toFixed(0)} µs a delivery, completing included`);
  console.log(
    `  memory a stream  ${perStream(open - before)} when open, ${perStream(after - before)} after the sale (resident)`,
  );
  return delays.length === STREAMS * ORDERS && doubles === 0 && median < MAX_MEDIAN_MS;
}

/** Completes orders with a few clients and returns the rate per second. */
async function completeAll(send: Send): Promise<number> {
  const orderIds = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const placed: string[] = [];
      while (placed.length < ORDERS_A_TURN / CLIENTS) placed.push(await place(send));
      return placed;
    }),
  );
  const began = performance.now();
  await Promise.all(
    orderIds.map(async (own) => {
      for (const orderId of own) await complete(send, orderId);
    }),
  );
  return ORDERS_A_TURN / ((performance.now() - began) / 1_000);
}

/** A rule that turns the feed's insert into nothing: the statement still runs, but nothing is written or numbered. */
const SWALLOW = 'CREATE RULE swallow AS ON INSERT TO sale_changes DO INSTEAD NOTHING';

async function measureCost({ sql }: BenchService, send: Send): Promise<void> {
  const rates = { with: [] as number[], without: [] as number[] };
  await completeAll(send);
  for (let turn = 0; turn < TURNS; turn += 1) {
    rates.with.push(await completeAll(send));
    await sql.query(SWALLOW);
    rates.without.push(await completeAll(send));
    await sql.query('DROP RULE swallow ON sale_changes');
  }
  const middle = (all: readonly number[]) =>
    quantile(
      all.toSorted((a, b) => a - b),
      0.5,
    );
  const [on, off] = [middle(rates.with), middle(rates.without)];
  console.log(`\nOrders completed a second by ${CLIENTS} clients, median of ${TURNS} turns each`);
  console.log(`  with the feed     ${on.toFixed(0)}`);
  console.log(`  without its rows  ${off.toFixed(0)}`);
  console.log(`  with / without    ${(on / off).toFixed(3)}`);
}

const seating = await startSeating({ price: 0 });
const service = await startService(seating.url, {
  SEAT_LOCK_TTL_MINUTES: '60',
  MAX_STREAMS_PER_USER: String(STREAMS),
});
const client = openClient(service.url, await service.signIn('buyer'), CLIENTS);
try {
  const isGood = await measureStreams(service, client.send, await service.signIn('organiser'));
  if (!process.argv.includes(STREAMS_ONLY)) await measureCost(service, client.send);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await client.close();
  await service.close();
  seating.close();
}
