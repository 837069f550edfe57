import { setTimeout as pause } from 'node:timers/promises';
import { CREATED, OK } from '../../src/kernel/http-status.ts';
import { type Figure, median, rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { addHistory, checkIns } from '../stage/history.ts';
import { applyLoad, type Plan } from '../stage/load.ts';
import { missingServer } from '../stage/missing.ts';
import { startRealServers } from '../stage/real-servers.ts';
import { dropDatabase, type Stage } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { costs, orderPlan, window } from './orders.ts';

const TICKETS = [10_000, 100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = 2;
const TICKETS_AN_ORDER = 2;
const CLIENTS = 32;
/** Windows end after a number of requests, so that each size grows by the same amount. Of 10,000 tickets 7,000 admit. */
const WINDOWS = 3;
const ORDERS = 4_000;
const CHECK_INS = 1_100;
const ENDS = 3_000;
const WARM_UP_ORDERS = 2_000;
const WARM_UP_CHECK_INS = 150;
const MOST_GROWTH = 1.2;
/** Delay between setting the end of holds and that end, so that the update is not measured. */
const ENDS_IN_MS = 1_500;
const LOOK_EVERY_MS = 50;
const END_TIMEOUT_MS = 120_000;
/** More often than by default, so that a window contains little but the ends of holds. */
const SWEEP = { SWEEP_INTERVAL_SECONDS: '0.2' };

type Workers = 'one worker' | 'two workers';

interface Costs {
  readonly tickets: number;
  readonly workers: Workers;
  /** Actual number of tickets at the first and the last measurement. */
  readonly really: readonly [number, number];
  readonly ordersPerSecond: number;
  /** Processor time of service and PostgreSQL in microseconds, by operation. */
  readonly each: Readonly<Record<What, number>>;
  readonly errors: number;
}

const WHAT = ['an order', 'a check-in', 'an end'] as const;
type What = (typeof WHAT)[number];

/** Part 5: the cost of an order, of its end and of a check-in as the database grows. */
export async function growth(bench: Bench): Promise<Section> {
  const { stage, isQuick, say } = bench;
  const { services, stop, absent } = await servicesFor(say);
  const dsn = await stage.freshDatabase();
  const found: Costs[] = [];
  let orders = 0;
  for (const tickets of isQuick ? TICKETS.slice(0, QUICK_SIZES) : TICKETS) {
    say(`until there are ${tickets.toLocaleString('en')} tickets`);
    const to = tickets / TICKETS_AN_ORDER;
    await addHistory(dsn, { from: orders, to, say });
    orders = to;
    for (const [workers, env] of services) {
      // Each starts its own service: two services on one database would do each other's background work.
      const service = await stage.serve(dsn, env);
      const costs = { tickets, workers, ...(await measure(stage, service)) };
      await service.close();
      found.push(costs);
      say(`${workers}, µs: ${WHAT.map((what) => `${what} ${rounded(costs.each[what])}`).join(', ')}`);
    }
  }
  await dropDatabase(dsn);
  await stop();
  return sectionOf(found, absent);
}

async function servicesFor(say: Bench['say']) {
  try {
    const { env, stop } = await startRealServers();
    const real = { ...env, ...SWEEP };
    const services: [Workers, Record<string, string>][] = [
      ['one worker', real],
      ['two workers', { ...real, WEB_CONCURRENCY: '2' }],
    ];
    return { services, stop, absent: undefined };
  } catch (error) {
    const absent = missingServer(error);
    if (absent === undefined) throw error;
    say(`${absent} is not installed, so only one worker is measured`);
    const services: [Workers, Record<string, string>][] = [['one worker', SWEEP]];
    return { services, stop: async () => undefined, absent };
  }
}

async function measure(stage: Stage, service: BenchService): Promise<Omit<Costs, 'tickets' | 'workers'>> {
  const orderOf = (requests: number) => ({ ...orderPlan(service.url, CLIENTS, 0), requests });
  const bodies = await checkIns(service.sql, WARM_UP_CHECK_INS + WINDOWS * CHECK_INS);
  const checkInOf = (requests: number) => ({
    ...orderOf(requests),
    paths: ['/api/order/ticket/checkin'],
    bodies: bodies.splice(0, requests),
  });
  await applyLoad(orderOf(WARM_UP_ORDERS), stage.tokens);
  await applyLoad(checkInOf(WARM_UP_CHECK_INS), stage.tokens);
  const before = await ticketsIn(service);
  const placed = await windows(stage, service, () => orderOf(ORDERS), CREATED);
  const admitted = await windows(stage, service, () => checkInOf(CHECK_INS), OK);
  const ends: number[] = [];
  while (ends.length < WINDOWS) ends.push(await endSome(stage, service));
  return {
    really: [before, await ticketsIn(service)],
    ordersPerSecond: placed.perSecond,
    each: { 'an order': placed.cost, 'a check-in': admitted.cost, 'an end': median(ends) },
    errors: placed.errors + admitted.errors,
  };
}

async function ticketsIn({ sql }: BenchService): Promise<number> {
  const { rows } = await sql.query<{ n: string }>('SELECT count(*) AS n FROM tickets');
  return Number(rows[0]?.n);
}

/** The median of several windows of the same load. */
async function windows(stage: Stage, service: BenchService, plan: () => Plan, status: number) {
  const found: Awaited<ReturnType<typeof window>>[] = [];
  while (found.length < WINDOWS) found.push(await window(stage, service, plan(), status));
  return {
    cost: median(found.map(({ cpu }) => costOf(cpu))),
    perSecond: median(found.map(({ speed }) => speed.perSecond)),
    errors: found.reduce((sum, { errors }) => sum + errors, 0),
  };
}

const costOf = (cpu: Readonly<Record<string, number>> = {}) => (cpu.service ?? 0) + (cpu.PostgreSQL ?? 0);

/** Ends the holds of new orders and waits until that is published. Returns processor time per order in microseconds. */
async function endSome(stage: Stage, service: BenchService): Promise<number> {
  const { sql } = service;
  await untilNone(service, 'outbox WHERE published_at IS NULL ORDER BY id LIMIT 1');
  const dueMs = performance.now() + ENDS_IN_MS;
  const { rowCount } = await sql.query(
    `UPDATE orders SET expires_at = now() + interval '1 millisecond' * $2 WHERE order_id IN
       (SELECT order_id FROM orders WHERE status = 'pending' AND expires_at < now() + interval '2 hours' LIMIT $1)`,
    [ENDS, ENDS_IN_MS],
  );
  if (rowCount !== ENDS) throw new Error(`there are ${rowCount} holds to end, and not ${ENDS}`);
  await pause(Math.max(0, dueMs - performance.now()));
  const before = await stage.usage(service);
  // Sorted, because otherwise PostgreSQL may read the whole table for the first row, which would be measured.
  await untilNone(
    service,
    `orders WHERE status = 'pending' AND expires_at < now() + interval '1 minute' ORDER BY expires_at LIMIT 1`,
  );
  await untilNone(service, 'outbox WHERE published_at IS NULL ORDER BY id LIMIT 1');
  return costOf(costs(before, await stage.usage(service), ENDS));
}

async function untilNone({ sql }: BenchService, what: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS;
  for (;;) {
    const { rowCount } = await sql.query(`SELECT FROM ${what}`);
    if (rowCount === 0) return;
    if (performance.now() > deadline) throw new Error(`after ${END_TIMEOUT_MS} ms there are still ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

function sectionOf(found: readonly Costs[], absent: string | undefined): Section {
  const kinds = [...new Set(found.map(({ workers }) => workers))];
  const sizes = [...new Set(found.map(({ tickets }) => tickets))];
  const costsOf = (kind: Workers, what: What) =>
    found.filter(({ workers }) => workers === kind).map(({ each }) => each[what]);
  const figures: Figure[] = kinds.flatMap((kind) =>
    WHAT.map((what) => {
      const all = costsOf(kind, what);
      const value = Math.max(...all) / (all[0] ?? Number.NaN);
      return { what: `${what}, ${kind}, dearest by the first`, value, goal: MOST_GROWTH, better: 'less' };
    }),
  );
  const errors = found.reduce((sum, each) => sum + each.errors, 0);
  const servers = absent === undefined ? 'With real Redis and Kafka.' : `${absent} is not installed: one worker alone.`;
  return {
    title: 'Growth',
    how: `${CLIENTS} clients in a closed loop on made-up sales of so many tickets; what is measured adds to them, as said. Each cost is the middle of ${WINDOWS} windows of ${ORDERS} orders, ${CHECK_INS} check-ins or ${ENDS} ends of holds (looked for every ${SWEEP.SWEEP_INTERVAL_SECONDS} s, until they are published), in processor time of service and PostgreSQL. ${servers}`,
    columns: ['Tickets', 'Really', 'Who', 'Orders/s', ...WHAT.map((what) => `${what}, µs`), 'Errors'],
    rows: found.map(({ tickets, really, workers, ordersPerSecond, each, errors: own }) => [
      tickets.toLocaleString('en'),
      really.map((count) => count.toLocaleString('en')).join(' to '),
      workers,
      rounded(ordersPerSecond),
      ...WHAT.map((what) => rounded(each[what])),
      own,
    ]),
    figures: [...figures, { what: 'errors', value: errors, goal: 0, better: 'less' }],
    picture: {
      unit: 'µs',
      labels: sizes.map((tickets) => `${tickets.toLocaleString('en')} tickets`),
      series: kinds.flatMap((kind) => WHAT.map((what) => ({ name: `${what}, ${kind}`, values: costsOf(kind, what) }))),
    },
  };
}
