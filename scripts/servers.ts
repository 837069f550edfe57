import { resolve } from 'node:path';
import { type Config, readConfig } from '../src/config.ts';
import { DEMO_STRIPE_KEYS } from '../src/embedded/demo-accounts.ts';
import { runningPostgres } from '../src/embedded/postgres/postgres.ts';
import { type Database, openDatabase } from '../src/platform/postgres/database.ts';
import type { StripeProviderOptions } from '../src/platform/stripe/stripe.provider.ts';

/** A query over the whole database may take longer than a request. */
const STATEMENT_TIMEOUT_MS = 600_000;
const CONNECTIONS = 2;

/** The configuration of the service. Scripts also run with stand-ins in production. */
export function readScriptConfig(): Config {
  return readConfig({ ...process.env, NODE_ENV: 'development' });
}

/** The database of POSTGRES_DSN, or of the service that runs in DATA_DIR. Throws an Error that says what to do. */
export async function openServiceDatabase({ POSTGRES_DSN, DATA_DIR, currency }: Config): Promise<Database> {
  const dsn = POSTGRES_DSN ?? (await runningPostgres(resolve(DATA_DIR)));
  if (dsn === undefined) {
    throw new Error('There is no database: set POSTGRES_DSN, or start the service to use its embedded database.');
  }
  return openDatabase({
    currency,
    dsn,
    maxConnections: CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onIdleError: () => undefined,
  });
}

/** Stripe's account of the service, or the stand-in of the service that runs on PORT. */
export function stripeOfService(config: Config): StripeProviderOptions {
  return {
    secretKey: config.STRIPE_SECRET_KEY ?? DEMO_STRIPE_KEYS.secretKey,
    webhookSecret: config.STRIPE_WEBHOOK_SECRET ?? '',
    apiBase: config.STRIPE_SECRET_KEY ? config.STRIPE_API_BASE : `http://127.0.0.1:${config.PORT}`,
  };
}
