import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import type { EventHandler, EventMessage, TopicKey } from '../../kernel/events.ts';
import { as, type OrderId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { OrderBook } from '../orders/index.ts';
import type { TakeExternalPayment } from './take-external-payment.ts';

const MAX_PAYMENT_ID_CHARS = 255;
/** Not the message's fault: it waits until these are over. */
const OUTAGES: readonly ErrorCode[] = ['database_unavailable', 'payments_unavailable', 'shutting_down'];
/** What is set aside must itself fit into a message. */
const MAX_KEPT_CHARS = 100_000;

const PaymentId = Type.Optional(
  Type.Union([
    Type.String({ maxLength: MAX_PAYMENT_ID_CHARS, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }),
    Type.Null(),
  ]),
);

/** Both topics name the order; some senders name the payment, too, under either name. */
const MessageSchema = Type.Object({
  order_id: Type.String({ format: 'uuid' }),
  payment_id: PaymentId,
  payment_intent_id: PaymentId,
});
const checker = Compile(MessageSchema);

type DeadTopic = Extract<TopicKey, 'paymentSucceededDead' | 'paymentFailedDead'>;

/**
 * What other systems tell of payments (contract section 2). Each handler may be given a message any number of times; it
 * rejects when the message is to be given again, and sets aside one that cannot be read, or that failed too often.
 */
export class PaymentMessages {
  readonly #database: Database;
  readonly #orders: Pick<OrderBook, 'find'>;
  readonly #external: Pick<TakeExternalPayment, 'take'>;
  readonly #metrics: Pick<Core['metrics'], 'paymentTopic'>;

  constructor(
    {
      database,
      metrics,
    }: Pick<Core, 'database'> & { readonly metrics: Pick<Core['metrics'], 'paymentTopic'> },
    orders: Pick<OrderBook, 'find'>,
    external: Pick<TakeExternalPayment, 'take'>,
  ) {
    this.#database = database;
    this.#metrics = metrics;
    this.#orders = orders;
    this.#external = external;
  }

  /** `payment_succefully`: the order is completed by it, as by money at Stripe. */
  readonly succeeded: EventHandler = (message, attempt) =>
    this.#handle('paymentSucceededDead', message, attempt, () => this.#takeSucceeded(message));

  /** `payment_unseecuufull`: one try failed. The order stays pending: the buyer may try again until the hold ends. */
  readonly failed: EventHandler = (message, attempt) =>
    this.#handle('paymentFailedDead', message, attempt, () => this.#takeFailed(message));

  async #handle(
    topic: DeadTopic,
    message: EventMessage,
    attempt: number,
    take: () => Promise<void>,
  ): Promise<void> {
    try {
      await take();
    } catch (error) {
      const isOutage = error instanceof AppError && OUTAGES.includes(error.code);
      if (isOutage || attempt < MAX_TRIES) throw error;
      const reason = error instanceof AppError ? error.message : 'The service failed on it every time.';
      await this.#setAside(topic, message, reason);
    }
  }

  async #takeSucceeded(message: EventMessage): Promise<void> {
    const read = readMessage(message.value);
    if ('unreadable' in read) return this.#setAside('paymentSucceededDead', message, read.unreadable);
    const paymentId = read.payment_intent_id || read.payment_id || undefined;
    try {
      await this.#external.take(orderIdOf(read), paymentId);
      this.#metrics.paymentTopic('succeeded');
    } catch (error) {
      const isHopeless =
        error instanceof AppError && (error.code === 'order_not_found' || error.code === 'payment_missing');
      if (!isHopeless) throw error;
      await this.#setAside('paymentSucceededDead', message, error.message);
    }
  }

  async #takeFailed(message: EventMessage): Promise<void> {
    const read = readMessage(message.value);
    if ('unreadable' in read) return this.#setAside('paymentFailedDead', message, read.unreadable);
    if (await this.#orders.find(this.#database, orderIdOf(read))) {
      this.#metrics.paymentTopic('failed');
      return;
    }
    await this.#setAside('paymentFailedDead', message, 'There is no order with this id.');
  }

  /** Through the outbox, so that it is set aside as surely as any change is announced. */
  async #setAside(topic: DeadTopic, message: EventMessage, reason: string): Promise<void> {
    // PostgreSQL's text holds every character but NUL; in the value it is escaped.
    const key = message.key.replaceAll('\0', '').slice(0, MAX_KEPT_CHARS);
    const kept = message.value.slice(0, MAX_KEPT_CHARS);
    const value = JSON.stringify({ reason, topic: message.topic, key: message.key, value: kept });
    await this.#database.transaction((tx: Transaction) => appendToOutbox(tx, [{ topic, key, value }]));
    this.#metrics.paymentTopic('set_aside');
  }
}

function orderIdOf({ order_id: orderId }: Static<typeof MessageSchema>): OrderId {
  return as<OrderId>(orderId.toLowerCase());
}

function readMessage(value: string): Static<typeof MessageSchema> | { readonly unreadable: string } {
  try {
    const message: unknown = JSON.parse(value);
    if (checker.Check(message)) return message;
    const [problem] = checker.Errors(message);
    return { unreadable: `${problem?.instancePath || 'the message'} ${problem?.message ?? 'is not valid'}` };
  } catch {
    return { unreadable: 'the message is not JSON' };
  }
}
