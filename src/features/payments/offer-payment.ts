import { AppError } from '../../kernel/errors.ts';
import { as, type OrderId, type PaymentIntentId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Access } from '../access/index.ts';
import { holdMinutesLeft, type Order, requireHeld } from '../orders/index.ts';
import { completeFreeOrder, type FreeOrderNeeds } from './complete-free-order.ts';
import type { OrderIntents } from './order-intents.ts';
import type { Intent } from './payment-provider.ts';

/** The data with which a buyer pays. */
export interface PaymentOffer {
  readonly intent: Intent;
  readonly minutesLeft: number;
  readonly order: Order;
}

/** What the use cases of a paying buyer need. */
export interface BuyerNeeds extends FreeOrderNeeds {
  readonly access: Access;
  readonly intents: OrderIntents;
}

/** Each further try starts from the order as the other request left it. */
const MAX_OFFER_ATTEMPTS = 3;

/** Creates or returns the PaymentIntent of an order. */
export class OfferPayment {
  readonly #needs: BuyerNeeds;

  constructor(needs: BuyerNeeds) {
    this.#needs = needs;
  }

  /**
   * Returns the order's PaymentIntent, for its buyer while the order is held; creates one when none can be paid. An order that
   * costs nothing has no PaymentIntent: it is completed instead, because the front end calls nothing else, and this call
   * throws `nothing_to_pay`, also when it is repeated.
   * Throws `order_not_found`, `forbidden`, `order_not_pending`, `hold_ended`, `nothing_to_pay`, `order_already_paid`,
   * `order_changed`, `payment_refused`, `price_not_chargeable`, `payments_unavailable`.
   */
  async offer(orderId: OrderId, who: Principal): Promise<PaymentOffer> {
    for (let attempt = 1; attempt <= MAX_OFFER_ATTEMPTS; attempt += 1) {
      const order = await this.#needs.orders.get(this.#needs.database, orderId);
      await this.#needs.access.require('order.pay', who, { owner: order.userId, event: order.eventId });
      const offer = await this.#offerFor(order);
      if (offer) return offer;
    }
    throw new AppError(
      'order_changed',
      'Another request changed the order at the same time. Read the order again, then retry.',
    );
  }

  /** The client secret of an intent that was offered; it is never stored. Throws `payments_unavailable`. */
  async secretOf(intentId: string): Promise<string> {
    const intent = await this.#needs.intents.read(as<PaymentIntentId>(intentId));
    if (intent) return intent.clientSecret;
    throw new AppError('payments_unavailable', 'The payment provider does not know this payment. Try again shortly.');
  }

  /** Undefined when another request changed the order at the same time. */
  async #offerFor(order: Order): Promise<PaymentOffer | undefined> {
    if (order.price === 0 && order.status === 'completed') throw nothingToPay(order);
    requireHeld(order, this.#needs.clock.now());
    if (order.price === 0) {
      const completed = await completeFreeOrder(this.#needs, order);
      if (completed) throw nothingToPay(completed);
      return undefined;
    }
    const intent = await this.#needs.intents.open(order);
    const current = (await this.#needs.orders.find(this.#needs.database, order.orderId)) ?? order;
    if (intent?.amount !== current.price) return undefined;
    requireHeld(current, this.#needs.clock.now());
    return { intent, order: current, minutesLeft: holdMinutesLeft(current, this.#needs.clock.now()) };
  }
}

/** The refusal for an order that is completed without a payment. */
function nothingToPay({ orderId }: Order): AppError {
  return new AppError(
    'nothing_to_pay',
    `The order costs nothing: it is completed, and its tickets are at /api/order/${orderId}/tickets.`,
  );
}
