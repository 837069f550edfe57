/**
 * The cost of analytics with one million generated tickets of 200 events of one organisation:
 *
 * 1. the median time of each answer over HTTP, and of one event's answers before the other events existed;
 * 2. the cost of placing, and of placing and completing, an order beside another checkout (`--against DIR`), in alternating
 *    windows of some seconds;
 * 3. rows per second and peak memory of the service during the export of an event with a million tickets.
 *
 * The exit code is 1 if an answer takes 50 ms or placing is more than 5 % slower.
 */

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { CREATED, OK } from '../src/kernel/http-status.ts';
import { countAnew, idsOf, insertSales, type MadeUpSales } from './analytics-data.ts';
import { type BenchService, openClient, type Send, startSeating, startService } from './service.ts';

const SEED = 7;
const CALLS = 41;
const MAX_MEDIAN_MS = 50;
const CLIENTS = 16;
const WINDOW_MS = 6_000;
const ROUNDS = 5;
const MOST_SLOWDOWN = 1.05;
const LOOK_EVERY_MS = 100;
const BYTES_PER_MB = 1e6;
/** The embedded Stripe does not know the generated payments, so they must not be compared with it. */
const ENV = { RECONCILE_DAYS: '0' };

const { values: options } = parseArgs({
  options: { against: { type: 'string' }, tickets: { type: 'string', default: '1000000' } },
});
const TICKETS = Number(options.tickets);
const SALES: MadeUpSales = {
  seed: SEED,
  name: 'season',
  events: 200,
  sessionsPerEvent: 3,
  tickets: TICKETS,
  firstDay: '2026-01-01',
  daysOnSale: 90,
};
const ARENA: MadeUpSales = { ...SALES, name: 'arena', events: 1, sessionsPerEvent: 1 };

interface Ids {
  readonly organization: string;
  readonly event: string;
  readonly session: string;
}

async function readIds({ sql }: BenchService, name: string, event = 0): Promise<Ids> {
  const { organization, event: eventId, session } = idsOf(name, event);
  const text = `SELECT ${organization} AS organization, ${eventId} AS event, ${session} AS session`;
  return (await sql.query<Ids>(text)).rows[0] ?? { organization: '', event: '', session: '' };
}

async function answers(service: BenchService): Promise<[name: string, path: string, body?: unknown][]> {
  const { organization, event, session } = await readIds(service, SALES.name);
  const base = '/api/order/analytics';
  const colombo = 'tz=Asia/Colombo';
  const batch = async (count: number) => ({
    eventIds: (await Promise.all(Array.from({ length: count }, (_, at) => readIds(service, SALES.name, at)))).map(
      (ids) => ids.event,
    ),
  });
  return [
    ['event', `${base}/events/${event}`],
    ['event, Asia/Colombo', `${base}/events/${event}?${colombo}`],
    ['discounts', `${base}/events/${event}/discounts?${colombo}`],
    ['sessions', `${base}/events/${event}/sessions`],
    ['session', `${base}/events/${event}/sessions/${session}?${colombo}`],
    ['orders, newest 50', `${base}/events/${event}/orders`],
    ['orders, 500 by price', `${base}/events/${event}/orders?limit=500&sort=price&status=completed`],
    ['orders, from the 1500th', `${base}/events/${event}/orders?limit=50&offset=1500`],
    ['tickets of a session', `${base}/sessions/${session}/tickets`],
    ['10 events together', `${base}/events/batch?${colombo}`, await batch(10)],
    ['10 events, each', `${base}/events/batch/individual?${colombo}`, await batch(10)],
    ['50 events together', `${base}/events/batch?${colombo}`, await batch(50)],
    ['25 events, each', `${base}/events/batch/individual?${colombo}`, await batch(25)],
    ['organisation', `${base}/organizations/${organization}`],
    ['organisation, Asia/Colombo', `${base}/organizations/${organization}?${colombo}`],
  ];
}

interface Timed {
  readonly median: number;
  /** The fastest answer, which is close to the time on an idle machine. */
  readonly quickest: number;
}

