import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildReconcile } from '../../src/app/reconcile.ts';
import { type Instant, instant } from '../../src/kernel/clock.ts';
import { type Database, openDatabase } from '../../src/platform/postgres/database.ts';
import { createStripeProvider } from '../../src/platform/stripe/stripe.provider.ts';
import { atEnd } from '../support/at-end.ts';
import { LKR } from '../support/currencies.ts';
import { movableClock } from '../support/movable-clock.ts';
import { newPerson, type People, people } from '../support/people/people.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { runScript } from '../support/scripts.ts';
import { until } from '../support/servers.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { type StubStripe, startStubStripe } from '../support/stub-stripe.ts';
import type { TestApp } from '../support/test-app.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const HOUR_MS = 3_600_000;

/** A service that loses its webhooks: Stripe’s are accepted and never applied. */
interface Unnotified extends People {
  readonly platform: PlatformApp;
  readonly stripe: StripeApi;
}

async function startUnnotified(): Promise<Unnotified> {
  const platform = await startPlatformApp({}, { background: false, verified: true });
  return { platform, stripe: stripeApi(platform.app.url), ...(await people(platform)) };
}

/** An order that was paid at Stripe and whose payment was never reported. */
async function paidUnreported({ buyer }: Unnotified, card?: string): Promise<{ orderId: string; intentId: string }> {
  const orderId = await buyer.place();
  return { orderId, intentId: await buyer.pay(orderId, card) };
}

/** The same, but the buyer’s page returned after paying, so the order is completed. */
const sold = ({ buyer }: Unnotified) => buyer.buy([randomUUID()]);

async function stateOf({ platform }: Unnotified, orderId: string) {
  const [row] = await platform.app.sql(
    `SELECT o.status, o.cancel_reason, p.state FROM orders o LEFT JOIN payments p USING (order_id) WHERE order_id = $1`,
    [orderId],
  );
  return row;
}

