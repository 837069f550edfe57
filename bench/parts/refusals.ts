import { randomUUID } from 'node:crypto';
import { rounded, type Section } from '../report/section.ts';
import { openClient } from '../service.ts';
import { EVENT } from '../stage/event.ts';
import { dropDatabase } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import { orderPlan, window } from './orders.ts';

const REFUSED = 409;
const CLIENTS = [32, 300];
const LEAST_PER_SECOND = 5_000;

/** Part 2. */
export async function refusals({ stage, isQuick, say }: Bench): Promise<Section> {
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn);
  const sold = { ...EVENT, seat_ids: [randomUUID(), randomUUID()] };
  const client = openClient(service.url, stage.tokens[0] ?? '', 1);
  await client.send('POST', '/api/order', sold);
  await client.close();
  const found: Awaited<ReturnType<typeof window>>[] = [];
  for (const clients of CLIENTS) {
    const plan = {
      ...orderPlan(service.url, clients, isQuick ? 3_000 : 8_000),
      bodies: [JSON.stringify(sold)],
    };
    found.push(await window(stage, service, plan, REFUSED));
    say(`${clients} clients refused: ${rounded(found.at(-1)?.speed.perSecond ?? 0)}/s`);
  }
  await service.close();
  await dropDatabase(dsn);
  return {
    title: 'Refusals',
    how: 'Everyone wants the same two seats, which are taken. A closed loop.',
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
        what: 'refusals a second at 32 clients',
        value: found[0]?.speed.perSecond ?? Number.NaN,
        goal: LEAST_PER_SECOND,
        better: 'more',
      },
    ],
  };
}
