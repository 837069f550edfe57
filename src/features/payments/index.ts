export type { GiveBackTicket, TakeCash, TicketRefund } from './box-office.service.ts';
export { paymentErrors } from './errors.ts';
export type {
  EventSubject,
  Intent,
  IntentAccount,
  ListedIntent,
  MoneyMoved,
  PaymentProvider,
} from './payment.ports.ts';
export type { PaymentIntentResponseSchema, RefundSchema, StuckPaymentSchema } from './payment.schemas.ts';
