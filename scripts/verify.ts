/**
 * Reports every invariant over the database of POSTGRES_DSN: exit code 0 when nothing breaks one, 1 when something does,
 * 2 when it could not be looked at. Reads only, on one snapshot: safe beside a live service.
 */
import { readConfig } from '../src/config.ts';
import { verify } from '../src/features/verification/verification.service.ts';
import { openDatabase } from '../src/platform/postgres/database.ts';

const BROKEN = 1;
const NOT_LOOKED_AT = 2;

async function run(): Promise<number> {
  const { POSTGRES_DSN: dsn, currency } = readConfig({ ...process.env, NODE_ENV: 'development' });
  if (dsn === undefined) throw new Error('POSTGRES_DSN must be set to the database to look at.');
  const database = openDatabase({ dsn, maxConnections: 1, onIdleError: () => undefined });
  try {
    const findings = await database.snapshot((executor) => verify(executor, currency));
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
