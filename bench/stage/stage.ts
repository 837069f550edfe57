import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { migrateUp } from '../../src/platform/postgres/migrations.ts';
import { createDatabase, dsnFor, runOn } from '../../test/support/databases.ts';
import { type BenchService, startService } from '../service.ts';
import { endWithUs } from './guard.ts';
import { processorSeconds } from './processor-time.ts';

/** What the service needs around it, each part in a process of its own, all on this machine. */
export interface Stage {
  /** An empty, migrated database. */
  freshDatabase(): Promise<string>;
  /** The service on a database, with these variables and arguments for Node besides. */
  serve(
    dsn: string,
    env?: Record<string, string>,
    options?: { readonly nodeArgs?: readonly string[]; readonly checkout?: string },
  ): Promise<BenchService>;
  /** Access tokens, each of another buyer. */
  readonly tokens: readonly string[];
  /** Seconds of processor time so far. */
  usage(service: BenchService): Promise<Record<'service' | 'PostgreSQL' | 'stand-ins', number>>;
  close(): Promise<void>;
}

const TEMPLATE = 'bench_template';
const QR_KEY_BYTES = 32;
/** What every service here seals with. */
export const QR_KEY = randomBytes(QR_KEY_BYTES).toString('base64');

export interface StageOptions {
  readonly buyers: number;
  /** Of a seat, in major units. */
  readonly price?: number;
  /** How long after a question the platform answers. */
  readonly delayMs?: number;
  /** Whether PostgreSQL counts its statements, which costs it a little. */
  readonly countsStatements?: boolean;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { countsStatements = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-bench-'));
  let postgres = await startEmbeddedPostgres(folder);
  if (countsStatements) {
    await runOn(postgres.dsn, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    await postgres.close();
    postgres = await startEmbeddedPostgres(folder);
  }
  await createDatabase(postgres.dsn, TEMPLATE);
  await migrateUp({ dsn: dsnFor(postgres.dsn, TEMPLATE), dir: 'migrations' });
  const postmaster = Number((await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  // A fast shutdown.
  const letPostgresBe = endWithUs(postmaster, 'INT');
  const platform = await startPlatform(options);
  return {
    tokens: platform.tokens,
    async freshDatabase() {
      const name = `bench_${randomUUID().replaceAll('-', '')}`;
      await createDatabase(postgres.dsn, name, TEMPLATE);
      return dsnFor(postgres.dsn, name);
    },
    serve: (dsn, env = {}, { nodeArgs = [], checkout } = {}) =>
      startService(
        platform.url,
        {
          POSTGRES_DSN: dsn,
          OIDC_ISSUER: `${platform.url}/realms/event-ticketing`,
          TICKET_CLIENT_SECRET: 'bench',
          EVENT_QUERY_SERVICE_URL: `${platform.url}/query`,
          EVENT_SEATING_SERVICE_URL: `${platform.url}/seating`,
          QR_SECRET_KEY: QR_KEY,
          SEAT_LOCK_TTL_MINUTES: '60',
          ...env,
        },
        checkout,
        nodeArgs,
      ),
    async usage({ pid }) {
      const [service, server, standIns] = await Promise.all(
        [pid, postmaster, platform.pid].map(processorSeconds),
      );
      return { service: service ?? 0, PostgreSQL: server ?? 0, 'stand-ins': standIns ?? 0 };
    },
    async close() {
      await platform.close();
      letPostgresBe();
      await postgres.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Removes a database that nothing needs any more. */
export async function dropDatabase(dsn: string): Promise<void> {
  await runOn(dsnFor(dsn, TEMPLATE), `DROP DATABASE ${new URL(dsn).pathname.slice(1)} WITH (FORCE)`);
}

interface Platform {
  readonly url: string;
  readonly pid: number;
  readonly tokens: readonly string[];
  close(): Promise<void>;
}

async function startPlatform({ buyers, price = 100, delayMs = 0 }: StageOptions): Promise<Platform> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['bench/stage/platform-process.ts', ...[buyers, price, delayMs].map(String)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  if (!child.stdout || !child.stdin || child.pid === undefined)
    throw new Error('the platform has no process');
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === '') break;
    printed.push(line);
  }
  const [url, ...tokens] = printed;
  if (url === undefined) throw new Error('the platform did not start');
  const { stdin } = child;
  let isClosing = false;
  child.once('close', (code) => {
    if (!isClosing) throw new Error(`the platform ended with ${code}`);
  });
  return {
    url,
    pid: child.pid,
    tokens,
    async close() {
      isClosing = true;
      const ended = once(child, 'close');
      stdin.end();
      await ended;
    },
  };
}
