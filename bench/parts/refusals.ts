import { randomUUID } from 'node:crypto';
import { rounded, type Section } from '../report/section.ts';
import { type BenchService, openClient } from '../service.ts';
import { EVENT } from '../stage/event.ts';
import { dropDatabase } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { errorsOf, orderPlan, type Window, window } from './orders.ts';

const REFUSED = 409;
const FEW = 32;
const CLIENTS = [FEW, 300];
const LEAST_PER_SECOND = 5_000;
const QUICK_MS = 3_000;
const WHOLE_MS = 8_000;

/** All clients order the same two sold seats. */
export async function measureRefusals(
  { stage, say }: Bench,
  service: BenchService,
  who: string,
  durationMs: number,
): Promise<Window[]> {
  const sold = { ...EVENT, seat_ids: [randomUUID(), randomUUID()] };
  const client = openClient(service.url, stage.tokens[0] ?? '', 1);
  await client.send('POST', '/api/order', sold);
  await client.close();
  const found: Window[] = [];
  for (const clients of CLIENTS) {
    const plan = { ...orderPlan(service.url, clients, durationMs), bodies: [JSON.stringify(sold)] };
    const measured = { ...(await window(stage, service, plan, REFUSED)), who };
    found.push(measured);
    say(`${clients} clients, ${who}: ${rounded(measured.speed.perSecond)} refusals/s`);
  }
  return found;
}

/** Part 2: refusals. */
export async function refusals(bench: Bench): Promise<Section> {
  const { stage, isQuick } = bench;
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn);
  const found = await measureRefusals(bench, service, 'the service', isQuick ? QUICK_MS : WHOLE_MS);
  await service.close();
  await dropDatabase(dsn);
  return {
    title: 'Refusals',
    how: 'All clients order the same two sold seats. A closed loop.',
    columns: ['Clients', 'Refusals/s', 'p50 ms', 'p99 ms', 'Errors', 'µs of processor in the service'],
    rows: found.map(({ clients, speed, errors, cpu }) => [
      clients,
      rounded(speed.perSecond),
      rounded(speed.p50, 1),
      rounded(speed.p99, 1),
      errors,
      rounded(cpu?.service ?? Number.NaN),
    ]),
    figures: [
      {
        what: `refusals a second at ${FEW} clients`,
        value: found.find(({ clients }) => clients === FEW)?.speed.perSecond ?? Number.NaN,
        goal: LEAST_PER_SECOND,
        better: 'more',
      },
      errorsOf(found),
    ],
  };
}
