import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { bareEnvironment, freePorts } from './child-server.ts';
import { type FakeIssuer, startFakeIssuer } from './fake-issuer.ts';
import { type FakeSeating, startFakeSeating } from './fake-seating.ts';
import { emptyDatabase } from './own-database.ts';
import { isOk, until } from './servers.ts';

export interface ServiceSurroundings {
  readonly issuer: FakeIssuer;
  readonly seating: FakeSeating;
  /** Every server named; Redis and Kafka do not answer. */
  readonly env: Readonly<Record<string, string>>;
}

/** The variables of a process as in production: every server named but Redis and Kafka. */
export function productionVariables(
  { issuer, seating }: Pick<ServiceSurroundings, 'issuer' | 'seating'>,
  dsn: string,
): Record<string, string> {
  return {
    ...bareEnvironment(),
    HOST: '127.0.0.1',
    POSTGRES_DSN: dsn,
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'secret',
    EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
    EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
    STRIPE_SECRET_KEY: 'sk_test_stop',
    STRIPE_WEBHOOK_SECRET: 'whsec_stop',
    STRIPE_API_BASE: issuer.url,
    QR_SECRET_KEY: randomBytes(32).toString('base64'),
    DATA_DIR: join(tmpdir(), `ticketing-stop-${randomUUID()}`),
    RECONCILE_DAYS: '0',
  };
}

/** Redis and Kafka that are named and do not answer, so that no stand-in takes their place. */
export const UNREACHABLE = { REDIS_ADDR: '127.0.0.1:9', KAFKA_ADDR: '127.0.0.1:9' };

/** The surroundings that a process needs to start as in production, also as several workers. */
export async function surroundings(): Promise<ServiceSurroundings> {
  const [issuer, seating, dsn] = await Promise.all([startFakeIssuer(), startFakeSeating(), emptyDatabase()]);
  return { issuer, seating, env: { ...productionVariables({ issuer, seating }, dsn), ...UNREACHABLE } };
}

/** Starts the service's process without a reader of its output, and resolves when it answers. */
export async function startUnread(env: Readonly<Record<string, string>>) {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.pause();
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  atEnd(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await until('it answers', () => isOk(`${url}/healthz`), 60_000);
  return { child, url, ended };
}

/** Sends a signal until the process ends. One that follows another within milliseconds counts as the same. */
export async function insist(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  await until('the process ends', () => {
    child.kill(signal);
    return child.exitCode !== null || child.signalCode !== null;
  });
}
