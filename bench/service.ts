import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';
import { runningPostgres } from '../src/embedded/postgres/postgres.ts';
import { endChild, toClose } from './stage/closing.ts';
import { endWithUs } from './stage/guard.ts';

/** The service as `npm start` runs it, with its own process and database. */
export interface BenchService {
  readonly url: string;
  /** The service's process, without its database. */
  readonly pid: number;
  /** A connection pool to the service's database. */
  readonly sql: pg.Pool;
  /** An access token of the demo buyer. */
  signIn(username: string): Promise<string>;
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
/** The service itself exits at the latest twenty seconds after a signal. */
const STOP_TIMEOUT_MS = 25_000;
/** A statement that is running when the bench is interrupted is not waited for, because its server ends next. */
const SQL_END_TIMEOUT_MS = 2_000;

/**
 * Starts the service with additional variables and Node arguments, from this checkout or another one. `seatingUrl` answers
 * for both seating services; all other servers are embedded unless a variable names them.
 */
export async function startService(
  seatingUrl: string,
  env: Record<string, string> = {},
  checkout = '.',
  nodeArgs: readonly string[] = [],
): Promise<BenchService> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-bench-'));
  const child = spawn(process.execPath, [...nodeArgs, 'src/main.ts'], {
    cwd: checkout,
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: folder,
      LOG_LEVEL: 'info',
      DRAIN_DELAY_SECONDS: '0',
      // A few buyers place all orders.
      MAX_HELD_SEATS_PER_USER: '0',
      EVENT_QUERY_SERVICE_URL: seatingUrl,
      EVENT_SEATING_SERVICE_URL: seatingUrl,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.pid === undefined) throw new Error('the service has no process');
  const release = endWithUs(child.pid);
  const closeChild = toClose(async () => {
    release();
    await endChild(child, 'SIGTERM', STOP_TIMEOUT_MS);
    await rm(folder, { recursive: true, force: true });
  });
  const url = await urlOf(child.stdout);
  const dsn = env.POSTGRES_DSN ?? (await runningPostgres(folder));
  if (dsn === undefined) throw new Error('the service has no database of its own');
  const sql = new pg.Pool({ connectionString: dsn, max: 4 });
  // An error of an idle connection also fails the next query; without a listener it would end this process.
  sql.on('error', () => undefined);
  return {
    url,
    pid: child.pid,
    sql,
    signIn: (username) => signIn(url, username),
    async close() {
      await Promise.race([sql.end(), pause(SQL_END_TIMEOUT_MS, undefined, { ref: false })]);
      await closeChild();
    },
  };
}

async function urlOf(output: NodeJS.ReadableStream): Promise<string> {
  let printed = '';
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new Error(`the service did not start in time:\n${printed}`)),
    START_TIMEOUT_MS,
  );
  const isUp = Promise.withResolvers<string>();
  output.on('data', (chunk) => {
    // After its start the service prints errors only.
    if (printed.includes('is up: ')) return void process.stderr.write(chunk);
    printed += chunk;
    const url = /is up: (http\S+)/.exec(printed)?.[1];
    if (url) isUp.resolve(url.replace('localhost', '127.0.0.1'));
  });
  output.on('end', () => isUp.reject(new Error(`the service ended:\n${printed}`)));
  try {
    return await Promise.race([isUp.promise, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function signIn(url: string, username: string): Promise<string> {
  const response = await fetch(`${url}/realms/event-ticketing/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'login-testing',
      username,
      password: 'demo',
    }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (!answer.access_token) throw new Error(`${username} could not sign in`);
  return answer.access_token;
}

/** Seating services that accept every seat at one price and grant every role, so that they limit no measurement. */
export async function startSeating({ price = 100 } = {}): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('/verify-')) return void response.end('true');
    const asked = JSON.parse((await text(request)) || '{}') as { seat_ids?: string[] };
    const tier = { id: '33333333-3333-4333-8333-333333333333', name: 'VIP', price, color: '#FFD700' };
    const seats = (asked.seat_ids ?? []).map((seatId) => ({ seatId, label: seatId.slice(0, 4), tier }));
    response.end(JSON.stringify({ seats, discount: null }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close().closeAllConnections() };
}

/** Sends one request and returns its status and parsed body. */
export type Send = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;

/** A signed-in client with this number of connections. */
export function openClient(url: string, token: string, connections: number): { send: Send; close(): Promise<void> } {
  const pool = new Pool(url, { connections, pipelining: 1 });
  return {
    async send(method, path, body) {
      const answer = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const sent = await answer.body.text();
      return { status: answer.statusCode, body: sent === '' ? undefined : JSON.parse(sent) };
    },
    close: () => pool.close(),
  };
}
