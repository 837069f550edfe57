/**
 * Reports every invariant over the database of POSTGRES_DSN, or of the service that runs in DATA_DIR: exit code 0 when
 * nothing breaks one, 1 when something does, 2 when it could not be looked at. Reads only, on one snapshot: safe beside
 * a live service. While no replica runs, work that a replica would do by itself is listed apart and
 * is not a finding.
 */

import { CHECKS } from '../src/checks.ts';
import { type Finding, verify } from '../src/features/verification/index.ts';
import { isLed, RELAY_LOCK } from '../src/platform/postgres/leader.ts';
import { openServiceDatabase, readScriptConfig } from './servers.ts';

const BROKEN = 1;
const NOT_LOOKED_AT = 2;
/** What a running service does by itself within seconds. */
const SERVICE_WORK = new Set(
  CHECKS.filter(({ isServiceWork }) => isServiceWork).map(({ finding }) => finding),
);

async function run(): Promise<number> {
  const config = readScriptConfig();
  const database = await openServiceDatabase(config);
  try {
    const [found, isRunning] = await database.snapshot(async (executor) => [
      await verify(executor, CHECKS),
      // Every replica asks for the relay's leadership, so nobody has it only while none runs.
      await isLed(executor, RELAY_LOCK),
    ]);
    const isBroken = (finding: Finding) => isRunning || !SERVICE_WORK.has(finding.finding);
    const findings = found.filter(isBroken);
    for (const { invariant, finding, subjects } of findings)
      console.log(`${invariant}  ${finding}: ${subjects.join(', ')}`);
    for (const { finding, subjects } of found.filter((each) => !isBroken(each)))
      console.log(`No replica runs; the first to start sees to this: ${finding}: ${subjects.join(', ')}`);
    console.log(
      findings.length === 0 ? 'Every invariant holds.' : `${findings.length} checks found something.`,
    );
    return findings.length === 0 ? 0 : BROKEN;
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = NOT_LOOKED_AT;
}
