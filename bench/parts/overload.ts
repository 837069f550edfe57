import { readFile } from 'node:fs/promises';
import { rounded, type Section } from '../report/section.ts';
import type { BenchService } from '../service.ts';
import { applyLoad, type Plan, type Speed, speedOf, toSpeed } from '../stage/load.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { CREATED, orderPlan } from './orders.ts';

const SHED = 503;
const BUYERS = 200;
/** As over a network, so that the places are what is full, and the processor has some left for three times the load itself. */
const SEATING_MS = 40;
const BEST_AT = [64, 128];
const TIMES = 3;
const LEAST_SHARE = 0.9;
const MAX_QUEUE_MS = 500;
const LOOK_EVERY_MS = 100;
const BYTES_PER_KIB = 1_024;
const BYTES_PER_MIB = 1_048_576;

interface Found {
  readonly who: string;
  readonly placed: Speed;
  readonly shed: Speed;
  readonly health: Speed;
  readonly mostBytes: number;
}

/** Three times as many orders as it can place, as they are due and not as it answers. */
export async function overload(bench: Bench): Promise<Section> {
  const { isQuick, say } = bench;
  const stage = await openStage({ buyers: BUYERS, delayMs: SEATING_MS });
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn, { MAX_QUEUE_MS: String(MAX_QUEUE_MS) });
  const durationMs = isQuick ? 5_000 : 15_000;
  const found: Found[] = [];
  const add = async (who: string, plan: Plan) => {
    found.push({ who, ...(await look(stage, service, plan)) });
    say(`${who}: ${rounded(found.at(-1)?.placed.perSecond ?? 0)} orders/s`);
  };
  await applyLoad(orderPlan(service.url, 32, 2_000), stage.tokens);
  for (const clients of BEST_AT) await add(`${clients} clients`, orderPlan(service.url, clients, durationMs));
  const best = Math.max(...found.map(({ placed }) => placed.perSecond));
  // Those who wait in the queue send nothing meanwhile: so many more connections keep the rate.
  const connections = Math.round(TIMES * best + (best * MAX_QUEUE_MS) / 1_000);
  await add(`${connections} requests due a second`, {
    ...orderPlan(service.url, connections, durationMs),
    loop: 'open',
    warmUpMs: 3_000,
  });
  await service.close();
  await stage.close();
  const over = found.at(-1);
  return {
    title: 'Overload',
    how: `The seating services answer after ${SEATING_MS} ms, as over a network. What it does at its best in a closed loop, then three times as much in an open one: latency from when a request was due, shed when it would wait more than ${MAX_QUEUE_MS} ms. Health is asked ten times a second meanwhile.`,
    columns: [
      'Load',
      'Orders/s',
      'p50 ms',
      'p99 ms',
      'Shed/s',
      'Shed within, p99 ms',
      'Health p99 ms',
      'Memory MiB',
    ],
    rows: found.map(({ who, placed, shed, health, mostBytes }) => [
      who,
      rounded(placed.perSecond),
      rounded(placed.p50, 1),
      rounded(placed.p99, 1),
      rounded(shed.perSecond),
      rounded(shed.p99, 1),
      rounded(health.p99, 1),
      rounded(mostBytes / BYTES_PER_MIB),
    ]),
    figures: [
      {
        what: 'orders a second under three times the load, as a share of the best',
        value: (over?.placed.perSecond ?? Number.NaN) / best,
        goal: LEAST_SHARE,
        better: 'more',
      },
    ],
  };
}

/** Applies a load and asks for health and memory meanwhile. Throws when health is not well. */
async function look(stage: Stage, service: BenchService, plan: Plan): Promise<Omit<Found, 'who'>> {
  let isOver = false;
  let mostBytes = 0;
  const waits: number[] = [];
  const watching = (async () => {
    while (!isOver) {
      const from = performance.now();
      const { status } = await fetch(`${service.url}/api/order/health`);
      if (status !== 200) throw new Error(`health answered ${status}`);
      waits.push(performance.now() - from);
      mostBytes = Math.max(mostBytes, await residentBytes(service.pid));
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    }
  })();
  const counted = await applyLoad(plan, stage.tokens);
  isOver = true;
  await watching;
  return {
    placed: speedOf(counted, CREATED),
    shed: speedOf(counted, SHED),
    health: toSpeed(waits, counted.seconds),
    mostBytes,
  };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * BYTES_PER_KIB;
}
