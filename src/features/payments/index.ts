import type { Instant } from '../../kernel/clock.ts';
import type { TicketId, UserId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Once } from '../../platform/http/once.ts';
import type { Backlog } from '../../platform/jobs/due-work.store.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type {
  Order,
  OrderBook,
  PaymentConclusion,
  PaymentPreparation,
  RefundPayment,
} from '../orders/index.ts';
import { AlignPayment } from './align-payment.ts';
import { ApplyWebhook } from './apply-webhook.ts';
import { TakeCash } from './cash.ts';
import { CheckOut } from './check-out.ts';
import { paymentChecks } from './checks.store.ts';
import { ClosePayment } from './close-payment.ts';
import { CompleteFreeOrder } from './complete-free-order.ts';
import { PaymentMessages } from './consumers.ts';
import { inboxBacklog } from './inbox.store.ts';
import { paymentJobs } from './jobs.ts';
import { PaymentJson } from './json.ts';
import { MarkRefunded } from './mark-refunded.ts';
import { MoneyLog } from './money-log.ts';
import { OfferPayment } from './offer-payment.ts';
import { OrderIntents } from './order-intents.ts';
import type { CountMoney, PaymentProvider } from './payment-provider.ts';
import { ReceiveWebhook } from './receive-webhook.ts';
import { ReconcilePayments, type ReconcileRequest, type Reconciliation } from './reconcile-payments.ts';
import { RefundLedger } from './refund-ledger.ts';
import { RefundOrder } from './refund-order.ts';
import { RefundTicket, type TicketRefund } from './refund-ticket.ts';
import { refundBacklog } from './refunds.store.ts';
import { buyerRoutes, refundRoute, repairRoutes, webhookRoutes } from './routes.ts';
import { SendRefund } from './send-refund.ts';
import { SettlePayment } from './settle-payment.ts';
import { StuckPayments } from './stuck-payments.ts';
import { TakeExternalPayment } from './take-external-payment.ts';
import { TakenOver } from './taken-over.ts';

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
export { paymentChecks };

/** Money: it is taken, decided on, refunded, and compared with Stripe's account. */
export interface Payments extends Feature, PaymentConclusion, PaymentPreparation, RefundPayment {
  /** In the caller's transaction: the order's price was taken in cash, and pays for it. */
  takeCash(tx: Transaction, order: Order): Promise<void>;
  /**
   * In the caller's transaction, the order locked: a ticket's share of what was paid is to be refunded, once however often
   * that is asked for. Throws `refund_not_possible`.
   */
  refundTicket(tx: Transaction, order: Order, ticketId: TicketId, by: UserId): Promise<TicketRefund>;
  /** Compares the payments since then with Stripe's account, and repairs what can be. Throws `payments_unavailable`. */
  reconcile(since: Instant, request?: ReconcileRequest): Promise<Reconciliation>;
  /** Work that is not done yet. */
  backlog(): Promise<{ readonly webhooks: Backlog; readonly refunds: Backlog }>;
}

export interface PaymentsNeeds extends SettlementNeeds {
  readonly audit: { readonly record: RecordAction };
  readonly access: Access;
  readonly once: Once;
  /** The key that pages confirm payments with. */
  readonly publishableKey: string | undefined;
  /** The topics of what other systems tell of payments. */
  readonly topics: { readonly paymentSucceeded: string; readonly paymentFailed: string };
  /** How often due work is looked for. */
  readonly sweepMs: number;
  /** How many days the daily comparison with Stripe looks back; 0 for none. */
  readonly reconcileDays: number;
}

interface SettlementNeeds {
  readonly orders: OrderBook;
  readonly stripe: PaymentProvider;
  /** Counts money in the figures of the event, in the transaction that writes it down. */
  readonly countMoney: CountMoney;
}

type SettlementCore = Pick<Core, 'database' | 'clock' | 'ids' | 'log' | 'metrics'>;

