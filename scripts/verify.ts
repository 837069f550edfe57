/**
 * Checks every invariant in the database of POSTGRES_DSN, or of the service that runs in DATA_DIR. Exit code 0: all invariants
 * hold; 1: at least one is broken; 2: the check failed. It only reads, from one snapshot, and can run while the service is
 * running. While no replica runs, work that a replica would do is listed separately and is not a finding.
 */

import { CHECKS } from '../src/checks.ts';
import { type Finding, verify } from '../src/features/verification/index.ts';
import { isLed, RELAY_LOCK } from '../src/platform/postgres/leader.ts';
import { openServiceDatabase, readScriptConfig } from './servers.ts';

const BROKEN = 1;
const CHECK_FAILED = 2;
/** What a running service does by itself within seconds. */
const SERVICE_WORK = new Set(CHECKS.filter(({ isServiceWork }) => isServiceWork).map(({ finding }) => finding));

async function run(): Promise<number> {
  const config = readScriptConfig();
  const database = await openServiceDatabase(config);
  try {
    const [found, isRunning] = await database.snapshot(async (executor) => [
      await verify(executor, CHECKS),
      // Every replica tries to get the relay's leadership, so no process has it only while no replica runs.
      await isLed(executor, RELAY_LOCK),
    ]);
    const isBroken = (finding: Finding) => isRunning || !SERVICE_WORK.has(finding.finding);
    const findings = found.filter(isBroken);
    for (const { invariant, finding, subjects } of findings)
      console.log(`${invariant}  ${finding}: ${subjects.join(', ')}`);
    for (const { finding, subjects } of found.filter((each) => !isBroken(each)))
      console.log(`No replica runs; the first one to start does this work: ${finding}: ${subjects.join(', ')}`);
    console.log(findings.length === 0 ? 'Every invariant holds.' : `${findings.length} checks found something.`);
    return findings.length === 0 ? 0 : BROKEN;
  } finally {
    await database.close();
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = CHECK_FAILED;
}
