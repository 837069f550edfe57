import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import type { EventHandler, EventMessage, TopicKey } from '../../kernel/events.ts';
import { as, type OrderId } from '../../kernel/ids.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { OrderBook } from '../orders/index.ts';

const MAX_PAYMENT_ID_CHARS = 255;
/** Outages: the message is not at fault and waits until they end. */
const OUTAGES: readonly ErrorCode[] = ['database_unavailable', 'payments_unavailable', 'shutting_down'];
/** Another try would end the same. */
const HOPELESS: readonly ErrorCode[] = ['order_not_found', 'payment_missing'];
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

interface MessageNeeds {
  readonly database: Database;
  readonly metrics: Pick<Metrics, 'paymentTopic'>;
  readonly orders: Pick<OrderBook, 'find'>;
  readonly takeExternal: (orderId: OrderId, paymentId: string | undefined) => Promise<void>;
}

type DeadTopic = Extract<TopicKey, 'paymentSucceededDead' | 'paymentFailedDead'>;

/**
 * Handles the messages of other systems about payments (contract section 2). A handler may receive a message any number of
 * times. It rejects to have a message redelivered, and sets aside a message that it cannot read or that failed too often.
 */
export class PaymentMessages {
  readonly #needs: MessageNeeds;

  constructor(needs: MessageNeeds) {
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
      await this.#needs.takeExternal(orderIdOf(read), paymentId);
      this.#needs.metrics.paymentTopic('succeeded');
    } catch (error) {
      if (!(error instanceof AppError && HOPELESS.includes(error.code))) throw error;
      await this.#setAside('paymentSucceededDead', message, error.message);
    }
  }

  async #takeFailed(message: EventMessage): Promise<void> {
    const read = readMessage(message.value);
    if ('unreadable' in read) return this.#setAside('paymentFailedDead', message, read.unreadable);
    if (await this.#needs.orders.find(this.#needs.database, orderIdOf(read))) {
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
    await this.#needs.database.transaction((tx) => appendToOutbox(tx, [{ topic, key, value }]));
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