describe('the comparison with Stripe', () => {
  let unnotified: Unnotified;
  let database: Database;

  beforeAll(async () => {
    unnotified = await startUnnotified();
    database = openDatabase({
      currency: LKR,
      dsn: unnotified.platform.app.dsn,
      maxConnections: 2,
      onIdleError: () => undefined,
    });
    atEnd(() => database.close());
  });

  /** Compares everything and returns the differences of one intent. */
  async function compare(intentId: string, since: Instant = instant(Date.now() - HOUR_MS), lost = false) {
    const provider = createStripeProvider({
      secretKey: 'sk_test_embedded',
      webhookSecret: '',
      apiBase: unnotified.platform.app.url,
    });
    const reconcile = buildReconcile(database, provider, { now: () => instant(Date.now()) });
    const { differences } = await reconcile(since, { lost });
    return differences.filter((each) => each.intentId === intentId);
  }

  test('reports nothing where both sides agree', async () => {
    const { intentId } = await sold(unnotified);
    expect(await compare(intentId)).toEqual([]);
  });

  test('completes the order of a payment that was never reported, once', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified);
    expect(await compare(intentId)).toEqual([
      {
        intentId,
        orderId,
        detail: 'money was received and not recorded; received money was recorded: complete',
        isRepaired: true,
      },
    ]);
    expect(await stateOf(unnotified, orderId)).toEqual({ status: 'completed', cancel_reason: null, state: 'applied' });
    expect(await compare(intentId)).toEqual([]);
    const updates = await unnotified.platform.app.sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [
      orderId,
    ]);
    expect(updates).toHaveLength(1);
  });

  test('settles a payment that was recorded and left unsettled', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified);
    await unnotified.platform.app.sql(
      `WITH counted AS (
         INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT organization_id, event_id, session_id, 'lkr', 10000, 0 FROM orders WHERE order_id = $2)
       INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
       VALUES ($1, $2, 10000, 'lkr', now(), 'received')`,
      [intentId, orderId],
    );
    expect(await compare(intentId)).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'completed', state: 'applied' });
  });

  test('cancels an order that was refunded at Stripe', async () => {
    const { orderId, intentId } = await sold(unnotified);
    const { id } = await unnotified.stripe.post('refunds', { payment_intent: intentId });
    expect(await compare(intentId)).toEqual([
      {
        intentId,
        orderId,
        detail: `10000 refunded at the provider, 0 in the database; ${id} was refunded at the provider`,
        isRepaired: true,
      },
    ]);
    expect(await stateOf(unnotified, orderId)).toEqual({
      status: 'cancelled',
      cancel_reason: 'refunded',
      state: 'refunded',
    });
    expect(await compare(intentId)).toEqual([]);
  });

  test('records our own refund that was made at Stripe and not recorded', async () => {
    const { orderId, intentId } = await sold(unnotified);
    const { refund_id } = await unnotified.admin.refund(orderId);
    const form = { payment_intent: intentId, amount: '10000', 'metadata[refund_id]': refund_id };
    await unnotified.stripe.post('refunds', form);
    expect(await compare(intentId)).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ state: 'refunded' });
    while (await unnotified.platform.app.app.turn('refunds'));
    expect(await unnotified.stripe.list(`refunds?payment_intent=${intentId}`)).toHaveLength(1);
    expect(await compare(intentId)).toEqual([]);
  });

  test('does not report a refund that is due', async () => {
    const { orderId, intentId } = await sold(unnotified);
    await unnotified.admin.refund(orderId, 1);
    expect(await compare(intentId)).toEqual([]);
    while (await unnotified.platform.app.app.turn('refunds'));
    expect(await compare(intentId)).toEqual([]);
  });

  test('cancels an order whose payment is disputed', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified, 'pm_card_createDispute');
    expect(await compare(intentId)).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toEqual({
      status: 'cancelled',
      cancel_reason: 'payment',
      state: 'disputed',
    });
    expect(await compare(intentId)).toEqual([]);
  });

  test('cancels an order whose recorded payment is disputed', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified, 'pm_card_createDispute');
    await unnotified.buyer.tries.checkOut(orderId);
    expect(await compare(intentId)).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'payment' });
  });

  test('restores the seats of an order whose dispute was won, and reports it once', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified, 'pm_card_createDispute');
    await compare(intentId);
    const [dispute] = await unnotified.stripe.list(`disputes?payment_intent=${intentId}`);
    await unnotified.stripe.post(`disputes/${dispute.id}`, { 'evidence[uncategorized_text]': 'winning_evidence' });
    expect(await compare(intentId)).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'completed', state: 'applied' });
    // Stripe still says that the charge was disputed.
    expect(await compare(intentId)).toEqual([]);
  });

  test('cancels an open intent of an order that has ended, and keeps the one an order is to be paid by', async () => {
    const [over, wanted] = [await unnotified.buyer.place(), await unnotified.buyer.place()];
    await unnotified.buyer.cancel(over);
    const left = await unnotified.stripe.post('payment_intents', {
      amount: '10000',
      currency: 'lkr',
      'metadata[order_id]': over,
    });
    const another = await unnotified.stripe.post('payment_intents', {
      amount: '20000',
      currency: 'lkr',
      'metadata[order_id]': wanted,
    });
    const { paymentIntentId } = await unnotified.buyer.intent(wanted);
    expect(await compare(left.id)).toEqual([
      {
        intentId: left.id,
        orderId: over,
        detail: 'it could still be paid, but no pending order expects it',
        isRepaired: true,
      },
    ]);
    const statusOf = async (id: string) => (await unnotified.stripe.get(`payment_intents/${id}`)).status;
    expect([await statusOf(left.id), await statusOf(another.id), await statusOf(paymentIntentId)]).toEqual([
      'canceled',
      'canceled',
      'requires_payment_method',
    ]);
    expect(await compare(left.id)).toEqual([]);
  });

  test('reports amounts that differ, and changes nothing', async () => {
    const { orderId, intentId } = await sold(unnotified);
    await unnotified.platform.app.sql('UPDATE payments SET amount_minor = 9999 WHERE payment_intent_id = $1', [
      intentId,
    ]);
    await unnotified.stripe.post('refunds', { payment_intent: intentId, amount: '1' });
    expect(await compare(intentId)).toEqual([
      { intentId, orderId, detail: '10000 lkr at the provider, 9999 lkr in the database', isRepaired: false },
    ]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'completed', state: 'applied' });
    expect(await unnotified.platform.app.sql('SELECT FROM refunds WHERE payment_intent_id = $1', [intentId])).toEqual(
      [],
    );
    await unnotified.platform.app.sql('UPDATE payments SET amount_minor = 10000 WHERE payment_intent_id = $1', [
      intentId,
    ]);
  });

  test('reports a payment that Stripe does not know, each time', async () => {
    const orderId = await unnotified.buyer.place();
    const intent = paidIntent(orderId);
    await deliver(unnotified.platform.app, stripeEvent('payment_intent.succeeded', intent));
    while (await unnotified.platform.app.app.turn('webhooks'));
    await until('it is completed', async () => (await stateOf(unnotified, orderId))?.status === 'completed');
    for (let time = 0; time < 2; time += 1) {
      expect(await compare(intent.id)).toEqual([
        { intentId: intent.id, orderId, detail: 'the provider does not know this payment', isRepaired: false },
      ]);
    }
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'completed', state: 'applied' });
  });

  test('compares an intent older than the listed ones by its payment', async () => {
    const { orderId, intentId } = await sold(unnotified);
    await unnotified.stripe.post('refunds', { payment_intent: intentId });
    await unnotified.platform.app.sql(
      "UPDATE payments SET received_at = now() + interval '1 hour' WHERE payment_intent_id = $1",
      [intentId],
    );
    expect(await compare(intentId, instant(Date.now() + HOUR_MS / 2))).toMatchObject([{ isRepaired: true }]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
  });

  test.each<[string, () => Promise<string>]>([
    ['without our metadata', async () => 'none'],
    ['of an unknown order', async () => randomUUID()],
  ])('leaves alone an intent %s, which belongs to another system', async (_name, order) => {
    const intent = await unnotified.stripe.post('payment_intents', {
      amount: '100',
      currency: 'lkr',
      'metadata[order_id]': await order(),
    });
    expect(await compare(intent.id)).toEqual([]);
    expect(await unnotified.stripe.get(`payment_intents/${intent.id}`)).toMatchObject({
      status: 'requires_payment_method',
    });
  });

  test('leaves money for missing orders to a person after a restore, until it is refunded', async () => {
    const lost = await unnotified.stripe.post('payment_intents', {
      amount: '100',
      currency: 'lkr',
      'metadata[order_id]': randomUUID(),
    });
    const compareLost = () => compare(lost.id, undefined, true);
    expect(await compareLost()).toMatchObject([
      { isRepaired: false, detail: expect.stringContaining('can still be paid') },
    ]);
    const url = unnotified.platform.app.url;
    expect(await confirmIntent(url, lost.id, lost.client_secret, 'pm_card_visa')).toBe(200);
    expect(await compareLost()).toMatchObject([{ isRepaired: false, detail: expect.stringMatching(/^100 received/) }]);
    await unnotified.stripe.post('refunds', { payment_intent: lost.id });
    expect(await compareLost()).toEqual([]);
    // Orders that exist are compared as always.
    const { intentId } = await paidUnreported(unnotified);
    expect(await compare(intentId, undefined, true)).toMatchObject([{ isRepaired: true }]);
  });

  test('covers more than one page of intents', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified);
    for (let each = 0; each < 120; each += 1) {
      await unnotified.stripe.post('payment_intents', { amount: '100', currency: 'lkr' });
    }
    expect(await compare(intentId)).toMatchObject([{ orderId, isRepaired: true }]);
  });
});