/** Times of each answer in ms. */
async function timeAnswers(service: BenchService, send: Send): Promise<Map<string, Timed>> {
  await service.sql.query('CHECKPOINT');
  const timed = new Map<string, Timed>();
  for (const [name, path, body] of await answers(service)) {
    const times: number[] = [];
    for (let call = 0; call < CALLS; call += 1) {
      const began = performance.now();
      const { status, body: answer } = await send(body === undefined ? 'GET' : 'POST', path, body);
      times.push(performance.now() - began);
      if (status !== OK) throw new Error(`${name} answered ${status}: ${JSON.stringify(answer)}`);
    }
    timed.set(name, { median: middle(times), quickest: Math.min(...times) });
  }
  return timed;
}

async function measureAnswers(service: BenchService, send: Send): Promise<boolean> {
  const few = 5;
  const share = { ...SALES, events: few, tickets: (TICKETS * few) / SALES.events };
  await insertSales(service.sql, share);
  await countAnew(service.sql);
  const before = await timeAnswers(service, send);
  await service.sql.query('TRUNCATE orders, tickets, earlier_codes, payments, refunds');
  await insertSales(service.sql, SALES);
  const seconds = await countAnew(service.sql);
  console.log(`\n${TICKETS} tickets of ${SALES.events} events; counted again in ${seconds.toFixed(1)} s`);
  const after = await timeAnswers(service, send);
  const cell = (ms: number | undefined) => (ms ?? Number.NaN).toFixed(1).padStart(10);
  console.log('each answer, ms                   median   quickest   with 5 events');
  for (const [name, { median, quickest }] of after) {
    console.log(`  ${name.padEnd(28)} ${cell(median)} ${cell(quickest)} ${cell(before.get(name)?.median)}`);
  }
  return Math.max(...[...after.values()].map(({ median }) => median)) < MAX_MEDIAN_MS;
}

interface Pace {
  readonly rate: number;
  /** Processor time of the service and its database for one order, which other load on the machine hardly affects. */
  readonly cpuMs: number;
}

/** Ways to place orders, with or without completing them. They cost nothing, so no payment is measured. */
async function paceOf({ service, send }: Side, isCompleted: boolean): Promise<Pace> {
  const place = { session_id: randomUUID(), event_id: randomUUID(), organization_id: randomUUID() };
  const cpuBefore = await cpuMsOf(service);
  const began = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() < began + WINDOW_MS) {
        const order = { ...place, seat_ids: [randomUUID(), randomUUID()] };
        const { status, body } = await send('POST', '/api/order', order);
        if (status !== CREATED) throw new Error(`placing answered ${status}: ${JSON.stringify(body)}`);
        if (isCompleted) {
          const { order_id } = body as { order_id: string };
          const checkedOut = await send('POST', `/api/order/${order_id}/checkout`);
          if (checkedOut.status !== OK) throw new Error(`checkout answered ${checkedOut.status}`);
        }
        done += 1;
      }
    }),
  );
  const rate = (done * 1_000) / (performance.now() - began);
  return { rate, cpuMs: ((await cpuMsOf(service)) - cpuBefore) / done };
}

interface Side {
  readonly service: BenchService;
  readonly send: Send;
}

const MS_PER_TICK = 10;
const USER_TICKS = 11;

/** Processor time used by the service and its database processes. */
async function cpuMsOf({ pid, sql }: BenchService): Promise<number> {
  const backends = await sql.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
  const times = await Promise.all(
    [pid, ...backends.rows.map((row) => row.pid)].map(async (each) => {
      const stat = await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '');
      const [user = '0', system = '0'] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(USER_TICKS);
      return (Number(user) + Number(system)) * MS_PER_TICK;
    }),
  );
  return times.reduce((total, ms) => total + ms, 0);
}

const middle = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Measures both in alternating windows, so that other load affects both. Returns the ratio of processor times. */
async function compare(mine: Side, there: Side, isCompleted: boolean): Promise<number> {
  const paces: { mine: Pace; there: Pace }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const isMineFirst = round % 2 === 0;
    const first = await paceOf(isMineFirst ? mine : there, isCompleted);
    const second = await paceOf(isMineFirst ? there : mine, isCompleted);
    paces.push(isMineFirst ? { mine: first, there: second } : { mine: second, there: first });
  }
  const ratio = middle(paces.map((pace) => pace.mine.cpuMs / pace.there.cpuMs));
  const show = (of: (pace: (typeof paces)[number]) => number, digits: number) => middle(paces.map(of)).toFixed(digits);
  console.log(
    `  ${(isCompleted ? 'placed and completed' : 'placed').padEnd(21)} here ${show((pace) => pace.mine.cpuMs, 3)} ms of processor an order, ` +
      `there ${show((pace) => pace.there.cpuMs, 3)}: ${ratio.toFixed(3)} times; ` +
      `${show((pace) => pace.mine.rate, 0)} a second, there ${show((pace) => pace.there.rate, 0)}`,
  );
  return ratio;
}

