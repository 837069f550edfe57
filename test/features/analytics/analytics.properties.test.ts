import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Access } from '../../../src/features/access/index.ts';
import { addToFigures } from '../../../src/features/analytics/index.ts';
import { AnalyticsJson } from '../../../src/features/analytics/json.ts';
import { ReadFigures } from '../../../src/features/analytics/read-figures.ts';
import { addMoney, foldCounted } from '../../../src/features/analytics/sales.store.ts';
import { createRecordAction } from '../../../src/features/audit/index.ts';
import { CancelOrder } from '../../../src/features/orders/cancel-order.ts';
import { OrderBook } from '../../../src/features/orders/index.ts';
import { insertOrder } from '../../../src/features/orders/new-orders.store.ts';
import { place, ticketFor } from '../../../src/features/orders/order.ts';
import { findOrder } from '../../../src/features/orders/orders.store.ts';
import { AlignPayment } from '../../../src/features/payments/align-payment.ts';
import { MoneyLog } from '../../../src/features/payments/money-log.ts';
import type { IntentAccount } from '../../../src/features/payments/payment-provider.ts';
import { findPayment } from '../../../src/features/payments/payments.store.ts';
import { RefundLedger } from '../../../src/features/payments/refund-ledger.ts';
import { RefundOrder } from '../../../src/features/payments/refund-order.ts';
import { SettlePayment } from '../../../src/features/payments/settle-payment.ts';
import { TakenOver } from '../../../src/features/payments/taken-over.ts';
import { sharesOf } from '../../../src/features/payments/ticket-share.ts';
import { type Instant, instant, later } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import {
  as,
  type DiscountId,
  type EventId,
  type OrderId,
  type OrganizationId,
  type PaymentIntentId,
  type SeatId,
  type SessionId,
  type TicketId,
  type TierId,
  type UserId,
} from '../../../src/kernel/ids.ts';
import { Currency, money, sum } from '../../../src/kernel/money.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { createLog } from '../../../src/platform/telemetry/log.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { LKR } from '../../support/currencies.ts';
import { testDatabase } from '../../support/own-database.ts';
import { readRows, slowDiscounts, slowFigures, slowSessions } from '../../support/slow-sales.ts';
import { findingsIn } from '../../support/test-app.ts';

const RUNS = 25;
const lkr = new Currency('lkr');
const json = new AnalyticsJson(lkr);
const ZONES = ['UTC', 'Asia/Colombo', 'America/St_Johns', 'Pacific/Chatham', 'Africa/Casablanca', 'America/New_York'];
const HOUR_MS = 3_600_000;
const admin = { userId: as<UserId>(randomUUID()), isAdmin: true, scopes: [], expiresAt: instant(0) };

let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ currency: LKR, dsn, maxConnections: 3, onIdleError: () => undefined });
});

afterAll(() => database.close());

/** What can happen to an order, addressed by its number among the placed orders. Payments are the commonest. */
const HAPPENINGS = [
  ...Array.from({ length: 8 }, () => 'pay' as const),
  ...(['payInParts', 'payForeign', 'expire', 'cancel', 'refundAll', 'refundTicket', 'dispute', 'winDispute'] as const),
];
type Step =
  | { readonly kind: 'place'; readonly seats: readonly { tier: number; price: number }[]; readonly at: number }
  | { readonly kind: (typeof HAPPENINGS)[number]; readonly order: number }
  | { readonly kind: 'refundPart'; readonly order: number; readonly amount: number }
  | { readonly kind: 'fold' };

