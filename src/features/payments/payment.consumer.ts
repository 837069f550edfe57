import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import type { EventHandler, EventMessage, TopicKey } from '../../kernel/events.ts';
import { as, type OrderId } from '../../kernel/ids.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { PaymentService } from './payment.service.ts';

/**
 * What other systems tell of payments (contract section 2). Each handler may be given a message any number of times; it
 * rejects when the message is to be given again, and sets aside one that will never be understood, or failed too often.
 */
export interface PaymentConsumer {
  /** `payment_succefully`: the order is completed by it, as by money at Stripe. */
  readonly paymentSucceeded: EventHandler;
  /** `payment_unseecuufull`: one try failed. The order stays pending: the buyer may try again until the hold ends. */
  readonly paymentFailed: EventHandler;
}

export interface PaymentConsumerOptions {
  readonly database: Database;
  readonly payments: Pick<PaymentService, 'paidElsewhere'>;
  readonly orderExists: (orderId: OrderId) => Promise<boolean>;
  /** Told of each message, by what became of it. */
  readonly onTaken: (outcome: 'succeeded' | 'failed' | 'set_aside') => void;
}

const MAX_PAYMENT_ID_CHARS = 255;
/** A message that fails so often is set aside, so that those behind it are heard. */
export const MAX_ATTEMPTS = 12;
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

export function createPaymentConsumer(options: PaymentConsumerOptions): PaymentConsumer {
  /** Through the outbox, so that it is set aside as surely as any change is announced. */
  async function setAside(topic: TopicKey, message: EventMessage, reason: string): Promise<void> {
    // PostgreSQL's text holds every character but NUL; in the value it is escaped.
    const key = message.key.replaceAll('\0', '').slice(0, MAX_KEPT_CHARS);
    const kept = message.value.slice(0, MAX_KEPT_CHARS);
    const value = JSON.stringify({ reason, topic: message.topic, key: message.key, value: kept });
    await options.database.transaction((tx: Transaction) => appendToOutbox(tx, [{ topic, key, value }]));
    options.onTaken('set_aside');
  }

  function settingAsideAtLast(topic: TopicKey, take: (message: EventMessage) => Promise<void>): EventHandler {
    return async (message, attempt) => {
      try {
        await take(message);
      } catch (error) {
        const isOutage = error instanceof AppError && OUTAGES.includes(error.code);
        if (isOutage || attempt < MAX_ATTEMPTS) throw error;
        const reason = error instanceof AppError ? error.message : 'The service failed on it every time.';
        await setAside(topic, message, reason);
      }
    };
  }

  return {
    paymentSucceeded: settingAsideAtLast('paymentSucceededDead', async (message) => {
      const read = readMessage(message.value);
      if ('unreadable' in read) return setAside('paymentSucceededDead', message, read.unreadable);
      const paymentId = read.payment_intent_id || read.payment_id || undefined;
      try {
        await options.payments.paidElsewhere(orderIdOf(read), paymentId);
        options.onTaken('succeeded');
      } catch (error) {
        const isHopeless =
          error instanceof AppError && (error.code === 'order_not_found' || error.code === 'payment_missing');
        if (!isHopeless) throw error;
        await setAside('paymentSucceededDead', message, error.message);
      }
    }),

    paymentFailed: settingAsideAtLast('paymentFailedDead', async (message) => {
      const read = readMessage(message.value);
      if ('unreadable' in read) return setAside('paymentFailedDead', message, read.unreadable);
      if (await options.orderExists(orderIdOf(read))) return options.onTaken('failed');
      await setAside('paymentFailedDead', message, 'There is no order with this id.');
    }),
  };
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
