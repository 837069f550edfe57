/**
 * `npm run bench`: the service against the limit, part after part; see `bench/results`. `-- --quick` in under two minutes
 * for the ratios alone, `-- --only NAME` for one part. Exit code 1 when the quick run falls below half of a figure, or the
 * whole one below a figure.
 */
import type { Bench } from './parts/bench.ts';
import { coldStart } from './parts/cold-start.ts';
import { growth } from './parts/growth.ts';
import { hotSale } from './parts/hot-sale.ts';
import { orders } from './parts/orders.ts';
import { overload } from './parts/overload.ts';
import { reads } from './parts/reads.ts';
import { realServers } from './parts/real-servers.ts';
import { refusals } from './parts/refusals.ts';
import { inMarkdown, writeReport } from './report/report.ts';
import { isReached, type Section } from './report/section.ts';
import { findPgbench } from './stage/pgbench.ts';
import { openStage } from './stage/stage.ts';

const PARTS = {
  orders,
  refusals,
  'hot-sale': hotSale,
  reads,
  growth,
  'real-servers': realServers,
  overload,
  'cold-start': coldStart,
} as const satisfies Record<string, (bench: Bench) => Promise<Section>>;
const QUICK: readonly (keyof typeof PARTS)[] = ['orders', 'refusals', 'cold-start'];
const BUYERS = 200;
/** Machines that run tests are noisy. */
const QUICK_SLACK = 2;

function chosen(isQuick: boolean): (keyof typeof PARTS)[] {
  const all = Object.keys(PARTS) as (keyof typeof PARTS)[];
  const at = process.argv.indexOf('--only');
  const only = process.argv[at + 1];
  if (at === -1) return isQuick ? [...QUICK] : all;
  const found = all.filter((name) => name === only);
  if (found.length === 0) throw new Error(`--only takes one of ${all.join(', ')}`);
  return found;
}

const isQuick = process.argv.includes('--quick');
const names = chosen(isQuick);
const say = (line: string) => void process.stderr.write(`${line}\n`);
const pgbench = await findPgbench();
if (pgbench === undefined) say('pgbench is not there (Debian: apt-get install postgresql): no ratio to it.');
const stage = await openStage({ buyers: BUYERS });
const sections: Section[] = [];
try {
  for (const [at, name] of names.entries()) {
    say(`\n${at + 1} of ${names.length}: ${name}`);
    sections.push(await PARTS[name]({ stage, pgbench, isQuick, say }));
    console.log(
      `\n${sections
        .slice(-1)
        .map((section) => inMarkdown(section))
        .join('')}`,
    );
  }
} finally {
  await stage.close();
}
const path = await writeReport(
  [isQuick ? 'quick' : 'bench', ...(process.argv.includes('--only') ? names : [])].join('-'),
  sections,
);
say(`The report is in ${path}`);
const missed = sections
  .flatMap(({ figures }) => figures)
  .filter((figure) => !isReached(figure, isQuick ? QUICK_SLACK : 1));
for (const { what } of missed) say(`Not reached: ${what}`);
process.exitCode = missed.length > 0 ? 1 : 0;