/** Builds the comparison with Stripe alone, for a script beside a service that runs or not. */
export function createReconciliation(core: SettlementCore, needs: SettlementNeeds): Payments['reconcile'] {
  const { alignPayment } = buildSettlement(core, needs);
  const reconcilePayments = new ReconcilePayments({
    database: core.database,
    clock: core.clock,
    stripe: needs.stripe,
    orders: needs.orders,
    alignPayment,
  });
  return (since, request) => reconcilePayments.reconcile(since, request);
}

/** What decides about money, for a webhook as for a comparison. */
function buildSettlement(core: SettlementCore, { orders, stripe, countMoney }: SettlementNeeds) {
  const { database, clock, ids } = core;
  const ledger = new RefundLedger(countMoney, clock, ids);
  const moneyLog = new MoneyLog(core);
  const settlePayment = new SettlePayment({ database, clock, stripe, orders, ledger, countMoney, moneyLog });
  const alignPayment = new AlignPayment({ database, stripe, orders, settlePayment, ledger });
  return { ledger, settlePayment, alignPayment };
}

/** Builds the payments. */
export function createPayments(core: Core, needs: PaymentsNeeds): Payments {
  const { database, clock } = core;
  const { orders, stripe, access, once, countMoney } = needs;
  const recordAction = needs.audit.record;
  const { ledger, settlePayment, alignPayment } = buildSettlement(core, needs);
  const takenOver = new TakenOver(database, alignPayment, ledger);
  const intents = new OrderIntents(database, stripe, orders, settlePayment);
  const closePayment = new ClosePayment(stripe, intents);
  const receiveWebhook = new ReceiveWebhook(core, stripe);
  const reconcilePayments = new ReconcilePayments({ database, clock, stripe, orders, alignPayment });
  const takeCash = new TakeCash(countMoney, clock);
  const refundTicket = new RefundTicket(orders, ledger);
  const external = { database, orders, settlePayment, alignPayment, closePayment, takenOver };
  const messages = new PaymentMessages(core, orders, new TakeExternalPayment(external));
  return {
    routes(api) {
      const json = new PaymentJson(database.currency, needs.publishableKey);
      const completeFreeOrder = new CompleteFreeOrder(database, clock, orders);
      const buying = { database, clock, access, orders, intents, completeFreeOrder };
      const refunding = { database, access, orders, ledger, takenOver, recordAction };
      const markRefunded = new MarkRefunded(database, access, orders, recordAction);
      buyerRoutes(api, once, json, new OfferPayment(buying), new CheckOut(buying));
      refundRoute(api, once, json, new RefundOrder(refunding));
      repairRoutes(api, once, new StuckPayments(database, clock, access), markRefunded);
      webhookRoutes(api, receiveWebhook);
    },
    jobs: paymentJobs(core, needs, {
      applyWebhook: new ApplyWebhook(database, orders, settlePayment, alignPayment),
      sendRefund: new SendRefund(database, stripe, alignPayment, core.failed('refunds')),
      settlePayment,
      reconcilePayments,
      receiveWebhook,
    }),
    checks: paymentChecks,
    consumers: [
      { topic: needs.topics.paymentSucceeded, handle: messages.succeeded },
      { topic: needs.topics.paymentFailed, handle: messages.failed },
    ],
    conclude: (order) => closePayment.conclude(order),
    prepare: (order) => intents.prepare(order),
    refundOrder: (tx, order, reason) => takenOver.refundOrder(tx, order, reason),
    takeCash: (tx, order) => takeCash.take(tx, order),
    refundTicket: (tx, order, ticketId, by) => refundTicket.refund(tx, order, ticketId, by),
    reconcile: (since, request) => reconcilePayments.reconcile(since, request),
    async backlog() {
      const [webhooks, refunds] = await Promise.all([inboxBacklog(database), refundBacklog(database)]);
      return { webhooks, refunds };
    },
  };
}
export type { PaymentIntentResponseSchema, RefundSchema, StuckPaymentSchema } from './schemas.ts';
