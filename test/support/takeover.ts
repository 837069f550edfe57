import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { instant } from '../../src/kernel/clock.ts';
import { hostStripe } from './arena.ts';
import { bareEnvironment } from './child-server.ts';
import { sql } from './databases.ts';
import { type EarlierOrder, earlierDatabase, earlierOrder } from './earlier-service.ts';
import { type PlatformApp, startPlatformApp } from './platform-app.ts';
import { recordEvents } from './recorded-events.ts';
import { type StripeApi, stripeApi } from './stripe-api.ts';
import type { Answer, TestAppOptions } from './test-app.ts';
import { deliver, stripeEvent } from './webhooks.ts';

/** An order that the earlier service sold, and its payment. */
export interface Sold {
  readonly orderId: string;
  readonly intentId: string;
}

/** A database of the earlier service and the Stripe account that it sold through. */
export interface EarlierSales {
  readonly dsn: string;
  readonly stripe: StripeApi;
  /** The variables that name both, for the service and for its commands. */
  readonly env: Record<string, string>;
  /** An order that its webhook completed: a succeeded intent that names the order, and the row. */
  sell(order?: EarlierOrder & { readonly amountMinor?: number; readonly card?: string }): Promise<Sold>;
  /** An intent for an order, paid unless no card is given. */
  intent(orderId: string, amountMinor: number, card?: string): Promise<string>;
  order(order?: EarlierOrder): Promise<string>;
  sql: <Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  /** The refunds of an intent at Stripe, minor units, newest first. */
  refunded(intentId: string): Promise<number[]>;
  /** The payments of an order, as stored. */
  payments(orderId: string): Promise<Record<string, unknown>[]>;
  /** Runs a command of `scripts/`; returns its exit code and its output. */
  run(command: string, ...args: string[]): Promise<{ code: number; out: string; err: string }>;
}

const CENTS = 100;
const MAX_OUTPUT_BYTES = 1_000_000;

export async function earlierSales(currency = 'lkr'): Promise<EarlierSales> {
  const [hosted, dsn] = await Promise.all([hostStripe(), earlierDatabase()]);
  const stripe = stripeApi(hosted.url);
  const env = {
    POSTGRES_DSN: dsn,
    STRIPE_SECRET_KEY: 'sk_test_embedded',
    STRIPE_API_BASE: hosted.url,
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    CURRENCY: currency,
  };
  const sales: EarlierSales = {
    dsn,
    stripe,
    env,
    sql: (text, values) => sql(dsn, text, values),
    order: (order) => earlierOrder(dsn, order),
    async intent(orderId, amountMinor, card) {
      const paid: Record<string, string> = card ? { confirm: 'true', payment_method: card } : {};
      const form = { amount: String(amountMinor), currency, 'metadata[order_id]': orderId, ...paid };
      const { id } = await stripe.post('payment_intents', form);
      return id;
    },
    async sell({ amountMinor, card = 'pm_card_visa', ...order } = {}) {
      const { prices = [150.5], orderId = randomUUID() } = order;
      const price = Math.round(prices.reduce((sum, each) => sum + each, 0) * CENTS);
      const intentId = await sales.intent(orderId, amountMinor ?? price, card);
      await earlierOrder(dsn, { ...order, prices, orderId, intentId });
      return { orderId, intentId };
    },
    async refunded(intentId) {
      return (await stripe.list(`refunds?payment_intent=${intentId}`)).map(({ amount }) => amount);
    },
    payments: (orderId) =>
      sql(
        dsn,
        `SELECT payment_intent_id, amount_minor::int, currency, state, taken_over FROM payments
          WHERE order_id = $1 ORDER BY payment_intent_id`,
        [orderId],
      ),
    run: (command, ...args) =>
      new Promise((done) => {
        const options = { env: { ...bareEnvironment(), ...env }, maxBuffer: MAX_OUTPUT_BYTES };
        execFile(process.execPath, [`scripts/${command}.ts`, ...args], options, (error, out, err) =>
          done({ code: error ? Number(error.code) : 0, out, err }),
        );
      }),
  };
  return sales;
}

/** This service on that database. Background work runs only if `background` is set. */
export interface TakenOver {
  readonly platform: PlatformApp;
  readonly admin: string;
  /** Runs all background work, until there is nothing left to do. */
  work(): Promise<void>;
  /** Moves to the day of the next comparison with Stripe. */
  nextDay(): Promise<void>;
  /** Stripe reports again that a payment succeeded. */
  webhook(intentId: string): Promise<void>;
  /** Another system reports that an order was paid. */
  paidElsewhere(message: Record<string, unknown>): Promise<void>;
  asAdmin(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The entries logged at `warn` and above, as objects. */
  warnings(): Record<string, unknown>[];
}

const WARN = 40;
const TURNS = ['reconciliation', 'decision', 'webhooks', 'expiry', 'conclusion', 'refunds', 'relay'] as const;

export async function takeOver(
  { env, stripe }: EarlierSales,
  { background = false, verified = true }: TestAppOptions = {},
  more: Record<string, string> = {},
): Promise<TakenOver> {
  const events = recordEvents();
  const platform = await startPlatformApp({ ...env, ...more }, { background, verified }, { eventLog: events.log });
  const admin = await platform.issuer.token(randomUUID(), { user_groups: ['/Permissions/Users/System Admins'] });
  const { app } = platform;
  const taken: TakenOver = {
    platform,
    admin,
    async work() {
      for (const turn of TURNS) while (await app.app.turn(turn));
    },
    async nextDay() {
      await app.sql("UPDATE daily_jobs SET due_at = due_at - interval '25 hours' WHERE name = 'reconcile'");
      await taken.work();
    },
    async webhook(intentId) {
      const intent = await stripe.get(`payment_intents/${intentId}`);
      await deliver(app, stripeEvent('payment_intent.succeeded', intent));
      await taken.work();
    },
    async paidElsewhere(message) {
      const value = JSON.stringify(message);
      const event = { eventId: randomUUID(), topic: 'payment_succefully', key: 'key', value };
      await events.log.publish([{ ...event, committedAt: instant(Date.now()) }]);
      await taken.work();
    },
    asAdmin: (method, path, body) => app.call(method, path, { token: admin, body }),
    warnings: () => app.log.map((line) => JSON.parse(line)).filter(({ level }) => level >= WARN),
  };
  return taken;
}
