import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { CREATED } from '../../src/kernel/http-status.ts';
import { type Figure, rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { applyLoad, errorsBeside, type Plan, type Speed, speedOf } from '../stage/load.ts';
import { type Probed, startProbe } from '../stage/probe.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import { deliverWebhook, UNREACHABLE_STRIPE } from '../stage/unreachable-stripe.ts';
import type { Bench } from './bench.ts';
import { orderPlan, warmUp } from './orders.ts';

const SHED = 503;
const BUYERS = 200;
/** Delay as over a network. It makes the queue the limit and leaves processor time to the load generator. */
const SEATING_MS = 40;
const AT_ONCE_MS = 0;
const BEST_AT = [64, 128];
const TIMES = 3;
/** The measurement is valid only if the generator sends at least this share of its load. */
const LEAST_TIMES = 2.9;
const LEAST_SHARE = 0.9;
const MAX_QUEUE_MS = 500;
const DEFAULT_MAX_QUEUE_MS = 2_000;
const WHOLE_MS = 15_000;
const SHORT_MS = 5_000;
/** Time until the queue has reached its steady length. */
const FILLING_MS = 3_000;
/** Limited by the 20,000 open files that service and load generator may each have. */
const MOST_CONNECTIONS = 15_000;
const MOST_MIB = 512;
const LOOK_EVERY_MS = 100;
const KIB_PER_MIB = 1_024;

interface Found {
  readonly who: string;
  /** Requests sent per second. */
  readonly offered: number;
  readonly placed: Speed;
  readonly shed: Speed;
  readonly errors: number;
  readonly health: Probed;
  readonly webhooks: Probed;
  readonly mostMib: number;
}

/** Part 7: three times as many orders as the service can place, in an open loop. */
export async function overload({ isQuick, say }: Bench): Promise<Section> {
  const stage = await openStage({ buyers: BUYERS, delayMs: SEATING_MS });
  const queue = { MAX_QUEUE_MS: String(MAX_QUEUE_MS) };
  const durationMs = isQuick ? SHORT_MS : WHOLE_MS;
  const asked = await onService(stage, queue, async (service) => {
    const found: Found[] = [];
    for (const clients of BEST_AT) found.push(await closed(stage, service, clients, durationMs, say));
    const best = bestOf(found);
    return {
      best,
      found,
      over: await open(stage, service, { best, maxQueueMs: MAX_QUEUE_MS, durationMs }, say),
    };
  });
  const { best, found, over } = asked;
  const longQueue = await onService(stage, {}, (service) =>
    open(stage, service, { best, maxQueueMs: DEFAULT_MAX_QUEUE_MS, durationMs: SHORT_MS }, say),
  );
  await stage.close();
  return sectionOf(best, [...found, over], over, [longQueue, ...(await atOnce(say))]);
}

/** Default settings and seating services without delay: load generator and service then compete for the processor. */
async function atOnce(say: Bench['say']): Promise<Found[]> {
  const stage = await openStage({ buyers: BUYERS, delayMs: AT_ONCE_MS });
  const found = await onService(stage, {}, async (service) => {
    const best = await closed(stage, service, BEST_AT[0] ?? 0, SHORT_MS, say);
    const asked = { best: bestOf([best]), maxQueueMs: DEFAULT_MAX_QUEUE_MS, durationMs: SHORT_MS };
    return [best, await open(stage, service, asked, say)];
  });
  await stage.close();
  return found.map((each) => ({ ...each, who: `${each.who}, seating at once` }));
}

const bestOf = (found: readonly Found[]) => Math.max(...found.map(({ placed }) => placed.perSecond));

async function onService<Result>(
  stage: Stage,
  env: Record<string, string>,
  work: (service: BenchService) => Promise<Result>,
): Promise<Result> {
  const service = await stage.serve(await stage.freshDatabase(), { ...UNREACHABLE_STRIPE, ...env });
  await warmUp(stage, service);
  const result = await work(service);
  await service.close();
  return result;
}

async function closed(stage: Stage, service: BenchService, clients: number, durationMs: number, say: Bench['say']) {
  const found = await look(stage, service, orderPlan(service.url, clients, durationMs));
  return report(`${clients} clients`, found, say);
}

interface Over {
  readonly best: number;
  readonly maxQueueMs: number;
  readonly durationMs: number;
}

async function open(stage: Stage, service: BenchService, asked: Over, say: Bench['say']): Promise<Found> {
  const { best, maxQueueMs, durationMs } = asked;
  // Connections with a queued request do not send, so additional ones keep the rate.
  const needed = Math.round(best * TIMES + (best * maxQueueMs) / MS_PER_SECOND);
  const connections = Math.min(needed, MOST_CONNECTIONS);
  const plan = orderPlan(service.url, connections, durationMs);
  const found = await look(stage, service, { ...plan, loop: 'open', warmUpMs: FILLING_MS });
  // Lets orders drain that are still queued.
  await pause(maxQueueMs);
  return report(`${connections} connections, MAX_QUEUE_MS=${maxQueueMs}`, found, say);
}

function report(who: string, found: Omit<Found, 'who'>, say: Bench['say']): Found {
  say(`${who}: ${rounded(found.placed.perSecond)} orders/s of ${rounded(found.offered)} asked for`);
  return { who, ...found };
}

/** Applies load, and at the same time probes health, delivers webhooks and samples memory. */
async function look(stage: Stage, service: BenchService, plan: Plan): Promise<Omit<Found, 'who'>> {
  const { url, pid } = service;
  const problemsBefore = await otherProblems(url);
  const health = startProbe(async (signal) => {
    const answer = await fetch(`${url}/api/order/health`, { signal });
    await answer.arrayBuffer();
    return answer.status;
  });
  const webhooks = startProbe((signal) => deliverWebhook(url, signal));
  let mostMib = 0;
  const watching = setInterval(async () => {
    mostMib = Math.max(mostMib, await residentMib(pid));
  }, LOOK_EVERY_MS);
  try {
    const counted = await applyLoad(plan, stage.tokens);
    await stage.usage(service);
    return {
      offered: counted.sent / counted.seconds,
      placed: speedOf(counted, CREATED),
      shed: speedOf(counted, SHED),
      errors: errorsBeside(counted, CREATED, SHED) + (await otherProblems(url)) - problemsBefore,
      health: await health.end(),
      webhooks: await webhooks.end(),
      mostMib,
    };
  } finally {
    clearInterval(watching);
    await Promise.all([health.end(), webhooks.end()]);
  }
}

/** Number of problem responses so far with another code than `overloaded`. */
async function otherProblems(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const all = [...metrics.matchAll(/^ticketing_problems_total\{code="(\w+)"\} (\d+)$/gm)];
  return all.reduce((sum, [, code, count]) => sum + (code === 'overloaded' ? 0 : Number(count)), 0);
}

/** Resident memory; 0 if the process has ended. */
async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / KIB_PER_MIB;
}

