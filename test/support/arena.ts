import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Watch } from '../../src/app.ts';
import { openLedger } from '../../src/embedded/stripe/ledger.ts';
import { StripeRoutes } from '../../src/embedded/stripe/stripe.routes.ts';
import { createTicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { instant } from '../../src/kernel/clock.ts';
import { Currency } from '../../src/kernel/money.ts';
import { atEnd } from './at-end.ts';
import { openSql } from './databases.ts';
import { listeningApp } from './embedded-host.ts';
import { asRacer, createInterleaving, type Interleaving } from './interleaving.ts';
import { testDatabase } from './own-database.ts';
import { confirmIntent, startPlatformApp } from './platform-app.ts';
import { deliverPayment, startReplica } from './races.ts';
import { recordEvents } from './recorded-events.ts';
import { close } from './servers.ts';
import { stripeApi } from './stripe-api.ts';
import { findingsIn } from './test-app.ts';

/** The service with all of its background work left to the test, and its effects released one at a time. */
export type Arena = Awaited<ReturnType<typeof openArena>>;

export interface RequestOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Sends the request to the other process. */
  readonly ofReplica?: boolean;
}

/** What a page needs to pay for an order. */
interface Offer {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** The contents of a payment webhook, apart from its payment. */
interface PaymentReport {
  readonly amountMinor?: number;
  readonly eventId?: string;
  readonly ofReplica?: boolean;
}

/** Hundreds of rounds take a while on a busy machine. */
const TOKEN_LIFE_S = 3_600;
const QR_KEY_BYTES = 32;
const ADMINS = ['/Permissions/Users/System Admins'];
const ALL_WORK: readonly string[] = ['webhooks', 'expiry', 'conclusion', 'refunds', 'relay'];

/**
 * Starts two processes on the same servers. `watch` wraps the ports inside the interleaving, so that a control can remove
 * a guard; the database must be sound at the end if it is `verified`; `env` has further variables of both processes.
 */
export async function openArena({
  watch = (_name, port) => port,
  verified = true,
  env: more = {},
}: {
  watch?: Watch;
  verified?: boolean;
  env?: Readonly<Record<string, string>>;
} = {}) {
  const [hosted, dsn] = await Promise.all([hostStripe(), testDatabase()]);
  const qrKey = randomBytes(QR_KEY_BYTES).toString('base64');
  const interleaving = createInterleaving(dsn);
  const events = recordEvents();
  const overrides: { watch: Watch } = { watch: (name, port) => interleaving.watch(name, watch(name, port)) };
  const env = {
    POSTGRES_DSN: dsn,
    // There are more connections than racers, because a racer waiting for a connection would not be seen to wait.
    POSTGRES_POOL_SIZE: '20',
    // Which orders share a statement would be chance; other races cover that.
    ORDERS_PER_STATEMENT: '1',
    STRIPE_SECRET_KEY: 'sk_test_embedded',
    STRIPE_API_BASE: hosted.url,
    // Both processes read the tickets of either.
    QR_SECRET_KEY: qrKey,
    LOG_LEVEL: 'error',
    ...more,
  };
  const platform = await startPlatformApp(
    env,
    { background: false, verified: false },
    { ...overrides, eventLog: events.log },
  );
  if (verified) atEnd(async () => expect(await findingsIn(dsn, new Currency('lkr'))).toEqual([]));
  const replica = await startReplica(platform, env, overrides);
  for (const { app } of [platform.app, replica]) interleaving.tagRequests(app.http.server);
  const token = (claims = {}) => platform.issuer.token(randomUUID(), claims, { expiresIn: TOKEN_LIFE_S });
  const [buyer, admin] = await Promise.all([token(), token({ user_groups: ADMINS })]);
  const { sql: rows, close: closeRows } = openSql(dsn);
  atEnd(closeRows);
  const processOf = (ofReplica: boolean) => (ofReplica ? replica : platform.app);
  const { turn } = platform.app.app;

  /** Pays as a page does; returns whether Stripe accepted it. */
  const confirm = async ({ intentId, clientSecret }: Offer) =>
    (await confirmIntent(hosted.url, intentId, clientSecret, 'pm_card_visa')) === 200;

  /** Delivers a payment webhook to a process, which applies what is due. */
  async function reportPayment(
    who: string,
    orderId: string,
    intentId: string,
    { amountMinor, eventId, ofReplica = false }: PaymentReport = {},
  ): Promise<void> {
    const app = processOf(ofReplica);
    await deliverPayment({ app }, orderId, intentId, amountMinor, { eventId, headers: asRacer(who) });
    await app.app.turn('webhooks');
  }

  /** Runs racers, none of whom may wait for a lock of another that waits for theirs. */
  const race: Interleaving['race'] = async (choose, works) => {
    const raced = await interleaving.race(choose, works);
    expect(raced.standstills).toBe(0);
    return raced;
  };

  return {
    platform,
    /** Another process on the same servers. */
    replica,
    interleaving,
    stripe: stripeApi(hosted.url),
    /** The state of Stripe. */
    bank: hosted.ledger,
    /** Seals the QR texts of both processes. */
    sealer: await createTicketSealer([qrKey]),
    events,
    /** Tokens of a buyer and of an administrator. */
    buyer,
    admin,
    /** A token of a new user. */
    newcomer: () => token(),
    rows,
    race,
    /** A request of a racer. */
    call: (
      who: string,
      method: string,
      path: string,
      { ofReplica = false, headers, ...options }: RequestOptions = {},
    ) => processOf(ofReplica).call(method, path, { ...options, headers: { ...headers, ...asRacer(who) } }),
    async offer(orderId: string): Promise<Offer> {
      const path = `/api/order/${orderId}/create-payment-intent`;
      const { body } = await platform.app.call('POST', path, { token: buyer });
      return { intentId: body.paymentIntentId, clientSecret: body.clientSecret };
    },
    confirm,
    /** The same as an effect of a racer; when Stripe accepted it, its webhook follows and is applied. */
    async payAndReport(who: string, orderId: string, offer: Offer, amountMinor?: number): Promise<boolean> {
      const isPaid = await interleaving.effect('page confirm', () => confirm(offer));
      if (isPaid) await reportPayment(who, orderId, offer.intentId, amountMinor ? { amountMinor } : {});
      return isPaid;
    },
    reportPayment,
    /** Lets time pass until an order's hold has ended. */
    endHold: (orderId: string) =>
      interleaving.effect('database time passes', () =>
        rows("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [orderId]),
      ),
    /** Runs the sweeper once for ended holds of either kind. */
    async sweep() {
      await turn('expiry');
      await turn('conclusion');
    },
    /** Runs all background work until there is nothing left to do. */
    async rest() {
      await rows('UPDATE orders SET settling_until = NULL WHERE settling_until IS NOT NULL');
      for (const work of ALL_WORK) while (await turn(work));
    },
  };
}

/** Stripe as a server of its own that sends no webhooks; its state is at hand. */
export async function hostStripe() {
  const { server, url, app } = await listeningApp();
  const clock = { now: () => instant(Date.now()) };
  const ids = { uuid: randomUUID };
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-stripe-'));
  const ledger = await openLedger(folder, clock);
  await app.register(async (scope) =>
    new StripeRoutes({
      secretKey: 'sk_test_embedded',
      publishableKey: 'pk_test_embedded',
      ledger,
      delivery: { add: () => undefined },
      clock,
      ids,
      url,
    }).addRoutes(scope),
  );
  await app.ready();
  atEnd(async () => {
    await close(server);
    await ledger.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { url, ledger };
}

/** Pays for an order through an intent that the order does not know. */
export async function payElsewhere({ stripe }: Arena, orderId: string): Promise<string> {
  const { id } = await stripe.post('payment_intents', {
    amount: '10000',
    currency: 'lkr',
    'metadata[order_id]': orderId,
    confirm: 'true',
    payment_method: 'pm_card_visa',
  });
  return id;
}
