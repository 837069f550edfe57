import { rounded, type Section } from '../report/section.ts';
import { startRealServers } from '../stage/real-servers.ts';
import { dropDatabase } from '../stage/stage.ts';
import type { Bench } from './bench.ts';
import {
  BOTH_LIMITS,
  besidePgbench,
  CLIENTS,
  errorsOf,
  MIDDLE_OF_ROUNDS,
  measureOrders,
  middle,
  ORDER_COLUMNS,
  type OrderRuns,
  orderRows,
  type Window,
} from './orders.ts';
import { measureRefusals } from './refusals.ts';

const FEW = 32;
const QUICK_RUN = { clients: [FEW], rounds: 1, durationMs: 4_000 };
const WHOLE_RUN = { clients: CLIENTS, rounds: 3, durationMs: 4_000 };
const REFUSED = 'refused';

/** Part 6: orders and refusals with real Redis and Kafka, by one and two workers. */
export async function realServers(bench: Bench): Promise<Section> {
  const { env: real, stop } = await startRealServers();
  const services = { 'one worker': { env: real }, 'two workers': { env: { ...real, WEB_CONCURRENCY: '2' } } };
  const run = bench.isQuick ? QUICK_RUN : WHOLE_RUN;
  const runs: OrderRuns = { ...run, limits: BOTH_LIMITS, limitClients: run.clients, services };
  const all = await measureOrders(bench, runs);
  const refused: Window[] = [];
  for (const [name, { env }] of Object.entries(services))
    refused.push(...(await refuseFor(bench, `${name}, ${REFUSED}`, env, runs.durationMs)));
  await stop();
  const rate = (who: string, clients: number) => middle(all, who, clients)?.speed.perSecond ?? Number.NaN;
  bench.say(`two workers / one worker: ${rounded(rate('two workers', FEW) / rate('one worker', FEW), 2)}`);
  return {
    title: 'Real servers',
    how: `Orders and refusals as in the first parts, with real Redis and Kafka, tokens verified, by one process and by two workers; ${besidePgbench(bench)}; in alternating order, ${runs.rounds} rounds of ${runs.durationMs / 1_000} s, refusals once. ${MIDDLE_OF_ROUNDS}. A closed loop. Broker and Redis share the cores, too.`,
    columns: ORDER_COLUMNS.map((column) => column.replace('Orders/s', 'Orders or refusals/s')),
    rows: [...orderRows(all), ...orderRows(refused)],
    figures: [errorsOf([...all, ...refused])],
    picture: {
      unit: 'orders a second',
      labels: runs.clients.map((count) => `${count} clients`),
      series: [...Object.keys(services), ...(bench.pgbench === undefined ? [] : runs.limits)].map((name) => ({
        name,
        values: runs.clients.map((count) => rate(name, count)),
      })),
    },
  };
}

async function refuseFor(bench: Bench, who: string, env: Record<string, string>, durationMs: number) {
  const dsn = await bench.stage.freshDatabase();
  const service = await bench.stage.serve(dsn, env);
  const found = await measureRefusals(bench, service, who, durationMs);
  await service.close();
  await dropDatabase(dsn);
  return found;
}
