import { AppError } from '../../kernel/errors.ts';
import type { Order, PaymentConclusion } from '../orders/index.ts';
import type { OrderIntents } from './order-intents.ts';
import type { PaymentProvider } from './payment-provider.ts';

/** Closes the PaymentIntent of an order, and finds out whether it was paid. */
export class ClosePayment implements PaymentConclusion {
  readonly #stripe: Pick<PaymentProvider, 'cancelIntent'>;
  readonly #intents: OrderIntents;

  constructor(stripe: Pick<PaymentProvider, 'cancelIntent'>, intents: OrderIntents) {
    this.#stripe = stripe;
    this.#intents = intents;
  }

  async conclude(order: Order): Promise<'unpaid' | 'paid' | 'unknown'> {
    if (order.paymentIntentId === undefined) return 'unpaid';
    try {
      const intent = await this.#stripe.cancelIntent(order.paymentIntentId);
      if (intent === undefined || intent.state === 'canceled') return 'unpaid';
      if (intent.state !== 'succeeded') return 'unknown';
      return (await this.#intents.settle(intent, order)) ? 'paid' : 'unpaid';
    } catch (error) {
      if (error instanceof AppError && error.code === 'payments_unavailable') return 'unknown';
      throw error;
    }
  }
}
