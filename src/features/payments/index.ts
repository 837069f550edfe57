import type { OrderId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Once } from '../../platform/http/once.ts';
import type { Backlog } from '../../platform/jobs/due-work.store.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order, OrderBook, PaymentConclusion, PaymentPreparation, RefundPayment } from '../orders/index.ts';
import { AlignPayment } from './align-payment.ts';
import { dueWebhooks } from './apply-webhook.ts';
import { takeCash } from './cash.ts';
import { CheckOut } from './check-out.ts';
import { ClosePayment } from './close-payment.ts';
import { PaymentMessages } from './consumers.ts';
import { inboxBacklog } from './inbox.store.ts';
import { paymentJobs } from './jobs.ts';
import { PaymentJson } from './json.ts';
import { MoneyLog } from './money-log.ts';
import { OfferPayment } from './offer-payment.ts';
import { OrderIntents } from './order-intents.ts';
import type { CountMoney, PaymentProvider } from './payment-provider.ts';
import { receiveWebhook } from './receive-webhook.ts';
import { type Reconcile, reconcilePayments } from './reconcile-payments.ts';
import { RefundLedger } from './refund-ledger.ts';
import { RefundOrder } from './refund-order.ts';
import { refundTicket, type TicketRefund } from './refund-ticket.ts';
import { refundBacklog } from './refunds.store.ts';
import { checkOutRoute, offerRoute, refundRoute, repairRoutes, webhookRoutes } from './routes.ts';
import { dueRefunds } from './send-refund.ts';
import { SettlePayment } from './settle-payment.ts';
import { undecidedPayments } from './settle-undecided.ts';
import { StuckPayments } from './stuck-payments.ts';
import { takeExternalPayment } from './take-external-payment.ts';
import { TakenOver } from './taken-over.ts';

export { paymentChecks } from './checks.store.ts';
export type { Difference } from './comparison.ts';
export { paymentErrors } from './errors.ts';
export type {
  EventSubject,
  Intent,
  IntentAccount,
  ListedIntent,
  MoneyMoved,
  PaymentProvider,
} from './payment-provider.ts';
export type { TicketRefund } from './refund-ticket.ts';

/** Payments: taken, settled, refunded, and compared with Stripe's account. */
export interface Payments extends Feature, PaymentConclusion, PaymentPreparation, RefundPayment {
  /** Records that the order's price was paid in cash, in the caller's transaction. */
  takeCash(tx: Transaction, order: Order): Promise<void>;
  /**
   * Writes the refund of a ticket's share of the payment, once, however often it is called. In the caller's transaction, with
   * the order locked. Throws `refund_not_possible`.
   */
  refundTicket(tx: Transaction, order: Order, ticketId: TicketId, by: UserId): Promise<TicketRefund>;
  /** Compares the payments since then with Stripe's account, and repairs differences. Throws `payments_unavailable`. */
  readonly reconcile: Reconcile;
  /** Webhooks and refunds that are not done yet. */
  backlog(): Promise<{ readonly webhooks: Backlog; readonly refunds: Backlog }>;
}

export interface PaymentsNeeds extends SettlementNeeds {
  readonly audit: { readonly record: RecordAction };
  readonly access: Access;
  readonly once: Once;
  /** Stripe's publishable key, with which pages confirm payments. */
  readonly publishableKey: string | undefined;
  /** The topics on which other systems report payments. */
  readonly topics: { readonly paymentSucceeded: string; readonly paymentFailed: string };
  /** The interval of the jobs that do due work. */
  readonly sweepMs: number;
  /** Days that the daily comparison with Stripe looks back; 0: no comparison. */
  readonly reconcileDays: number;
}

interface SettlementNeeds {
  readonly orders: OrderBook;
  readonly stripe: PaymentProvider;
  /** Adds money to the figures of the event, in the transaction that records it. */
  readonly countMoney: CountMoney;
}

type SettlementCore = Pick<Core, 'database' | 'clock' | 'ids' | 'log' | 'metrics'>;

/** Builds the comparison with Stripe alone, for a script. The service may be running or stopped. */
export function createReconciliation(core: SettlementCore, needs: SettlementNeeds): Reconcile {
  return buildSettlement(core, needs).reconcile;
}

/** The parts that settle money, shared by webhooks and the comparison. */
function buildSettlement(core: SettlementCore, { orders, stripe, countMoney }: SettlementNeeds) {
  const { database, clock, ids } = core;
  const ledger = new RefundLedger(countMoney, clock, ids);
  const moneyLog = new MoneyLog(core);
  const settlePayment = new SettlePayment({ database, clock, stripe, orders, ledger, countMoney, moneyLog });
  const alignPayment = new AlignPayment({ database, stripe, orders, settlePayment, ledger });
  const reconcile: Reconcile = (since, request) =>
    reconcilePayments({ database, clock, stripe, orders, alignPayment }, since, request);
  return { ledger, settlePayment, alignPayment, reconcile };
}

/** Builds the payments: use cases, routes, jobs and consumers. */
export function createPayments(core: Core, needs: PaymentsNeeds): Payments {
  const { database, clock, metrics } = core;
  const { orders, stripe, access, once, countMoney, publishableKey, topics } = needs;
  const recordAction = needs.audit.record;
  const { ledger, settlePayment, alignPayment, reconcile } = buildSettlement(core, { orders, stripe, countMoney });
  const takenOver = new TakenOver(database, alignPayment, ledger);
  const intents = new OrderIntents(database, stripe, orders, settlePayment);
  const closePayment = new ClosePayment(stripe, intents);
  const external = { database, orders, settlePayment, alignPayment, closePayment, takenOver };
  const takeExternal = (orderId: OrderId, paymentId: string | undefined) =>
    takeExternalPayment(external, orderId, paymentId);
  const messages = new PaymentMessages({ database, metrics, orders, takeExternal });
  return {
    routes(api) {
      const json = new PaymentJson(database.currency, publishableKey);
      const buying = { database, clock, access, orders, intents };
      const refunding = { database, access, orders, ledger, takenOver, recordAction };
      offerRoute(api, once, json, new OfferPayment(buying));
      checkOutRoute(api, once, json, new CheckOut(buying));
      refundRoute(api, once, json, new RefundOrder(refunding));
      repairRoutes(api, once, new StuckPayments({ database, clock, access, orders, recordAction }));
      webhookRoutes(api, (body, signature) => receiveWebhook(core, stripe, body, signature));
    },
    jobs: paymentJobs(core, needs, {
      webhooks: dueWebhooks(core, { orders, settlePayment, alignPayment }),
      refunds: dueRefunds(core, stripe, alignPayment),
      undecided: undecidedPayments(core, settlePayment),
      reconcile,
    }),
    consumers: [
      { topic: topics.paymentSucceeded, handle: messages.succeeded },
      { topic: topics.paymentFailed, handle: messages.failed },
    ],
    conclude: (order) => closePayment.conclude(order),
    prepare: (order) => intents.prepare(order),
    refundOrder: (tx, order, reason) => takenOver.refundOrder(tx, order, reason),
    takeCash: (tx, order) => takeCash(tx, order, countMoney, clock.now()),
    refundTicket: (tx, order, ticketId, by) => refundTicket(tx, { orders, ledger }, order, ticketId, by),
    reconcile,
    async backlog() {
      const [webhooks, refunds] = await Promise.all([inboxBacklog(database), refundBacklog(database)]);
      return { webhooks, refunds };
    },
  };
}
export type { PaymentIntentResponseSchema, RefundSchema, StuckPaymentSchema } from './schemas.ts';
