/**
 * Profiles the service while 32 clients place orders: processor time of functions and packages (`node --cpu-prof`) and of
 * PostgreSQL's statements (`pg_stat_statements`). A closed loop. `-- --keep FILE` keeps the profile for other tools.
 */

import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREATED } from '../src/kernel/http-status.ts';
import { orderPlan, window } from './parts/orders.ts';
import { rounded } from './report/section.ts';
import { openStage } from './stage/stage.ts';

const CLIENTS = 32;
const DURATION_MS = 6_000;
/** Approximate time from the last answer to the end of the profile. */
const STOP_MS = 700;
const LINES = 25;
const US_PER_MS = 1_000;

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The profile without its start and end. */
function underLoad({ nodes, samples, timeDeltas }: Profile): Profile {
  const until = timeDeltas.reduce((sum, us) => sum + us, 0) - STOP_MS * US_PER_MS;
  let nowUs = 0;
  const kept = samples.map((id, at) => {
    nowUs += timeDeltas[at] ?? 0;
    return nowUs > until - DURATION_MS * US_PER_MS && nowUs <= until ? id : undefined;
  });
  const isKept = (_each: unknown, at: number) => kept[at] !== undefined;
  return { nodes, samples: samples.filter(isKept), timeDeltas: timeDeltas.filter(isKept) };
}

/** Shares of the samples that were not idle, grouped by `nameOf`, largest first. */
function shares(
  { nodes, samples, timeDeltas }: Profile,
  nameOf: (frame: Profile['nodes'][number]['callFrame']) => string,
) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<string, number>();
  let total = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)') continue;
    const name = nameOf(frame);
    const us = timeDeltas[at] ?? 0;
    total += us;
    spent.set(name, (spent.get(name) ?? 0) + us);
  }
  return [...spent].map(([name, us]) => ({ name, share: us / total })).toSorted((a, b) => b.share - a.share);
}

const place = (url: string) =>
  url
    .replace(/^file:\/\//, '')
    .replace(`${process.cwd()}/`, '')
    .replace('node_modules/', '');
const packageOf = (url: string) =>
  /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ??
  (url.startsWith('node:') ? url.split('/').slice(0, 2).join('/') : undefined);

function show(title: string, rows: readonly { name: string; share: number }[]): void {
  console.log(`\n${title}`);
  for (const { name, share } of rows.slice(0, LINES)) console.log(`${rounded(share * 100, 1).padStart(6)} %  ${name}`);
}

const folder = await mkdtemp(join(tmpdir(), 'ticketing-profile-'));
const stage = await openStage({ buyers: 200, countsStatements: true });
try {
  const dsn = await stage.freshDatabase();
  const service = await stage.serve(dsn, {}, { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`] });
  await service.sql.query('CREATE EXTENSION pg_stat_statements');
  const { speed, cpu, counted } = await window(stage, service, orderPlan(service.url, CLIENTS, DURATION_MS), CREATED);
  const { rows } = await service.sql.query<{ query: string; calls: string; ms: string }>(
    `SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS query, calls, total_exec_time + total_plan_time AS ms
       FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      ORDER BY 3 DESC LIMIT 12`,
  );
  await service.close();
  const placed = counted.answers[CREATED] ?? 0;
  const [file = ''] = await readdir(folder);
  const profile = underLoad(JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile);
  const keep = process.argv.indexOf('--keep');
  if (keep !== -1) await copyFile(join(folder, file), process.argv[keep + 1] ?? 'orders.cpuprofile');
  console.log(`${rounded(speed.perSecond)} orders/s, p99 ${rounded(speed.p99, 1)} ms`);
  for (const [part, us] of Object.entries(cpu ?? {})) console.log(`${rounded(us).padStart(6)} µs  ${part}, an order`);
  show(
    'by package',
    shares(
      profile,
      ({ url, functionName }) => packageOf(url) ?? (url === '' ? functionName : `src/${place(url).split('/')[1]}`),
    ),
  );
  show(
    'by function',
    shares(
      profile,
      ({ functionName, url, lineNumber }) => `${functionName || '(anonymous)'}  ${place(url)}:${lineNumber + 1}`,
    ),
  );
  console.log('\nin PostgreSQL, µs an order, calls an order');
  for (const { query, calls, ms } of rows)
    console.log(
      `${rounded((Number(ms) * US_PER_MS) / placed).padStart(6)}  ${rounded(Number(calls) / placed, 2)}  ${query}`,
    );
} finally {
  await stage.close();
  await rm(folder, { recursive: true, force: true });
}
