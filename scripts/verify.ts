/**
 * Reports every invariant over the database of POSTGRES_DSN, or of the service that runs in DATA_DIR: exit code 0 when
 * nothing breaks one, 1 when something does, 2 when it could not be looked at. Reads only, on one snapshot: safe beside
 * a live service.
 */
import { verify } from '../src/features/verification/verification.service.ts';
import { openServiceDatabase, readScriptConfig } from './servers.ts';

const BROKEN = 1;
const NOT_LOOKED_AT = 2;

async function run(): Promise<number> {
  const config = readScriptConfig();
  const database = await openServiceDatabase(config);
  try {
    const findings = await database.snapshot((executor) => verify(executor, config.currency));
    for (const { invariant, finding, subjects } of findings)
      console.log(`${invariant}  ${finding}: ${subjects.join(', ')}`);
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
