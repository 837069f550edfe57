/**
 * `npm run bench`: the service against the limit, part after part; see `bench/results`. `-- --quick` in under two minutes
 * for the ratios alone, `-- --only NAME` for one part. Exit code 1 when the quick run falls below half of a ratio, the whole
 * one below a figure, or a part breaks off; 2 when what follows the command is not understood.
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
const NOT_UNDERSTOOD = 2;

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** What a part found, or why it found nothing; what it opened is closed. */
async function measure(name: PartName, bench: Bench): Promise<Section> {
  try {
    return await closingAfter(() => PARTS[name](bench));
  } catch (error) {
    const missing = missingServer(error);
    if (missing === undefined && !isCutShort())
      say(error instanceof Error ? `${error.stack}` : String(error));
    return nothingOf(name, error, missing);
  }
}

async function main({ isQuick, only }: Arguments<PartName>): Promise<void> {
  const all = isQuick ? QUICK : ALL;
  const names = only === undefined ? all : [only];
  const commit = await readCommit();
  const pgbench = await findPgbench();
  if (pgbench === undefined)
    say('pgbench is not there (Debian: apt-get install postgresql): no ratio to it.');
  const stage = await openStage({ buyers: BUYERS });
  const versions = [`PostgreSQL ${stage.serverVersion}`, pgbench?.version ?? 'no pgbench'];
  const name = [isQuick ? 'quick' : 'bench', ...(only === undefined ? [] : [only])].join('-');
  const sections: Section[] = [];
  for (const [at, part] of names.entries()) {
    say(`\n${at + 1} of ${names.length}: ${part}`);
    const section = await measure(part, { stage, pgbench, isQuick, say });
    // What the rest of a part found after its servers were closed is no finding.
    if (isCutShort()) return;
    sections.push(section);
    console.log(`\n${inMarkdown(section)}`);
    const path = await writeReport({ name, commit, versions, missing: names.slice(at + 1) }, sections);
    say(`The report is in ${path}`);
  }
  for (const { what } of sections.flatMap(({ figures }) => figures.filter((each) => !isReached(each))))
    say(`Not reached: ${what}`);
  const failures = failuresOf(sections, isQuick);
  for (const failure of failures) say(`It fails: ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function understood(): Arguments<PartName> {
  try {
    return readArguments(process.argv.slice(2), ALL);
  } catch (error) {
    say((error as Error).message);
    process.exit(NOT_UNDERSTOOD);
  }
}

const asked = understood();
await closingAfter(() => main(asked));
