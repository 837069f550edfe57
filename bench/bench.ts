/**
 * `npm run bench` measures the service beside the database's own limit, part by part; see `bench/results`. `-- --quick`
 * measures only the ratios and takes under two minutes, `-- --only NAME` runs one part. The exit code is 1 if the quick run
 * reaches less than half of a ratio, if the full run misses a figure or if a part fails, and 2 for wrong arguments.
 */
import { type Arguments, readArguments } from './arguments.ts';
import type { Bench } from './parts/bench.ts';
import { coldStart } from './parts/cold-start.ts';
import { growth } from './parts/growth.ts';
import { hotSale } from './parts/hot-sale.ts';
import { orders } from './parts/orders.ts';
import { overload } from './parts/overload.ts';
import { reads } from './parts/reads.ts';
import { realServers } from './parts/real-servers.ts';
import { refusals } from './parts/refusals.ts';
import { inMarkdown, readCommit, writeReport } from './report/report.ts';
import { failuresOf, isReached, nothingOf, type Section } from './report/section.ts';
import { closingAfter, isCutShort } from './stage/closing.ts';
import { missingServer } from './stage/missing.ts';
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
type PartName = keyof typeof PARTS;
const ALL = Object.keys(PARTS) as PartName[];
const QUICK: readonly PartName[] = ['orders', 'refusals', 'cold-start'];
const BUYERS = 200;
const USAGE_ERROR = 2;

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** The section of a part, or an empty one with the reason. Closes what the part left open. */
async function measure(name: PartName, bench: Bench): Promise<Section> {
  try {
    return await closingAfter(() => PARTS[name](bench));
  } catch (error) {
    const missing = missingServer(error);
    if (missing === undefined && !isCutShort()) say(error instanceof Error ? `${error.stack}` : String(error));
    return nothingOf(name, error, missing);
  }
}

async function main({ isQuick, only }: Arguments<PartName>): Promise<void> {
  const all = isQuick ? QUICK : ALL;
  const names = only === undefined ? all : [only];
  const commit = await readCommit();
  const pgbench = await findPgbench();
  if (pgbench === undefined)
    say('pgbench is not installed (Debian: apt-get install postgresql), so no ratio to it is measured.');
  const stage = await openStage({ buyers: BUYERS });
  const versions = [`PostgreSQL ${stage.serverVersion}`, pgbench?.version ?? 'no pgbench'];
  const name = [isQuick ? 'quick' : 'bench', ...(only === undefined ? [] : [only])].join('-');
  const sections: Section[] = [];
  for (const [at, part] of names.entries()) {
    say(`\n${at + 1} of ${names.length}: ${part}`);
    const section = await measure(part, { stage, pgbench, isQuick, say });
    // A part that was cut short measured without its servers.
    if (isCutShort()) return;
    sections.push(section);
    console.log(`\n${inMarkdown(section)}`);
    const path = await writeReport({ name, commit, versions, missing: names.slice(at + 1) }, sections);
    say(`Report: ${path}`);
  }
  for (const { what } of sections.flatMap(({ figures }) => figures.filter((each) => !isReached(each))))
    say(`Not reached: ${what}`);
  const failures = failuresOf(sections, isQuick);
  for (const failure of failures) say(`Failed: ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function parsedArguments(): Arguments<PartName> {
  try {
    return readArguments(process.argv.slice(2), ALL);
  } catch (error) {
    say((error as Error).message);
    process.exit(USAGE_ERROR);
  }
}

const given = parsedArguments();
await closingAfter(() => main(given));