function sectionOf(best: number, asked: readonly Found[], over: Found, shown: readonly Found[]): Section {
  const sum = (count: (found: Found) => number) => asked.reduce((total, each) => total + count(each), 0);
  const none = (what: string, value: number): Figure => ({ what, value, goal: 0, better: 'less' });
  const more = (what: string, value: number, goal: number): Figure => ({ what, value, goal, better: 'more' });
  return {
    title: 'Overload',
    how: `The seating services answer after ${SEATING_MS} ms, as over a network. First the best rate in a closed loop, then ${TIMES} times that rate in an open loop: each connection sends once a second, latency counts from the time a request was due, and requests that would wait more than ${MAX_QUEUE_MS} ms are shed. Ten times a second health is probed and a signed webhook delivered. The figures come from these rows. The rows after them show the default MAX_QUEUE_MS, and the default with seating services that answer at once, where load generator and service compete for the cores.`,
    columns: [
      'Load',
      'Offered/s',
      'Orders/s',
      'p50 ms',
      'p99 ms',
      'Shed/s',
      'Shed within, p99 ms',
      'Errors',
      'Health p99 ms',
      'Webhooks p99 ms',
      'Webhooks refused',
      'Memory MiB',
    ],
    rows: [...asked, ...shown].map((each) => [
      each.who,
      rounded(each.offered),
      rounded(each.placed.perSecond),
      rounded(each.placed.p50, 1),
      rounded(each.placed.p99, 1),
      rounded(each.shed.perSecond),
      rounded(each.shed.p99, 1),
      each.errors,
      rounded(each.health.speed.p99, 1),
      rounded(each.webhooks.speed.p99, 1),
      each.webhooks.refused,
      rounded(each.mostMib),
    ]),
    figures: [
      more(
        `orders a second under ${TIMES} times the load, as a share of the best`,
        over.placed.perSecond / best,
        LEAST_SHARE,
      ),
      more(`offered, as a multiple of the best (${TIMES} is aimed at)`, over.offered / best, LEAST_TIMES),
      none(
        'health not answered',
        sum(({ health }) => health.refused),
      ),
      none(
        'webhooks refused',
        sum(({ webhooks }) => webhooks.refused),
      ),
      none(
        'errors',
        sum(({ errors }) => errors),
      ),
      {
        what: 'most memory, MiB',
        value: Math.max(...asked.map(({ mostMib }) => mostMib)),
        goal: MOST_MIB,
        better: 'less',
      },
    ],
  };
}
