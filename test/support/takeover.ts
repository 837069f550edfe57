import { randomUUID } from 'node:crypto';
import { instant } from '../../src/kernel/clock.ts';
import { hostStripe } from './arena.ts';
import { sql } from './databases.ts';
import { type EarlierOrder, earlierDatabase, earlierOrder } from './earlier-service.ts';
import { newAdmin } from './people/people.ts';
import { startPlatformApp } from './platform-app.ts';
import { recordEvents } from './recorded-events.ts';
import { runScript } from './scripts.ts';
import { stripeApi } from './stripe-api.ts';
import type { TestAppOptions } from './test-app.ts';
import { deliver, stripeEvent } from './webhooks.ts';

/** An order that the earlier service sold, and its payment. */
export interface Sold {
  readonly orderId: string;
  readonly intentId: string;
}

const CENTS = 100;

/** A database of the earlier service and the Stripe account that it sold through. */
export type EarlierSales = Awaited<ReturnType<typeof earlierSales>>;

export async function earlierSales(currency = 'lkr') {
  const [hosted, dsn] = await Promise.all([hostStripe(), earlierDatabase()]);
  const stripe = stripeApi(hosted.url);
  /** The variables that name both, for the service and for its commands. */
  const env: Record<string, string> = {
    POSTGRES_DSN: dsn,
    STRIPE_SECRET_KEY: 'sk_test_embedded',
    STRIPE_API_BASE: hosted.url,
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    CURRENCY: currency,
  };

  /** An intent for an order, paid unless no card is given. */
  async function intent(orderId: string, amountMinor: number, card?: string): Promise<string> {
    const paid: Record<string, string> = card ? { confirm: 'true', payment_method: card } : {};
    const form = { amount: String(amountMinor), currency, 'metadata[order_id]': orderId, ...paid };
    const { id } = await stripe.post('payment_intents', form);
    return id;
  }

  return {
    dsn,
    stripe,
    env,
    intent,
    sql: <Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]) =>
      sql<Row>(dsn, text, values),
    order: (order?: EarlierOrder) => earlierOrder(dsn, order),
    /** An order that its webhook completed: a succeeded intent that names the order, and the row. */
    async sell({
      amountMinor,
      card = 'pm_card_visa',
      ...order
    }: EarlierOrder & { readonly amountMinor?: number; readonly card?: string } = {}): Promise<Sold> {
      const { prices = [150.5], orderId = randomUUID() } = order;
      const price = Math.round(prices.reduce((sum, each) => sum + each, 0) * CENTS);
      const intentId = await intent(orderId, amountMinor ?? price, card);
      await earlierOrder(dsn, { ...order, prices, orderId, intentId });
      return { orderId, intentId };
    },
    /** The refunds of an intent at Stripe, minor units, newest first. */
    async refunded(intentId: string): Promise<number[]> {
      return (await stripe.list(`refunds?payment_intent=${intentId}`)).map(({ amount }) => amount);
    },
    /** The payments of an order, as stored. */
    payments: (orderId: string) =>
      sql(
        dsn,
        `SELECT payment_intent_id, amount_minor::int, currency, state, taken_over FROM payments
          WHERE order_id = $1 ORDER BY payment_intent_id`,
        [orderId],
      ),
    /** Runs a command of `scripts/`. */
    run: (command: string, ...args: string[]) => runScript(command, env, args),
  };
}

const WARN = 40;
const TURNS = ['reconciliation', 'decision', 'webhooks', 'expiry', 'conclusion', 'refunds', 'relay'] as const;

/** Starts this service on that database. Background work runs only if `background` is set. */
export async function takeOver(
  { env, stripe }: EarlierSales,
  { background = false, verified = true }: TestAppOptions = {},
  more: Record<string, string> = {},
) {
  const events = recordEvents();
  const platform = await startPlatformApp({ ...env, ...more }, { background, verified }, { eventLog: events.log });
  const { token: admin } = await newAdmin(platform);
  const { app } = platform;

  /** Runs all background work, until there is nothing left to do. */
  async function work(): Promise<void> {
    for (const turn of TURNS) while (await app.app.turn(turn));
  }

  return {
    platform,
    admin,
    work,
    /** Moves to the day of the next comparison with Stripe. */
    async nextDay() {
      await app.sql("UPDATE daily_jobs SET due_at = due_at - interval '25 hours' WHERE name = 'reconcile'");
      await work();
    },
    /** Stripe reports again that a payment succeeded. */
    async webhook(intentId: string) {
      const intent = await stripe.get(`payment_intents/${intentId}`);
      await deliver(app, stripeEvent('payment_intent.succeeded', intent));
      await work();
    },
    /** Another system reports that an order was paid. */
    async paidElsewhere(message: Record<string, unknown>) {
      const value = JSON.stringify(message);
      const event = { eventId: randomUUID(), topic: 'payment_succefully', key: 'key', value };
      await events.log.publish([{ ...event, committedAt: instant(Date.now()) }]);
      await work();
    },
    asAdmin: (method: string, path: string, body?: unknown) => app.call(method, path, { token: admin, body }),
    /** The entries logged at `warn` and above, as objects. */
    warnings: (): Record<string, unknown>[] =>
      app.log.map((line) => JSON.parse(line)).filter(({ level }) => level >= WARN),
  };
}
