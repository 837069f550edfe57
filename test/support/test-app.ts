import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type App, buildApp, type Overrides } from '../../src/app.ts';
import { CHECKS } from '../../src/checks.ts';
import { readConfig } from '../../src/config.ts';
import { type Finding, verify } from '../../src/features/verification/index.ts';
import type { Currency } from '../../src/kernel/money.ts';
import { openDatabase } from '../../src/platform/postgres/database.ts';
import { atEnd } from './at-end.ts';
import { openSql } from './databases.ts';
import { refusalsSeen } from './documented-refusals.ts';
import { testDatabase } from './own-database.ts';
import { until } from './servers.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
  readonly text: string;
}

/** The service as production builds it, on a database and a port of its own. */
export interface TestApp {
  readonly app: App;
  readonly url: string;
  readonly dsn: string;
  /** Every line logged so far. */
  readonly log: string[];
  /** An API call; `body` is sent as JSON. */
  call(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** An access token of a demo user of the embedded identity provider. */
  signIn(username: string): Promise<string>;
  sql<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Waits until a query finds so many rows. */
  untilRows(what: string, count: number, text: string, values?: readonly unknown[]): Promise<void>;
}

export interface TestAppOptions {
  /** Whether relay and sweepers run; without them it answers requests and does nothing else. */
  readonly background?: boolean;
  /** Whether its database must be sound at the end. */
  readonly verified?: boolean;
}

/** Starts it for this test file and stops it afterwards; `env` adds to or replaces variables. */
export async function startTestApp(
  env: Record<string, string> = {},
  overrides: Overrides = {},
  { background = true, verified = background }: TestAppOptions = {},
): Promise<TestApp> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-app-'));
  const dsn = env.POSTGRES_DSN ?? (await testDatabase());
  const { sql, close: closeSql } = openSql(dsn);
  const log: string[] = [];
  const refusals = refusalsSeen();
  const config = readConfig({
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: folder,
    POSTGRES_DSN: dsn,
    SWEEP_INTERVAL_SECONDS: '0.05',
    // A machine busy with other tests is slow, and races need all requests inside at once; other tests cover the queue.
    MAX_QUEUE_MS: '60000',
    PLACING_CONCURRENCY: '1000',
    // Tests place many orders of one buyer.
    MAX_HELD_SEATS_PER_USER: '0',
    LOG_LEVEL: 'debug',
    ...env,
  });
  const app = await buildApp(config, { logTo: { write: (line) => void log.push(line) }, ...overrides });
  if (background) app.start();
  atEnd(async () => {
    // Without background work messages stay unpublished, which is a finding after a while. A test may have closed the service already.
    const isOpen = app.http.server.listening;
    if (verified && !background && isOpen) while (await app.turn('relay'));
    if (verified) expect(await findingsIn(dsn, config.currency)).toEqual([]);
    const undocumented = refusals.undocumented(app.http);
    await app.close();
    await closeSql();
    await rm(folder, { recursive: true, force: true });
    expect(undocumented, 'the `refuses` of these routes lack these codes').toEqual([]);
  });
  const url = `http://127.0.0.1:${new URL(app.url).port}`;
  return {
    app,
    url,
    dsn,
    log,
    async call(method, path, options) {
      const answer = await call(url, method, path, options);
      refusals.add(method, path, answer.status, answer.body);
      return answer;
    },
    signIn: (username) => signIn(url, username),
    sql,
    async untilRows(what, count, text, values) {
      await until(what, async () => (await sql(text, values)).length === count);
    },
  };
}

/** The invariants that a database of a test breaks: every test file that runs the service ends with this check. */
export async function findingsIn(dsn: string, currency: Currency): Promise<Finding[]> {
  const database = openDatabase({ currency, dsn, maxConnections: 1, onIdleError: () => undefined });
  try {
    return await database.snapshot((executor) => verify(executor, CHECKS));
  } finally {
    await database.close();
  }
}

/** One HTTP request; the body is parsed where it is JSON. */
export async function call(
  url: string,
  method: string,
  path: string,
  {
    token,
    body,
    headers = {},
    signal = null,
  }: { token?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal | null } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    signal,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text ? JSON.parse(text) : undefined,
    text,
  };
}

export async function signIn(url: string, username: string): Promise<string> {
  const response = await fetch(`${url}/realms/event-ticketing/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'login-testing',
      username,
      password: 'demo',
      scope: 'openid',
    }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (!answer.access_token) throw new Error(`no token for ${username}: ${JSON.stringify(answer)}`);
  return answer.access_token;
}