describe('the daily comparison', () => {
  let stub: StubStripe;
  let platform: PlatformApp;
  const clock = movableClock();
  const env = () => ({ STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_API_BASE: stub.url });

  beforeAll(async () => {
    stub = await startStubStripe();
    platform = await startPlatformApp(env(), { background: false, verified: true }, { clock });
  });

  beforeEach(() => {
    stub.isUnavailable = false;
    clock.advance(25 * HOUR_MS);
  });

  const comparisons = (app: TestApp) => app.log.filter((line) => line.includes('payments compared with Stripe')).length;

  test('runs in one process of several, and not again for 24 hours', async () => {
    const replicas = [
      platform.app,
      await startReplica(platform, env(), { clock }),
      await startReplica(platform, env(), { clock }),
    ];
    const done = () => replicas.reduce((total, app) => total + comparisons(app), 0);
    const before = done();
    const turn = () => Promise.all(replicas.map((app) => app.app.turn('reconciliation')));
    await turn();
    expect(done()).toBe(before + 1);
    clock.advance(24 * HOUR_MS - 60_000);
    await turn();
    expect(done()).toBe(before + 1);
    clock.advance(60_000);
    await turn();
    expect(done()).toBe(before + 2);
    expect(await platform.app.sql('SELECT name FROM daily_jobs')).toEqual([{ name: 'reconcile' }]);
  });

  test('repairs what it can, and logs what is left to a person', async () => {
    const buyer = await newPerson(platform);
    const [paid, unknown] = [await buyer.place(), await buyer.place()];
    const intent = paidIntent(paid);
    stub.intents.set(intent.id, intent);
    await platform.app.sql(
      `INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
       VALUES ('pi_of_nowhere', $1, 10000, 'lkr', $2, 'received')`,
      [unknown, new Date(clock.now())],
    );
    await platform.app.app.turn('reconciliation');
    expect((await buyer.read(paid)).Status).toBe('completed');
    const lines = platform.app.log.filter((line) => line.includes('payments differ')).map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      {
        level: expect.anything(),
        intentId: 'pi_of_nowhere',
        orderId: unknown,
        detail: 'the provider does not know this payment',
      },
    ]);
    await platform.app.sql("DELETE FROM payments WHERE payment_intent_id = 'pi_of_nowhere'");
  });

  test('is retried before the next day after Stripe was unavailable', async () => {
    const before = comparisons(platform.app);
    stub.isUnavailable = true;
    await expect(platform.app.app.turn('reconciliation')).rejects.toMatchObject({ code: 'payments_unavailable' });
    stub.isUnavailable = false;
    // The retry waits for a while, to spare Stripe.
    clock.advance(HOUR_MS);
    await platform.app.app.turn('reconciliation');
    expect(comparisons(platform.app)).toBe(before + 1);
  });

  test('never runs when RECONCILE_DAYS is 0', async () => {
    clock.advance(25 * HOUR_MS);
    const never = await startReplica(platform, { ...env(), RECONCILE_DAYS: '0' }, { clock });
    const jobs = () => platform.app.sql('SELECT name, due_at FROM daily_jobs');
    const before = await jobs();
    expect(await never.app.turn('reconciliation')).toBe(false);
    expect(comparisons(never)).toBe(0);
    // It does not claim the job either: it stays due for a replica that has the comparison.
    expect(await jobs()).toEqual(before);
    const done = comparisons(platform.app);
    await platform.app.app.turn('reconciliation');
    expect(comparisons(platform.app)).toBe(done + 1);
  });
});

