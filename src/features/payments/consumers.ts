import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import type { EventHandler, EventMessage, TopicKey } from '../../kernel/events.ts';
import { as, type OrderId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { OrderBook } from '../orders/index.ts';
import type { TakeExternalPayment } from './take-external-payment.ts';

const MAX_PAYMENT_ID_CHARS = 255;
/** Outages: the message is not at fault and waits until they end. */
const OUTAGES: readonly ErrorCode[] = ['database_unavailable', 'payments_unavailable', 'shutting_down'];
/** The part of a message that is set aside, because it must fit into a message itself. */
const MAX_KEPT_CHARS = 100_000;

const PaymentId = Type.Optional(
  Type.Union([Type.String({ maxLength: MAX_PAYMENT_ID_CHARS, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }), Type.Null()]),
);

/** A message of either topic. Some senders also name the payment, by one of the two fields. */
const MessageSchema = Type.Object({
  order_id: Type.String({ format: 'uuid' }),
  payment_id: PaymentId,
  payment_intent_id: PaymentId,
});
const checker = Compile(MessageSchema);

type DeadTopic = Extract<TopicKey, 'paymentSucceededDead' | 'paymentFailedDead'>;

/**
 * Handles the messages of other systems about payments (contract section 2). A handler may receive a message any number of
 * times. It rejects to have a message redelivered, and sets aside a message that it cannot read or that failed too often.
 */
export class PaymentMessages {
  readonly #needs: Pick<Core, 'database'> & { readonly metrics: Pick<Core['metrics'], 'paymentTopic'> };
  readonly #orders: Pick<OrderBook, 'find'>;
  readonly #external: Pick<TakeExternalPayment, 'take'>;

  constructor(
    needs: Pick<Core, 'database'> & { readonly metrics: Pick<Core['metrics'], 'paymentTopic'> },
    orders: Pick<OrderBook, 'find'>,
    external: Pick<TakeExternalPayment, 'take'>,
  ) {
    this.#orders = orders;
    this.#external = external;
    this.#needs = needs;
  }

  /** Handles `payment_succefully`: completes the order as a payment at Stripe does. */
  readonly succeeded: EventHandler = (message, attempt) =>
    this.#handle('paymentSucceededDead', message, attempt, () => this.#takeSucceeded(message));

  /** Handles `payment_unseecuufull`: the order stays pending, because the buyer may try again until the hold ends. */
  readonly failed: EventHandler = (message, attempt) =>
    this.#handle('paymentFailedDead', message, attempt, () => this.#takeFailed(message));

  async #handle(topic: DeadTopic, message: EventMessage, attempt: number, take: () => Promise<void>): Promise<void> {
    try {
      await take();
    } catch (error) {
      const isOutage = error instanceof AppError && OUTAGES.includes(error.code);
      if (isOutage || attempt < MAX_TRIES) throw error;
      const reason = error instanceof AppError ? error.message : 'The service failed at every try.';
      await this.#setAside(topic, message, reason);
    }
  }

  async #takeSucceeded(message: EventMessage): Promise<void> {
    const read = readMessage(message.value);
    if ('unreadable' in read) return this.#setAside('paymentSucceededDead', message, read.unreadable);
    const paymentId = read.payment_intent_id || read.payment_id || undefined;
    try {
      await this.#external.take(orderIdOf(read), paymentId);
      this.#needs.metrics.paymentTopic('succeeded');
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
    if (await this.#orders.find(this.#needs.database, orderIdOf(read))) {
      this.#needs.metrics.paymentTopic('failed');
      return;
    }
    await this.#setAside('paymentFailedDead', message, 'There is no order with this id.');
  }

  /** Publishes the message to the dead-letter topic through the outbox, so that it is not lost. */
  async #setAside(topic: DeadTopic, message: EventMessage, reason: string): Promise<void> {
    // PostgreSQL's text cannot hold NUL; JSON escapes it in the value.
    const key = message.key.replaceAll('\0', '').slice(0, MAX_KEPT_CHARS);
    const kept = message.value.slice(0, MAX_KEPT_CHARS);
    const value = JSON.stringify({ reason, topic: message.topic, key: message.key, value: kept });
    await this.#needs.database.transaction((tx: Transaction) => appendToOutbox(tx, [{ topic, key, value }]));
    this.#needs.metrics.paymentTopic('set_aside');
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
