import { CREATED } from '../../src/kernel/http-status.ts';
import { runOn } from '../../test/support/databases.ts';
import { type Figure, median, rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { EVENT } from '../stage/event.ts';
import { applyLoad, type Counted, errorsBeside, FRESH_SEAT, type Plan, type Speed, speedOf } from '../stage/load.ts';
import { LIMITS, type LimitName, runPgbench } from '../stage/pgbench.ts';
import { dropDatabase, type Stage, type Usage } from '../stage/stage.ts';
import type { Bench } from './bench.ts';

const US_PER_S = 1_000_000;
const WARM_UP_MS = 1_000;
const FIRST_WARM_UP = { clients: 32, durationMs: 2_000 };

/** One window of load: the speed and the cost of answers. */
export interface Window {
  readonly clients: number;
  readonly who: string;
  readonly speed: Speed;
  readonly errors: number;
  /** Processor time per answer in microseconds, by process. */
  readonly cpu?: Readonly<Record<string, number>>;
}

export function orderPlan(url: string, connections: number, durationMs: number): Plan {
  return {
    url,
    method: 'POST',
    paths: ['/api/order'],
    bodies: [JSON.stringify({ ...EVENT, seat_ids: [FRESH_SEAT, FRESH_SEAT] })],
    loop: 'closed',
    connections,
    warmUpMs: WARM_UP_MS,
    durationMs,
  };
}

/** Applies load and returns the speed and the cost of answers with this status. */
export async function window(
  stage: Stage,
  service: BenchService,
  plan: Plan,
  status: number,
): Promise<Omit<Window, 'who'> & { readonly counted: Counted }> {
  const before = await stage.usage(service);
  const counted = await applyLoad(plan, stage.tokens);
  const after = await stage.usage(service);
  const answers = counted.answers[status] ?? 0;
  return {
    clients: plan.connections,
    speed: speedOf(counted, status),
    errors: errorsBeside(counted, status),
    cpu: { ...costs(before, after, answers), load: (counted.loadSeconds * US_PER_S) / answers },
    counted,
  };
}

/** Processor time per item in microseconds, by process. */
export function costs(before: Usage, after: Usage, count: number): Record<string, number> {
  const parts = Object.keys(after) as (keyof Usage)[];
  return Object.fromEntries(
    parts.map((part) => [part, (((after[part] ?? 0) - (before[part] ?? 0)) * US_PER_S) / count]),
  );
}

export interface OrderRuns {
  readonly clients: readonly number[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly limits: readonly LimitName[];
  /** Client counts at which the limits are measured. */
  readonly limitClients: readonly number[];
  /** Services to measure in turn, by name, each with its variables and checkout. */
  readonly services: Readonly<Record<string, { readonly env?: Record<string, string>; readonly checkout?: string }>>;
}

/** Measures orders of two fresh seats. Services and limits alternate, so that other load on the machine affects all of them. */
export async function measureOrders({ stage, pgbench, say }: Bench, runs: OrderRuns): Promise<Window[]> {
  const limitDsn = await stage.freshDatabase();
  const services: { name: string; dsn: string; service: BenchService }[] = [];
  for (const [name, { env = {}, ...options }] of Object.entries(runs.services)) {
    const dsn = await stage.freshDatabase();
    services.push({ name, dsn, service: await stage.serve(dsn, env, options) });
  }
  const all: Window[] = [];
  const add = (found: Window) => {
    all.push(found);
    say(`${found.clients} clients, ${found.who}: ${inShort(found)}`);
  };
  for (const { service } of services) await warmUp(stage, service);
  for (let round = 0; round < runs.rounds; round += 1) {
    for (const clients of runs.clients) {
      for (const { name, service } of services) {
        const plan = orderPlan(service.url, clients, runs.durationMs);
        add({ ...(await window(stage, service, plan, CREATED)), who: name });
      }
    }
    // Limits come after the services: vacuuming their many orders would be counted as a cost of the service.
    if (pgbench === undefined) continue;
    for (const clients of runs.limitClients) {
      for (const limit of runs.limits) {
        const asked = { clients, durationMs: runs.durationMs };
        const before = await stage.usage();
        const { speed, orders } = await runPgbench(pgbench.program, limitDsn, limit, asked);
        const { PostgreSQL = Number.NaN } = costs(before, await stage.usage(), orders);
        add({ clients, who: limit, errors: 0, speed, cpu: { PostgreSQL } });
      }
    }
    await runOn(limitDsn, 'CHECKPOINT');
  }
  for (const { service, dsn } of services) {
    await service.close();
    await dropDatabase(dsn);
  }
  await dropDatabase(limitDsn);
  return all;
}

/** Runs load until hot functions are compiled and connections are open. */
export async function warmUp(stage: Stage, { url }: BenchService): Promise<void> {
  await applyLoad(orderPlan(url, FIRST_WARM_UP.clients, FIRST_WARM_UP.durationMs), stage.tokens);
}

function inShort({ speed, cpu }: Window): string {
  const cost = cpu
    ? `; µs each: ${Object.entries(cpu)
        .map(([part, us]) => `${part} ${rounded(us)}`)
        .join(', ')}`
    : '';
  return `${rounded(speed.perSecond)}/s, p50 ${rounded(speed.p50, 1)} ms, p99 ${rounded(speed.p99, 1)} ms${cost}`;
}

/** The round with the median rate for one client count. */
export function middle(all: readonly Window[], who: string, clients: number): Window | undefined {
  const own = all.filter((each) => each.who === who && each.clients === clients);
  const perSecond = median(own.map(({ speed }) => speed.perSecond));
  return own.find(({ speed }) => speed.perSecond === perSecond);
}

type Who = readonly [who: string, clients: number];

/** The median of the ratios of two rates, taken round by round so that both ran under the same conditions. */
export function share(all: readonly Window[], one: Who, other: Who): number {
  const ratesOf = ([who, clients]: Who) =>
    all.filter((each) => each.who === who && each.clients === clients).map(({ speed }) => speed.perSecond);
  const others = ratesOf(other);
  return median(ratesOf(one).map((rate, round) => rate / (others[round] ?? Number.NaN)));
}

export const ORDER_COLUMNS = ['Clients', 'Who', 'Orders/s', 'p50 ms', 'p99 ms', 'Errors', 'µs of processor an order'];

export function orderRows(all: readonly Window[]): string[][] {
  const keys = [...new Set(all.map(({ clients, who }) => JSON.stringify([clients, who])))];
  return keys.flatMap((key) => {
    const [clients, who] = JSON.parse(key) as [number, string];
    const found = middle(all, who, clients);
    if (!found) return [];
    const { speed, errors, cpu = {} } = found;
    const cost = Object.entries(cpu).map(([part, us]) => `${part} ${rounded(us)}`);
    return [
      [
        String(clients),
        who,
        rounded(speed.perSecond),
        rounded(speed.p50, 1),
        rounded(speed.p99, 1),
        String(errors),
        cost.join(', '),
      ],
    ];
  });
}

const SERVICE = 'the service';
const [ONE, SIXTEEN] = Object.keys(LIMITS) as [LimitName, LimitName];
const LEAST_SHARE = 0.35;
const MOST_P99_MS = 60;
/** Client counts for which goals are set. */
const FEW = 32;
const MANY = 300;
export const CLIENTS = [1, 8, FEW, 100, MANY];
export const BOTH_LIMITS = [ONE, SIXTEEN];
const QUICK_RUN = {
  clients: [FEW, MANY],
  rounds: 3,
  durationMs: 3_000,
  limits: [ONE],
  limitClients: [FEW],
};
const WHOLE_RUN = {
  clients: CLIENTS,
  rounds: 3,
  durationMs: 8_000,
  limits: BOTH_LIMITS,
  limitClients: CLIENTS,
};

/** Describes the limits beside the service. */
export const besidePgbench = ({ pgbench }: Bench): string =>
  pgbench === undefined
    ? 'pgbench is not installed (Debian: apt-get install postgresql), so the ratio to it is missing'
    : 'beside pgbench with the same rows, of as many connections, each waiting for its statement';

export const MIDDLE_OF_ROUNDS = 'Of the rounds each row is the one with the middle throughput, and has its p50 and p99';

/** Part 1. The quick run measures only what the figures need. */
export async function orders(bench: Bench): Promise<Section> {
  const runs = { ...(bench.isQuick ? QUICK_RUN : WHOLE_RUN), services: { [SERVICE]: {} } };
  const all = await measureOrders(bench, runs);
  const rate = (who: string, clients: number) => middle(all, who, clients)?.speed.perSecond ?? Number.NaN;
  const who = [SERVICE, ...(bench.pgbench === undefined ? [] : runs.limits)];
  const ratio: Figure = {
    what: `orders a second at ${FEW} clients, as a share of pgbench’s at ${FEW}`,
    value: share(all, [SERVICE, FEW], [ONE, FEW]),
    goal: LEAST_SHARE,
    better: 'more',
    isRatio: true,
  };
  return {
    title: 'Orders',
    how: `Orders for two fresh seats each over HTTP; ${besidePgbench(bench)}; in alternating order, ${runs.rounds} rounds of ${runs.durationMs / 1_000} s. ${MIDDLE_OF_ROUNDS}. A closed loop: each client waits for its answer.`,
    columns: ORDER_COLUMNS,
    rows: orderRows(all),
    figures: [
      ...(bench.pgbench === undefined ? [] : [ratio]),
      {
        what: `at ${MANY} clients, as a share of ${FEW}`,
        value: share(all, [SERVICE, MANY], [SERVICE, FEW]),
        goal: 1,
        better: 'more',
        isRatio: true,
      },
      {
        what: `p99 at ${FEW} clients, ms`,
        value: middle(all, SERVICE, FEW)?.speed.p99 ?? Number.NaN,
        goal: MOST_P99_MS,
        better: 'less',
      },
      errorsOf(all),
    ],
    picture: {
      unit: 'orders a second',
      labels: runs.clients.map((clients) => `${clients} clients`),
      series: who.map((name) => ({ name, values: runs.clients.map((clients) => rate(name, clients)) })),
    },
  };
}

/** Covers all rounds, including those that are not shown. */
export function errorsOf(windows: readonly Pick<Window, 'errors'>[], what = 'errors'): Figure {
  const value = windows.reduce((sum, { errors }) => sum + errors, 0);
  return { what, value, goal: 0, better: 'less' };
}