describe('npm run reconcile', () => {
  let unnotified: Unnotified;

  beforeAll(async () => {
    unnotified = await startUnnotified();
  });

  const usual = () => ({
    POSTGRES_DSN: unnotified.platform.app.dsn,
    STRIPE_SECRET_KEY: 'sk_test_embedded',
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    STRIPE_API_BASE: unnotified.platform.app.url,
  });

  async function run(env: Record<string, string> = {}, args: string[] = []) {
    const { code, out, err } = await runScript('reconcile', { ...usual(), ...env }, args);
    return { code, lines: out.trimEnd().split('\n'), err };
  }

  test('prints a line for each difference and a summary, and exits with 1 if one is left and with 0 otherwise', async () => {
    const { orderId, intentId } = await paidUnreported(unnotified);
    const repaired = await run();
    expect(repaired).toMatchObject({ code: 0, err: '' });
    expect(repaired.lines).toEqual([
      `repaired  ${intentId}  order ${orderId}: money was received and not recorded; received money was recorded: complete`,
      expect.stringMatching(/^\d+ payments compared, 1 repaired, 0 left for an operator\.$/),
    ]);
    expect(await stateOf(unnotified, orderId)).toMatchObject({ status: 'completed' });

    const agreed = await run({}, ['--days', '0.5']);
    expect(agreed).toMatchObject({ code: 0, err: '' });
    expect(agreed.lines).toEqual([
      expect.stringMatching(/^\d+ payments compared, 0 repaired, 0 left for an operator\.$/),
    ]);

    await unnotified.platform.app.sql('UPDATE payments SET amount_minor = 9999 WHERE payment_intent_id = $1', [
      intentId,
    ]);
    const open = await run();
    expect(open.code).toBe(1);
    expect(open.lines).toEqual([
      `open      ${intentId}  order ${orderId}: 10000 lkr at the provider, 9999 lkr in the database`,
      expect.stringMatching(/, 0 repaired, 1 left for an operator\.$/),
    ]);
    await unnotified.platform.app.sql('UPDATE payments SET amount_minor = 10000 WHERE payment_intent_id = $1', [
      intentId,
    ]);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['Stripe does not answer', { STRIPE_API_BASE: 'http://127.0.0.1:1' }, []],
    ['Stripe does not know the key', { STRIPE_SECRET_KEY: 'sk_test_wrong' }, []],
    ['the database does not answer', { POSTGRES_DSN: 'postgres://u:hidden@127.0.0.1:1/none' }, []],
    ['the number of days is invalid', {}, ['--days', 'many']],
    ['a variable is not allowed', { CURRENCY: 'rupees' }, []],
  ])('exits with 2 when %s, without printing a stack or a secret', async (_name, env, args) => {
    const { code, err } = await run(env, args);
    expect(code).toBe(2);
    expect(err.trim()).not.toBe('');
    expect(err).not.toMatch(/^\s+at |hidden|sk_test/m);
  });
});
