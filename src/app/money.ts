import type { Config } from '../config.ts';
import { createEmbeddedHolds } from '../embedded/holds.ts';
import { addMoney, addToFigures } from '../features/analytics/index.ts';
import { createRecordAction } from '../features/audit/index.ts';
import { recordInFeed } from '../features/live/index.ts';
import { ticketsPaid } from '../features/orders/box-office.store.ts';
import type { Order } from '../features/orders/order.rules.ts';
import { attachIntent, findOrder, isSeatTaken, orderOfIntent } from '../features/orders/order.store.ts';
import { createOrderTransitions } from '../features/orders/order.transitions.ts';
import { createAlignment } from '../features/payments/alignment.ts';
import { createGiveBackTicket, createTakeCash } from '../features/payments/box-office.service.ts';
import { createPaymentConsumer } from '../features/payments/payment.consumer.ts';
import type { PaymentProvider } from '../features/payments/payment.ports.ts';
import { createPaymentService } from '../features/payments/payment.service.ts';
import { createReconcile, type Reconcile } from '../features/payments/reconcile.service.ts';
import {
  createGiveBack,
  createRefundService,
  createWriteRefund,
} from '../features/payments/refund.service.ts';
import {
  createSettlement,
  createUndecidedSweep,
  type MoneyOutcome,
  type SettlementOptions,
} from '../features/payments/settlement.ts';
import { createStuckPayments } from '../features/payments/stuck.service.ts';
import { createTakeover } from '../features/payments/takeover.service.ts';
import { createWebhookService } from '../features/payments/webhook.service.ts';
import type { Clock } from '../kernel/clock.ts';
import type { OnFailure } from '../kernel/failures.ts';
import type { OrderId, PaymentIntentId } from '../kernel/ids.ts';
import { NO_TRACES } from '../kernel/trace.ts';
import type { Database, Transaction } from '../platform/postgres/database.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { countChanged } from './counting.ts';
import { type Base, newIds, VERSION } from './foundation.ts';
import type { Postgres, Servers } from './servers.ts';

/** The comparison with Stripe alone, beside a service that runs or not. The caller gives the servers, and closes them. */
export function buildReconcile(
  config: Pick<Config, 'currency'>,
  database: Database,
  provider: PaymentProvider,
  clock: Clock,
  onFailure: OnFailure,
): Reconcile {
  // Its own memory of holds is empty: those of the service end by themselves, and PostgreSQL has freed the seats.
  const holds = createEmbeddedHolds(clock);
  return wireMoney(
    // What it decides is in the differences that it returns.
    {
      config,
      clock,
      ids: newIds,
      failed: () => onFailure,
      log: { warn: () => undefined },
      metrics: createMetrics(VERSION),
      traces: NO_TRACES,
    },
    { database },
    { provider, holds },
  ).reconcile;
}

/** Log messages of decided payments, except those that complete an order. */
const TOLD_OF: Readonly<Partial<Record<MoneyOutcome, string>>> = {
  refunded: 'a payment is refunded',
  late_refunded: 'a payment is refunded',
  taken_over: 'a payment was found to have completed its order before',
  withheld: 'a payment is withheld until a person decides whether to refund it',
};

interface CurrencyConfig {
  readonly config: Pick<Config, 'currency'>;
}

interface WarningLog {
  readonly warn: (facts: object, text: string) => void;
}

/** Counts each decision about a payment, and logs the payment where it completed no order. */
function tellOfMoney({
  log,
  metrics,
}: Pick<Base, 'metrics'> & { readonly log: WarningLog }): Pick<
  SettlementOptions,
  'onDecided' | 'onCorrected'
> {
  return {
    onDecided(outcome, { intentId, orderId }, reason) {
      metrics.money(outcome);
      const text = TOLD_OF[outcome];
      if (text) log.warn({ intentId, orderId, reason }, text);
    },
    onCorrected({ intentId, orderId, amountMinor, currency }, assumed) {
      const received = `${amountMinor} ${currency}`;
      log.warn(
        { intentId, orderId, received, assumed: `${assumed.amountMinor} ${assumed.currency}` },
        'a payment is not the price of the order it paid for',
      );
    },
  };
}

/** The order's transitions, announced and counted with each change. */
function wireTransitions(
  { config, clock, metrics }: Pick<Base, 'clock' | 'metrics'> & CurrencyConfig,
  holds: Servers['holds'],
) {
  const { currency } = config;
  return createOrderTransitions({
    async recordSales(tx, changes) {
      await addToFigures(tx, changes);
      await recordInFeed(tx, changes);
    },
    holds,
    onChanged: (tx, orders) =>
      tx.afterCommit(`count ${orders[0]?.orderId}`, () => countChanged(orders, metrics)),
    clock,
    currency,
  });
}

/** Everything that money moves by, and the order's transitions that it moves. */
export function wireMoney(
  base: Pick<Base, 'clock' | 'ids' | 'metrics' | 'traces' | 'failed'> &
    CurrencyConfig & { readonly log: WarningLog },
  { database }: Pick<Postgres, 'database'>,
  { provider, holds }: Pick<Servers, 'provider' | 'holds'>,
) {
  const { config, clock, ids, metrics, traces, failed } = base;
  const { currency } = config;
  const find = (orderId: OrderId) => findOrder(database, orderId);
  const writeRefund = createWriteRefund({ clock, countMoney: addMoney });
  const shared = {
    database,
    provider,
    transitions: wireTransitions(base, holds),
    countMoney: addMoney,
    writeRefund,
    giveBack: createGiveBack({ writeRefund, ids }),
    recordAction: createRecordAction(clock),
    orderExists: async (orderId: OrderId) => (await find(orderId)) !== undefined,
    orderOfIntent: (intentId: PaymentIntentId) => orderOfIntent(database, intentId),
    ticketsPaid: (tx: Transaction, { orderId }: Order) => ticketsPaid(tx, orderId),
    clock,
    ids,
    currency,
    traces,
  };
  const settleMoney = createSettlement({
    ...shared,
    isSeatTaken,
    ...tellOfMoney(base),
  });
  const align = createAlignment({ ...shared, settleMoney });
  const takeover = createTakeover({ database, align, giveBack: shared.giveBack });
  const payments = createPaymentService({
    ...shared,
    settleMoney,
    align,
    isTakenOver: takeover.isTakenOver,
    orders: {
      find,
      attachIntent: (order, attempt, intentId) => attachIntent(database, order, attempt, intentId),
    },
  });
  return {
    find,
    payments,
    decide: createUndecidedSweep(settleMoney, { ...shared, onError: failed('decision') }),
    transitions: shared.transitions,
    recordAction: shared.recordAction,
    takeCash: createTakeCash(shared),
    giveBackTicket: createGiveBackTicket(shared),
    takeover,
    refunds: createRefundService({
      ...shared,
      align,
      confirmTakenOver: takeover.confirm,
      onError: failed('refunds'),
    }),
    reconcile: createReconcile({ database, provider, align, findOrder: find, clock }),
    consumer: createPaymentConsumer({
      ...shared,
      payments,
      onTaken: metrics.paymentTopic,
    }),
    webhooks: createWebhookService({
      ...shared,
      settleMoney,
      align,
      onReceived: metrics.webhook,
      onError: failed('webhooks'),
    }),
    stuck: createStuckPayments({ database, clock }),
  };
}
