import { randomBytes } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { readIfThere, readOrCreateFile } from '../kept-file.ts';
import { findBinaries, type PostgresBinaries } from './binaries.ts';
import { runAs, type ServerAccount, serverAccount } from './server-account.ts';
import { runToEnd, type ServerProcess, startServer } from './server-process.ts';

/** A real PostgreSQL server as a child process, with its data in the data folder. */
export interface EmbeddedPostgres {
  readonly dsn: string;
  /** Stops the server with a fast shutdown; committed data is on disk. */
  close(): Promise<void>;
}

const USER = 'ticketing';
const DATABASE = 'ticketing';
const PASSWORD_BYTES = 24;
const CONNECT_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_S = 20;
const START_AGAIN_MS = 1_000;
const MAX_REASONS = 3;
/** Enough for several replicas, and for the 300 clients of the benchmark. */
const MAX_CONNECTIONS = 400;

/**
 * Starts the server of the data folder, and creates its database cluster the first time. A server that a killed process has
 * left running in the folder is stopped first. A server that ends by itself, for example because the disk is full, is
 * restarted, and `onEnded` is called each time. The caller holds the claim on `dataDir`. Throws an Error that says what to do.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  onEnded: (reason: string) => void = () => undefined,
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const account = await serverAccount(dataDir);
  const clusterDir = join(dataDir, 'postgres');
  const password = await readOrCreateFile(join(dataDir, 'postgres.password'), () =>
    randomBytes(PASSWORD_BYTES).toString('hex'),
  );
  const isNew = await createCluster(clusterDir, dataDir, binaries, account);
  if (!isNew) await stopOrphan(clusterDir, password, binaries, account);

  const port = await freePort();
  const start = () => startServer(binaries.postgres, serverArguments(clusterDir, port), account);
  const server = await start();
  const dsn = dsnOf(DATABASE, port, password);
  try {
    await createDatabase(dsnOf('postgres', port, password));
  } catch (error) {
    await stop(server);
    throw error;
  }
  return { dsn, close: keepRunning(server, start, onEnded) };
}

/** The reason in the server's output. Its other lines are left out, because they may contain stored data. */
function reasonIn(output: string): string {
  const reasons = output.split('\n').filter((line) => /\b(PANIC|FATAL): /.test(line));
  return reasons.slice(-MAX_REASONS).join('; ') || 'no reason was given';
}

/** Restarts a server whenever it ends, until the returned function is called, which stops it. */
function keepRunning(
  first: ServerProcess,
  startAgain: () => Promise<ServerProcess>,
  onEnded: (reason: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let server: ServerProcess | undefined = first;

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const output = await server?.ended;
      if (stopping.signal.aborted) return;
      if (output !== undefined) onEnded(reasonIn(output));
      server = undefined;
      await pause(START_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      server = await startAgain().catch((error: Error) => void onEnded(reasonIn(error.message)));
    }
  }

  const watched = watch();
  return async () => {
    stopping.abort();
    if (server) await stop(server);
    await watched;
    // A restart may have been in progress when the stop began.
    if (server) await stop(server);
  };
}

/** The address of the running server of a data folder; undefined when none is running. */
export async function runningPostgres(dataDir: string): Promise<string | undefined> {
  const password = await readIfThere(join(dataDir, 'postgres.password'));
  const port = await portInUse(join(dataDir, 'postgres'));
  if (password === undefined || port === undefined) return undefined;
  const folder = await servedFolder(dsnOf('postgres', port, password));
  return folder === join(dataDir, 'postgres') ? dsnOf(DATABASE, port, password) : undefined;
}

/** The port in the lock file of a server; the server may have ended since. */
async function portInUse(clusterDir: string): Promise<number | undefined> {
  const lockFile = await readIfThere(join(clusterDir, 'postmaster.pid'));
  const port = Number(lockFile?.split('\n')[3]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

function dsnOf(database: string, port: number, password: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

function serverArguments(clusterDir: string, port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: MAX_CONNECTIONS,
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return ['-D', clusterDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Creates the cluster unless it exists; true when it was created. */
async function createCluster(
  clusterDir: string,
  dataDir: string,
  binaries: PostgresBinaries,
  account: ServerAccount,
): Promise<boolean> {
  if (await readIfThere(join(clusterDir, 'PG_VERSION'))) return false;
  await mkdir(clusterDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dataDir, 'postgres.password');
  if (account.kind === 'other') {
    await chown(clusterDir, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const options = {
    pgdata: clusterDir,
    username: USER,
    pwfile: passwordFile,
    auth: 'scram-sha-256',
    encoding: 'UTF8',
    'locale-provider': 'builtin',
    'builtin-locale': 'C.UTF-8',
    locale: 'C',
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  await runToEnd(runAs(account, binaries.initdb, args));
  return true;
}

/** Stops a server whose parent process was killed. The server itself refuses a folder that is in use. */
async function stopOrphan(
  clusterDir: string,
  password: string,
  binaries: PostgresBinaries,
  account: ServerAccount,
): Promise<void> {
  const port = await portInUse(clusterDir);
  if (port === undefined) return;
  if ((await servedFolder(dsnOf('postgres', port, password))) !== clusterDir) return;
  const args = ['stop', '-D', clusterDir, '-m', 'fast', '-w', '-t', String(STOP_TIMEOUT_S)];
  await runToEnd(runAs(account, binaries.pg_ctl, args));
}

async function servedFolder(dsn: string): Promise<string | undefined> {
  const answer = connected(dsn, (client) => client.query<{ data_directory: string }>('SHOW data_directory'));
  return answer.then(({ rows }) => rows[0]?.data_directory).catch(() => undefined);
}

async function createDatabase(dsn: string): Promise<void> {
  await connected(dsn, async (client) => {
    const there = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (there.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

async function connected<Result>(dsn: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => {
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', done);
  });
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === 'string') throw new Error('no free port for the embedded PostgreSQL');
  return address.port;
}

/** SIGINT is the fast shutdown: https://www.postgresql.org/docs/current/server-shutdown.html */
async function stop(server: ServerProcess): Promise<void> {
  await server.end('SIGINT', STOP_TIMEOUT_S * 1_000);
}
