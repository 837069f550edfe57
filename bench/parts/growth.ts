import { rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { addHistory, checkIns } from '../stage/history.ts';
import { dropDatabase, type Stage } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { CREATED, orderPlan, window } from './orders.ts';

const TICKETS = [10_000, 100_000, 1_000_000, 10_000_000];
const OK = 200;
const CLIENTS = 32;
const DURATION_MS = 5_000;
const CHECK_INS = 20_000;
const ENDED = 4_000;
const MOST_GROWTH = 1.2;
const LOOK_EVERY_MS = 20;
const US_PER_MS = 1_000;

interface Costs {
  readonly tickets: number;
  /** Microseconds of processor in service and PostgreSQL for an order and a check-in, and of time for an order's end. */
  readonly order: number;
  readonly checkIn: number;
  readonly end: number;
  readonly ordersPerSecond: number;
}

/** Part 5: what an order, its end and a check-in cost as the database grows. */
export async function growth({ stage, isQuick, say }: Bench): Promise<Section> {
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn);
  const found: Costs[] = [];
  let orders = 0;
  for (const tickets of isQuick ? TICKETS.slice(0, 2) : TICKETS) {
    say(`until there are ${tickets} tickets`);
    await addHistory(service.sql, orders, tickets / 2);
    orders = tickets / 2;
    found.push({ tickets, ...(await measure(stage, service)) });
    const { order, checkIn, end } = found.at(-1) as Costs;
    say(`µs: an order ${rounded(order)}, a check-in ${rounded(checkIn)}, an end ${rounded(end)}`);
  }
  await service.close();
  await dropDatabase(dsn);
  const grown = (cost: (costs: Costs) => number) => {
    const [first] = found;
    return first ? Math.max(...found.map(cost)) / cost(first) : Number.NaN;
  };
  const figure = (what: string, cost: (costs: Costs) => number) => ({
    what: `${what}, dearest by the first`,
    value: grown(cost),
    goal: MOST_GROWTH,
    better: 'less' as const,
  });
  return {
    title: 'Growth',
    how: `${CLIENTS} clients in a closed loop, on made-up sales of so many tickets; ${ENDED} holds ended at once.`,
    columns: [
      'Tickets',
      'Orders/s',
      'An order, µs of processor',
      'A check-in, µs of processor',
      'An end, µs',
    ],
    rows: found.map(({ tickets, ordersPerSecond, order, checkIn, end }) => [
      tickets.toLocaleString('en'),
      rounded(ordersPerSecond),
      rounded(order),
      rounded(checkIn),
      rounded(end),
    ]),
    figures: [
      figure('an order', ({ order }) => order),
      figure('a check-in', ({ checkIn }) => checkIn),
      figure('an end', ({ end }) => end),
    ],
    picture: {
      unit: 'µs',
      labels: found.map(({ tickets }) => `${tickets.toLocaleString('en')} tickets`),
      series: [
        { name: 'an order', values: found.map(({ order }) => order) },
        { name: 'a check-in', values: found.map(({ checkIn }) => checkIn) },
        { name: 'an end', values: found.map(({ end }) => end) },
      ],
    },
  };
}

async function measure(stage: Stage, service: BenchService): Promise<Omit<Costs, 'tickets'>> {
  const cost = (cpu: Readonly<Record<string, number>> = {}) => (cpu.service ?? 0) + (cpu.PostgreSQL ?? 0);
  const plan = orderPlan(service.url, CLIENTS, DURATION_MS);
  const placed = await window(stage, service, plan, CREATED);
  const bodies = await checkIns(service.sql, CHECK_INS);
  const admitted = await window(
    stage,
    service,
    { ...plan, paths: ['/api/order/ticket/checkin'], bodies, durationMs: DURATION_MS / 2 },
    OK,
  );
  return {
    order: cost(placed.cpu),
    ordersPerSecond: placed.speed.perSecond,
    checkIn: cost(admitted.cpu),
    end: await endSome(service),
  };
}

/** Ends holds of orders just placed; microseconds for each. */
async function endSome({ sql }: BenchService): Promise<number> {
  const { rowCount } = await sql.query(
    `UPDATE orders SET expires_at = now() WHERE order_id IN
       (SELECT order_id FROM orders WHERE status = 'pending' AND expires_at < now() + interval '2 hours' LIMIT $1)`,
    [ENDED],
  );
  const began = performance.now();
  for (;;) {
    const { rows } = await sql.query(
      `SELECT EXISTS (SELECT FROM orders WHERE status = 'pending' AND expires_at <= now()) AS any`,
    );
    if (!rows[0]?.any) break;
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  return ((performance.now() - began) * US_PER_MS) / (rowCount ?? 1);
}
