import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import type { Watch } from '../../src/app.ts';
import { openLedger, type Ledger as StripeLedger } from '../../src/embedded/stripe/ledger.ts';
import { StripeRoutes } from '../../src/embedded/stripe/stripe.routes.ts';
import { createTicketSealer, type TicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { instant } from '../../src/kernel/clock.ts';
import { Currency } from '../../src/kernel/money.ts';
import { atEnd } from './at-end.ts';
import { listeningApp } from './embedded-host.ts';
import { asRacer, createInterleaving, type Interleaving } from './interleaving.ts';
import { testDatabase } from './own-database.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from './platform-app.ts';
import { deliverPayment, startReplica } from './races.ts';
import { type RecordedEvents, recordEvents } from './recorded-events.ts';
import type { Choose } from './schedules.ts';
import { close } from './servers.ts';
import { type StripeApi, stripeApi } from './stripe-api.ts';
import { type Answer, findingsIn, type TestApp } from './test-app.ts';

/** The service with all of its background work left to the test, and its effects released one at a time. */
export interface Arena {
  readonly platform: PlatformApp;
  /** Another process on the same servers. */
  readonly replica: TestApp;
  readonly interleaving: Interleaving;
  readonly stripe: StripeApi;
  /** The state of Stripe. */
  readonly bank: StripeLedger;
  /** Seals the QR texts of both processes. */
  readonly sealer: TicketSealer;
  readonly events: RecordedEvents;
  /** Tokens of a buyer and of an administrator. */
  readonly buyer: string;
  readonly admin: string;
  /** A token of a new user. */
  newcomer(): Promise<string>;
  rows<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** A request of a racer. */
  call(who: string, method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** What a page needs to pay for an order. */
  offer(orderId: string): Promise<Offer>;
  /** Pays as a page does; returns whether Stripe accepted it. */
  confirm(offer: Offer): Promise<boolean>;
  /** The same as an effect of a racer; when Stripe accepted it, its webhook follows and is applied. */
  payAndReport(who: string, orderId: string, offer: Offer, amountMinor?: number): Promise<boolean>;
  /** Delivers a payment webhook to a process, which applies what is due. */
  reportPayment(who: string, orderId: string, intentId: string, report?: PaymentReport): Promise<void>;
  /** Lets time pass until an order's hold has ended. */
  endHold(orderId: string): Promise<unknown>;
  /** Runs the sweeper once for ended holds of either kind. */
  sweep(): Promise<void>;
  /** Runs all background work until there is nothing left to do. */
  rest(): Promise<void>;
}

export interface RequestOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Sends the request to the other process. */
  readonly ofReplica?: boolean;
}

export interface Offer {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** The contents of a payment webhook, apart from its payment. */
export interface PaymentReport {
  readonly amountMinor?: number;
  readonly eventId?: string;
  readonly ofReplica?: boolean;
}

export interface ArenaOptions {
  /** Wraps the ports inside the interleaving, so that a control can remove a guard. */
  readonly watch?: Watch;
  /** Whether the database must be sound at the end. */
  readonly verified?: boolean;
  /** Further variables of both processes. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Hundreds of rounds take a while on a busy machine. */
const TOKEN_LIFE_S = 3_600;
const QR_KEY_BYTES = 32;
const ADMINS = ['/Permissions/Users/System Admins'];

export async function openArena({ watch = (_name, port) => port, verified = true, env: more }: ArenaOptions = {}) {
  const [hosted, dsn] = await Promise.all([hostStripe(), testDatabase()]);
  const qrKey = randomBytes(QR_KEY_BYTES).toString('base64');
  const sealer = await createTicketSealer([qrKey]);
  const interleaving = createInterleaving(dsn);
  const events = recordEvents();
  const overrides: { watch: Watch } = {
    watch: (name, port) => interleaving.watch(name, watch(name, port)),
  };
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
  const newcomer = () => token();
  const [buyer, admin] = await Promise.all([newcomer(), token({ user_groups: ADMINS })]);
  const stripe = stripeApi(hosted.url);
  const base = {
    platform,
    replica,
    interleaving,
    stripe,
    bank: hosted.ledger,
    sealer,
    events,
    buyer,
    admin,
    newcomer,
  };
  return withActions({ ...base, rows: await openRows(dsn) }, hosted.url);
}

type Actions = 'call' | 'offer' | 'confirm' | 'payAndReport' | 'reportPayment' | 'endHold' | 'sweep' | 'rest';

function withActions(base: Omit<Arena, Actions>, stripeUrl: string): Arena {
  const { platform, replica, interleaving, buyer, rows } = base;
  const { app: service } = platform.app;
  const arena: Arena = {
    ...base,
    call(who, method, path, { ofReplica = false, headers, ...options } = {}) {
      const app = ofReplica ? replica : platform.app;
      return app.call(method, path, { ...options, headers: { ...headers, ...asRacer(who) } });
    },
    async offer(orderId) {
      const path = `/api/order/${orderId}/create-payment-intent`;
      const { body } = await platform.app.call('POST', path, { token: buyer });
      return { intentId: body.paymentIntentId, clientSecret: body.clientSecret };
    },
    async confirm({ intentId, clientSecret }) {
      return (await confirmIntent(stripeUrl, intentId, clientSecret, 'pm_card_visa')) === 200;
    },
    async payAndReport(who, orderId, offer, amountMinor) {
      const isPaid = await interleaving.effect('page confirm', () => arena.confirm(offer));
      if (isPaid) await arena.reportPayment(who, orderId, offer.intentId, amountMinor ? { amountMinor } : {});
      return isPaid;
    },
    async reportPayment(who, orderId, intentId, { amountMinor, eventId, ofReplica = false } = {}) {
      const app = ofReplica ? replica : platform.app;
      await deliverPayment({ app }, orderId, intentId, amountMinor, { eventId, headers: asRacer(who) });
      await app.app.turn('webhooks');
    },
    endHold: (orderId) =>
      interleaving.effect('database time passes', () =>
        rows("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [orderId]),
      ),
    async sweep() {
      await service.turn('expiry');
      await service.turn('conclusion');
    },
    async rest() {
      await rows('UPDATE orders SET settling_until = NULL WHERE settling_until IS NOT NULL');
      const turns: readonly string[] = ['webhooks', 'expiry', 'conclusion', 'refunds', 'relay'];
      for (const turn of turns) while (await service.turn(turn));
    },
  };
  return arena;
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

/** Plain SQL over one connection, because a race of hundreds of rounds queries often. */
async function openRows(dsn: string): Promise<Arena['rows']> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  atEnd(() => client.end());
  return async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await client.query(text, [...values])).rows as Row[];
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

export interface Explored {
  readonly rounds: number;
  /** How many of them released their effects in an order that no other round had. */
  readonly schedules: number;
  /** How often each outcome was seen. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** A summary for the report of the tests. */
export function inShort({ rounds, schedules, outcomes }: Explored): string {
  const seen = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  return `${rounds} rounds, ${schedules} schedules: ${seen.toSorted().join('; ')}`;
}

/**
 * Runs a round for each schedule; a round returns its outcome in a word. A failure names its schedule: the number, which
 * for seeds is the seed, and the effects in their order.
 */
export async function explore(
  { interleaving, events }: Arena,
  schedules: Iterable<Choose>,
  round: (choose: Choose) => Promise<string>,
): Promise<Explored> {
  const seen = new Set<string>();
  const outcomes: Record<string, number> = {};
  let rounds = 0;
  for (const choose of schedules) {
    rounds += 1;
    events.messages.length = 0;
    try {
      const outcome = await round(choose);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`schedule ${rounds}:\n${inWords(interleaving)}`, { cause: error });
    }
    seen.add(inWords(interleaving));
  }
  return { rounds, schedules: seen.size, outcomes };
}

function inWords(interleaving: Interleaving): string {
  return interleaving
    .steps()
    .map(({ who, effect }) => `${who}: ${effect}`)
    .join('\n');
}
