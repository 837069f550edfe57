import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { migrateUp } from '../../src/platform/postgres/migrations.ts';
import { createDatabase, dsnFor, runOn, sql } from '../../test/support/databases.ts';
import { type BenchService, startService } from '../service.ts';
import { endChild, isCutShort, toClose } from './closing.ts';
import { endWithUs } from './guard.ts';
import { processorSeconds } from './processor-time.ts';

/** The servers around the service, each in its own process on this machine. */
export interface Stage {
  /** An empty, migrated database. */
  freshDatabase(): Promise<string>;
  /** Starts the service on a database, with additional variables and Node arguments. */
  serve(
    dsn: string,
    env?: Record<string, string>,
    options?: { readonly nodeArgs?: readonly string[]; readonly checkout?: string },
  ): Promise<BenchService>;
  /** Access tokens of different buyers. */
  readonly tokens: readonly string[];
  /** Version of PostgreSQL. */
  readonly serverVersion: string;
  /** Processor time so far in seconds, of the servers and of a service. Throws if one of them has ended. */
  usage(service?: BenchService): Promise<Usage>;
  close(): Promise<void>;
}

export type Usage = Readonly<Partial<Record<'service' | 'PostgreSQL' | 'stand-ins', number>>>;

const PLATFORM_END_TIMEOUT_MS = 2_000;
const TEMPLATE = 'bench_template';
const QR_KEY_BYTES = 32;
/** The QR key of all services of the bench. */
export const QR_KEY = randomBytes(QR_KEY_BYTES).toString('base64');

export interface StageOptions {
  readonly buyers: number;
  /** Price of a seat in major units. */
  readonly price?: number;
  /** Delay of the seating services' answers. */
  readonly delayMs?: number;
  /** Whether PostgreSQL collects statement statistics, which costs a little time. */
  readonly countsStatements?: boolean;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { countsStatements = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-bench-'));
  const removeFolder = toClose(() => rm(folder, { recursive: true, force: true }));
  let postgres = await startPostgres(folder);
  if (countsStatements) {
    await runOn(postgres.dsn, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    await postgres.close();
    postgres = await startPostgres(folder);
  }
  const { dsn, pid: postmaster, close: closePostgres } = postgres;
  await createDatabase(dsn, TEMPLATE);
  await migrateUp({ dsn: dsnFor(dsn, TEMPLATE), dir: 'migrations' });
  const platform = await startPlatform(options);
  const [version] = await sql<{ server_version: string }>(dsn, 'SHOW server_version');
  return {
    tokens: platform.tokens,
    serverVersion: version?.server_version ?? 'unknown',
    async freshDatabase() {
      const name = `bench_${randomUUID().replaceAll('-', '')}`;
      await createDatabase(dsn, name, TEMPLATE);
      return dsnFor(dsn, name);
    },
    serve: (database, env = {}, { nodeArgs = [], checkout } = {}) =>
      startService(
        platform.url,
        {
          POSTGRES_DSN: database,
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
    async usage(service) {
      platform.check();
      return {
        ...(service ? { service: await processorSeconds(service.pid) } : {}),
        PostgreSQL: await processorSeconds(postmaster),
        'stand-ins': await processorSeconds(platform.pid),
      };
    },
    async close() {
      await platform.close();
      await closePostgres();
      await removeFolder();
    },
  };
}

interface Postgres extends EmbeddedPostgres {
  readonly pid: number;
}

async function startPostgres(folder: string): Promise<Postgres> {
  const starting = startEmbeddedPostgres(folder);
  let letBe = () => {};
  const close = toClose(async () => {
    const server = await starting.catch(() => undefined);
    letBe();
    await server?.close();
  });
  const { dsn } = await starting;
  const pid = Number((await readFile(join(folder, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  // SIGINT is PostgreSQL's fast shutdown.
  letBe = endWithUs(pid, 'INT');
  return { dsn, pid, close };
}

/** Drops a database that is no longer used. */
export async function dropDatabase(dsn: string): Promise<void> {
  await runOn(dsnFor(dsn, TEMPLATE), `DROP DATABASE ${new URL(dsn).pathname.slice(1)} WITH (FORCE)`);
}

interface Platform {
  readonly url: string;
  readonly pid: number;
  readonly tokens: readonly string[];
  /** Throws if it has ended. */
  check(): void;
  close(): Promise<void>;
}

async function startPlatform({ buyers, price = 100, delayMs = 0 }: StageOptions): Promise<Platform> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['bench/stage/platform-process.ts', ...[buyers, price, delayMs].map(String)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  if (!child.stdout || !child.stdin || child.pid === undefined) throw new Error('the platform has no process');
  const { stdin } = child;
  let isClosing = false;
  let ended: string | undefined;
  child.once('exit', (code, signal) => {
    ended = `the platform around the service ended with ${signal ?? code}`;
    if (!isClosing && !isCutShort()) process.stderr.write(`${ended}\n`);
  });
  const close = toClose(async () => {
    isClosing = true;
    stdin.end();
    await endChild(child, 'SIGTERM', PLATFORM_END_TIMEOUT_MS);
  });
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === '') break;
    printed.push(line);
  }
  const [url, ...tokens] = printed;
  if (url === undefined) throw new Error('the platform did not start');
  return {
    url,
    pid: child.pid,
    tokens,
    check() {
      if (ended !== undefined) throw new Error(ended);
    },
    close,
  };
}