/** Starts a service on newly generated sales, so that both sides start from the same data. */
async function startSide(seatingUrl: string, checkout: string): Promise<Side & { close(): Promise<void> }> {
  const service = await startService(seatingUrl, ENV, checkout);
  const client = openClient(service.url, await service.signIn('buyer'), CLIENTS);
  await insertSales(service.sql, SALES);
  // Vacuums now, so that this does not run during the measurement.
  await service.sql.query('ALTER SYSTEM SET autovacuum = off');
  await service.sql.query('SELECT pg_reload_conf()');
  await service.sql.query('CHECKPOINT');
  return {
    service,
    send: client.send,
    async close() {
      await client.close();
      await service.close();
    },
  };
}

async function measurePlacing(seatingUrl: string, checkout: string): Promise<boolean> {
  const here = await startSide(seatingUrl, '.');
  const there = await startSide(seatingUrl, checkout);
  try {
    console.log(`\nagainst ${checkout}, with the same sales in both`);
    const isGood = (await compare(here, there, false)) <= MOST_SLOWDOWN;
    await compare(here, there, true);
    return isGood;
  } finally {
    await here.close();
    await there.close();
  }
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / BYTES_PER_MB;
}

async function measureExports(service: BenchService, token: string): Promise<void> {
  await insertSales(service.sql, ARENA);
  await countAnew(service.sql);
  const { event, session } = await readIds(service, ARENA.name);
  const paths = ['orders', 'tickets'].flatMap((what) =>
    ['csv', 'xlsx'].map((format) => `events/${event}/export?format=${format}&what=${what}`),
  );
  console.log(`\nan event of ${TICKETS} tickets; the service has ${(await residentMb(service.pid)).toFixed(0)} MB`);
  for (const path of [...paths, `sessions/${session}/tickets`]) await measureExport(service, token, path);
}

async function measureExport(service: BenchService, token: string, path: string): Promise<void> {
  let most = 0;
  const watch = setInterval(async () => {
    most = Math.max(most, await residentMb(service.pid));
  }, LOOK_EVERY_MS);
  const began = performance.now();
  const { body, statusCode } = await request(`${service.url}/api/order/analytics/${path}`, {
    headers: { authorization: `Bearer ${token}` },
    bodyTimeout: 0,
  });
  if (statusCode !== OK) throw new Error(`${path} answered ${statusCode}: ${await body.text()}`);
  let bytes = 0;
  for await (const chunk of body) bytes += (chunk as Buffer).length;
  const seconds = (performance.now() - began) / 1_000;
  clearInterval(watch);
  const what = path.includes('what=orders') ? 'orders' : 'tickets';
  const rows = what === 'orders' ? TICKETS / 2.5 : TICKETS;
  const name = path.replace(/^(events|sessions)\/[^/]+\//, '');
  console.log(
    `  ${name.padEnd(34)} ${(rows / seconds).toFixed(0)} rows a second of about ${rows}, ${(bytes / BYTES_PER_MB).toFixed(0)} MB, at most ${most.toFixed(0)} MB resident`,
  );
}

const seating = await startSeating({ price: 0 });
const service = await startService(seating.url, ENV);
const token = await service.signIn('buyer');
const client = openClient(service.url, token, CLIENTS);
try {
  const areQuick = await measureAnswers(service, client.send);
  const isPlacingGood = options.against === undefined || (await measurePlacing(seating.url, options.against));
  await measureExports(service, await service.signIn('buyer'));
  process.exitCode = areQuick && isPlacingGood ? 0 : 1;
} finally {
  await client.close();
  await service.close();
  seating.close();
}