const seat = fc.record({
  tier: fc.integer({ min: 0, max: 3 }),
  price: fc.constantFrom(0, 4_990, 10_001, 33_333),
});
const order = fc.integer({ min: 0, max: 9 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('place'),
      seats: fc.array(seat, { minLength: 1, maxLength: 4 }),
      // Spread over a month in which clocks change in some of the zones, on quarter-hours and next to them.
      at: fc.integer({ min: 0, max: 30 * 24 * 60 * 4 }),
    }),
  },
  { weight: 17, arbitrary: fc.record({ kind: fc.constantFrom(...HAPPENINGS), order }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('refundPart'), order, amount: fc.integer({ min: 1, max: 20_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fold') }) },
);

/** The service’s own parts, with a payment provider whose accounts a test writes. */
function world() {
  const ids = { uuid: () => randomUUID() };
  const unused = () => Promise.reject(new Error('not part of this test'));
  let now: Instant = instant(Date.parse('2026-03-05T00:00:00Z'));
  const clock = { now: () => now };
  const accounts = new Map<string, { refunds: IntentAccount['refunds']; disputes: IntentAccount['disputes'] }>();
  const transitions = new OrderBook(
    { database, clock, metrics: createMetrics('test') },
    { recordSales: [addToFigures] },
  );
  const recordAction = createRecordAction(clock);
  const ledger = new RefundLedger(addMoney, clock, ids);
  const moneyLog = new MoneyLog({ log: createLog('silent', process.stderr), metrics: createMetrics('test') });
  const settlePayment = new SettlePayment({
    database,
    clock,
    stripe: { findIntent: unused },
    orders: transitions,
    ledger,
    countMoney: addMoney,
    moneyLog,
  });
  const stripe = {
    async account(intentId: PaymentIntentId): Promise<IntentAccount | undefined> {
      const payment = await findPayment(database, intentId);
      if (!payment) return undefined;
      const { refunds = [], disputes = [] } = accounts.get(intentId) ?? {};
      const orderId = await transitions.orderOfIntent(database, intentId);
      return {
        intent: {
          intentId,
          clientSecret: '',
          state: 'succeeded',
          received: payment.amountMinor,
          amount: payment.amountMinor,
          currency: payment.currency,
          orderId: orderId ?? as<OrderId>(intentId.slice(3, 39)),
          lastDecline: undefined,
        },
        refunds,
        disputes,
      };
    },
  };
  const alignPayment = new AlignPayment({ database, stripe, orders: transitions, settlePayment, ledger });
  const takenOver = new TakenOver(database, alignPayment, ledger);
  const refunds = new RefundOrder({
    database,
    access: new Access({ ...everything, isScanner: async () => false }),
    orders: transitions,
    ledger,
    takenOver,
    recordAction,
  });
  const orders = new CancelOrder(
    { database },
    {
      access: new Access({} as never),
      book: transitions,
      payments: {
        conclude: async () => 'unpaid',
        refundOrder: (tx, order, reason) => takenOver.refundOrder(tx, order, reason),
      },
      audit: { record: recordAction },
    },
  );
  return {
    accounts,
    transitions,
    settlePayment,
    alignPayment,
    refunds,
    orders,
    setTime(at: Instant) {
      now = at;
    },
    now: () => now,
  };
}

type World = ReturnType<typeof world>;

interface Season {
  readonly organizationId: OrganizationId;
  readonly eventIds: readonly EventId[];
  readonly sessionIds: readonly SessionId[];
  readonly tierIds: readonly TierId[];
  readonly discountIds: readonly DiscountId[];
  readonly placed: OrderId[];
}

function newSeason(): Season {
  const many = <Id extends string>(count: number) => Array.from({ length: count }, () => as<Id>(randomUUID()));
  return {
    organizationId: as<OrganizationId>(randomUUID()),
    eventIds: many(3),
    sessionIds: many(2),
    tierIds: many(2),
    discountIds: many(2),
    placed: [],
  };
}

const pick = <Item>(items: readonly Item[], at: number): Item => {
  const item = items[at % items.length];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

async function placeOne(
  { placed, ...season }: Season,
  { seats, at }: Extract<Step, { kind: 'place' }>,
  { setTime }: World,
) {
  const number = placed.length;
  const orderId = as<OrderId>(randomUUID());
  const sessionId = pick(season.sessionIds, number);
  const createdAt = later(instant(Date.parse('2026-03-05T00:00:00Z')), at * 15_000);
  setTime(createdAt);
  const tickets = seats.map(({ tier, price }, index) =>
    ticketFor(
      {
        seatId: as<SeatId>(`${orderId.slice(0, 8)}-${index}`),
        label: `S${index}`,
        // A tier that has had two names.
        tier: {
          id: pick(season.tierIds, tier),
          name: tier > 1 ? 'Stalls' : 'Parkett',
          color: tier % 2 ? '#fff' : '#000',
        },
        price: money(price),
      },
      { ticketId: as<TicketId>(randomUUID()), orderId, sessionId, issuedAt: createdAt },
    ),
  );
  const subtotal = sum(tickets.map((ticket) => ticket.price));
  const discountAmount = money(number % 3 === 0 ? Math.min(subtotal, 777) : 0);
  const pending = place(
    {
      orderId,
      userId: as<UserId>(randomUUID()),
      eventId: pick(season.eventIds, Math.floor(number / 2)),
      organizationId: season.organizationId,
      sessionId,
      discount: number % 3 === 0 ? { id: pick(season.discountIds, number), code: `CODE${number % 2}` } : undefined,
      discountAmount,
      price: money(subtotal - discountAmount),
      createdAt,
      tickets,
    },
    HOUR_MS,
  );
  const announcements = [{ topic: 'orderCreated' as const, key: orderId, value: '{}' }];
  await insertOrder(
    database,
    { order: pending, announcements, traceparent: undefined },
    { maxDiscountUses: undefined, maxHeldSeats: 0 },
  );
  placed.push(orderId);
}

/** Does a step as the service would; a step that the service refuses changes nothing. */
async function take(step: Step, season: Season, w: World): Promise<void> {
  if (step.kind === 'place') return placeOne(season, step, w);
  if (step.kind === 'fold') return void (await foldCounted(database));
  if (season.placed.length === 0) return;
  const orderId = pick(season.placed, step.order);
  const order = await findOrder(database, orderId);
  if (!order) throw new Error('it was placed');
  w.setTime(later(w.now(), 60_000));
  const intentId = as<PaymentIntentId>(`pi_${orderId}`);
  const came = (id: PaymentIntentId, amountMinor: number, currency = 'lkr') =>
    amountMinor > 0
      ? w.settlePayment.settle({ intentId: id, orderId, source: 'stripe', amountMinor, currency })
      : undefined;
  switch (step.kind) {
    case 'pay':
      if (order.price === 0) {
        await database.transaction(async (tx) => {
          const locked = await w.transitions.lock(tx, orderId);
          if (locked) await w.transitions.complete(tx, locked);
        });
      } else await came(intentId, order.price);
      return;
    case 'payInParts':
      return void (await came(as(`pi_${orderId}_part`), Math.floor(order.price / 2)));
    case 'payForeign':
      return void (await came(as(`pi_${orderId}_usd`), order.price, 'usd'));
    case 'expire':
      return database.transaction(async (tx) => {
        const locked = await w.transitions.lockAll(tx, [orderId]);
        await w.transitions.cancelAll(tx, locked, 'expired');
      });
    case 'cancel':
      return refusable(w.orders.cancel(orderId, admin));
    case 'refundPart':
      return refusable(w.refunds.refund(orderId, { amount: money(step.amount), reason: 'x' }, admin));
    case 'refundAll':
      return refusable(w.refunds.refund(orderId, { amount: undefined, reason: 'x' }, admin));
    case 'refundTicket': {
      const [ticket] = order.tickets;
      const paid = await database.transaction((tx) => w.transitions.ticketsPaid(tx, order));
      const shares = sharesOf(paid, order.price, lkr.chargeStep);
      const amount = (ticket && shares.get(ticket.ticketId)) ?? 0;
      if (order.status !== 'completed' || amount === 0) return;
      return atProvider(w, intentId, { refund: amount });
    }
    case 'dispute':
      if (order.price === 0) return;
      return atProvider(w, intentId, { dispute: order.price });
    case 'winDispute':
      return atProvider(w, intentId, {});
    default:
      return step satisfies never;
  }
}

/** Something happens in the provider’s dashboard or at a bank, and the service receives the event. */
async function atProvider(
  w: World,
  intentId: PaymentIntentId,
  what: { refund?: number; dispute?: number },
): Promise<void> {
  const payment = await findPayment(database, intentId);
  if (!payment) return;
  const { refunds = [], disputes = [] } = w.accounts.get(intentId) ?? {};
  const refunded =
    [...refunds, ...disputes.filter(({ state }) => state === 'taken')].reduce((all, { amount }) => all + amount, 0) +
    (what.refund ?? what.dispute ?? 0);
  // The provider refunds no more than it has.
  if (refunded > payment.amountMinor) return;
  const failed = { refundId: undefined, ticketId: undefined, hasFailed: false };
  w.accounts.set(intentId, {
    refunds: what.refund ? [...refunds, { providerId: `re_${randomUUID()}`, amount: what.refund, ...failed }] : refunds,
    disputes: what.dispute
      ? [
          ...disputes,
          {
            providerId: `dp_${randomUUID()}`,
            amount: what.dispute,
            currency: 'lkr',
            ticketId: undefined,
            state: 'taken' as const,
          },
        ]
      : disputes.map((dispute) => (what.refund ? dispute : { ...dispute, state: 'won' as const })),
  });
  await w.alignPayment.align(intentId);
}

async function refusable(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!(error instanceof AppError)) throw error;
  });
}

const everything = {
  ownsEvent: async () => true,
  ownsSession: async () => true,
  ownsAllEvents: async () => true,
  ownsOrganization: async () => true,
  isScanner: async () => true,
};

async function compare(season: Season, zones: readonly string[]): Promise<void> {
  const analytics = new ReadFigures(database, new Access(everything));
  const rows = await readRows(dsn, season.organizationId);
  const { organizationId, eventIds, sessionIds } = season;
  const figures = async (asked: ReturnType<typeof analytics.event>) => json.figures(await asked);
  for (const zone of zones) {
    expect(await figures(analytics.organization(organizationId, zone, admin))).toEqual(
      slowFigures(rows, zone, (each) => each.organization_id === organizationId),
    );
    expect(await figures(analytics.together(eventIds.slice(0, 2), zone, admin))).toEqual(
      slowFigures(rows, zone, (each) => eventIds.slice(0, 2).some((id) => id === each.event_id)),
    );
    const each = await analytics.each(eventIds, zone, admin);
    for (const eventId of eventIds) {
      const slow = slowFigures(rows, zone, (order) => order.event_id === eventId);
      expect(await figures(analytics.event(eventId, zone, admin))).toEqual(slow);
      const one = each.get(eventId);
      expect(one && json.figures(one)).toEqual(slow);
      const days = await analytics.discounts(eventId, zone, admin);
      expect(days.map((day) => json.discount(day))).toEqual(slowDiscounts(rows, zone, eventId));
      for (const sessionId of sessionIds) {
        expect(await figures(analytics.session(eventId, sessionId, zone, admin))).toEqual(
          slowFigures(rows, zone, (order) => order.event_id === eventId && order.session_id === sessionId),
        );
      }
      const sessions = await analytics.sessions(eventId, admin);
      expect(sessions.map((session) => json.session(session))).toEqual(slowSessions(rows, eventId));
    }
  }
}

/** Orders that reach every possible end, so that the coverage does not depend on chance. */
const EVERY_END: Step[] = [
  ...Array.from({ length: 4 }, (): Step => {
    const seats = [4_990, 10_001].map((price) => ({ tier: 1, price }));
    return { kind: 'place', seats, at: 100 };
  }),
  { kind: 'expire', order: 3 },
  { kind: 'pay', order: 0 },
  { kind: 'refundTicket', order: 0 },
  { kind: 'pay', order: 1 },
  { kind: 'refundAll', order: 1 },
  { kind: 'pay', order: 2 },
  { kind: 'dispute', order: 2 },
  { kind: 'pay', order: 3 },
  { kind: 'fold' },
];

test('every figure is the sum of the rows, whatever happens to the orders', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.constantFrom(...ZONES),
      async (steps, zone) => {
        const [season, w] = [newSeason(), world()];
        for (const each of steps) await take(each, season, w);
        await compare(season, ['UTC', zone]);
      },
    ),
    { numRuns: RUNS, endOnFailure: true, examples: [[EVERY_END, 'Asia/Colombo']] },
  );
  const [row] = await database.rows<Record<string, number>>(
    {
      name: 'reached',
      text: `SELECT (SELECT count(*) FROM orders WHERE status = 'completed') AS completed,
                    (SELECT count(*) FROM orders WHERE cancel_reason = 'refunded') AS refunded,
                    (SELECT count(*) FROM orders WHERE cancel_reason = 'payment') AS disputed,
                    (SELECT count(*) FROM orders WHERE status = 'completed' AND cancelled_at IS NULL
                        AND completed_at > created_at + interval '3 minutes') AS late,
                    (SELECT count(*) FROM tickets WHERE void_reason = 'refunded') AS withdrawn,
                    (SELECT count(*) FROM sales_by_time WHERE is_folded) AS folded`,
    },
    [],
  );
  // Sequences that reach none of these ends would prove nothing.
  expect(Object.entries(row ?? {}).filter(([, count]) => count === 0)).toEqual([]);
  const findings = await findingsIn(dsn, lkr);
  expect(findings.filter(({ invariant }) => invariant === 'I9')).toEqual([]);
  while (await foldCounted(database));
  expect((await findingsIn(dsn, lkr)).filter(({ invariant }) => invariant === 'I9')).toEqual([]);
});
