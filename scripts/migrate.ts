import { parseArgs } from 'node:util';
import { readConfig } from '../src/config.ts';
import { MS_PER_SECOND } from '../src/kernel/clock.ts';
import {
  createMigration,
  migrateDown,
  migrateUp,
  migrationVersion,
} from '../src/platform/postgres/migrations.ts';
import { waitForDatabase } from '../src/platform/postgres/startup.ts';

const USAGE = `usage: scripts/migrate.sh -a up|down|version|create [-n name]

  up       applies every migration not applied yet, all of them or none
  down     undoes the newest one
  version  prints the newest one applied
  create   makes an empty pair of files; -n names it

POSTGRES_DSN says which database, MIGRATIONS_DIR (./migrations) which migrations.
`;
const FAILED = 1;
const WRONG_USE = 2;

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: { action: { type: 'string', short: 'a' }, name: { type: 'string', short: 'n' } },
  });
  const config = readConfig({ ...process.env, NODE_ENV: 'development' });
  const dir = config.MIGRATIONS_DIR;
  switch (values.action) {
    case 'create':
      if (values.name === undefined) return wrongUse('create needs a name: -n add_something');
      console.log((await createMigration(dir, values.name)).join('\n'));
      return 0;
    case 'up': {
      const dsn = demandDsn(config.POSTGRES_DSN);
      const log = { warn: console.error, info: console.error };
      await waitForDatabase({ dsn, maxWaitMs: config.DATABASE_WAIT_SECONDS * MS_PER_SECOND, log });
      console.log((await migrateUp({ dsn, dir })).join('\n') || 'nothing to do');
      return 0;
    }
    case 'down':
      console.log(
        (await migrateDown({ dsn: demandDsn(config.POSTGRES_DSN), dir })).join('\n') || 'nothing to undo',
      );
      return 0;
    case 'version':
      console.log((await migrationVersion(demandDsn(config.POSTGRES_DSN))) ?? 'none');
      return 0;
    default:
      return wrongUse(
        values.action === undefined ? 'an action is needed' : `there is no action ${values.action}`,
      );
  }
}

function demandDsn(dsn: string | undefined): string {
  if (dsn === undefined)
    throw new Error('POSTGRES_DSN must be set; the embedded database migrates itself at start.');
  return dsn;
}

function wrongUse(why: string): number {
  console.error(`${why}\n\n${USAGE}`);
  return WRONG_USE;
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = FAILED;
}
