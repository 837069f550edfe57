export type { GiveBackTicket, TakeCash, TicketRefund } from './box-office.service.ts';
export { paymentChecks } from './checks.store.ts';
export type {
  EventSubject,
  Intent,
  IntentAccount,
  ListedIntent,
  MoneyMoved,
  PaymentProvider,
} from './payment.ports.ts';
