import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../src/config.ts';
import { MS_PER_SECOND } from '../src/kernel/clock.ts';
import {
  createMigration,
  type MigrationOptions,
  migrateDown,
  migrateUp,
  migrationVersion,
  nextUndoing,
} from '../src/platform/postgres/migrations.ts';
import { waitForDatabase } from '../src/platform/postgres/startup.ts';

const USAGE = `usage: scripts/migrate.sh -a up|down|version|create [-n name] [--yes]

  up       applies all pending migrations, or none if one fails
  down     shows what undoing the newest migration loses, asks, and undoes it; --yes skips the question
  version  prints the newest applied migration
  create   creates an empty pair of files with the name of -n

POSTGRES_DSN is the database, CURRENCY the currency of its amounts, MIGRATIONS_DIR (./migrations) the folder.
`;
const FAILED = 1;
const WRONG_USE = 2;

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      action: { type: 'string', short: 'a' },
      name: { type: 'string', short: 'n' },
      yes: { type: 'boolean', default: false },
    },
  });
  const config = readConfig({ ...process.env, NODE_ENV: 'development' });
  const dir = config.MIGRATIONS_DIR;
  switch (values.action) {
    case 'create':
      if (values.name === undefined) return wrongUse('create needs a name: -n add_something');
      console.log((await createMigration(dir, values.name)).join('\n'));
      return 0;
    case 'up': {
      const { currency } = config;
      const dsn = requireDsn(config.POSTGRES_DSN);
      const log = { warn: console.error, info: console.error };
      await waitForDatabase({ dsn, maxWaitMs: config.DATABASE_WAIT_SECONDS * MS_PER_SECOND, log });
      console.log((await migrateUp({ dsn, dir, currency })).join('\n') || 'nothing to do');
      return 0;
    }
    case 'down':
      return undo({ dsn: requireDsn(config.POSTGRES_DSN), dir, currency: config.currency }, values.yes);
    case 'version':
      console.log((await migrationVersion(requireDsn(config.POSTGRES_DSN))) ?? 'none');
      return 0;
    default:
      return wrongUse(values.action === undefined ? 'an action is needed' : `there is no action ${values.action}`);
  }
}

/** Shows what undoing the newest migration loses, and undoes it when the operator agrees. */
async function undo(options: MigrationOptions, isAgreed: boolean): Promise<number> {
  const next = await nextUndoing(options);
  if (!next) {
    console.log('nothing to undo');
    return 0;
  }
  console.error(`Undoing ${next.name} loses ${next.loses}`);
  if (next.hasRows && !isAgreed) {
    if (!process.stdin.isTTY) return wrongUse('The database has rows. Agree with --yes; nothing was undone.');
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question('Undo it? Type yes: ');
    terminal.close();
    if (answer.trim().toLowerCase() !== 'yes') {
      console.error('Nothing was undone.');
      return FAILED;
    }
  }
  console.log((await migrateDown(options, next.name)).join('\n'));
  return 0;
}

function requireDsn(dsn: string | undefined): string {
  if (dsn === undefined) throw new Error('POSTGRES_DSN must be set; the embedded database migrates itself at start.');
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
