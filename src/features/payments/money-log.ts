import type { Core } from '../../platform/core.ts';
import type { MoneyReceived } from './payments.store.ts';

/** `taken_over`: the earlier service completed its order. `withheld`: a person decides about its refund. */
export type MoneyOutcome = 'completed' | 'refunded' | 'late_rebooked' | 'late_refunded' | 'taken_over' | 'withheld';

/** Log messages of decided payments, except those that complete an order. */
const MESSAGES: Readonly<Partial<Record<MoneyOutcome, string>>> = {
  refunded: 'a payment is refunded',
  late_refunded: 'a payment is refunded',
  taken_over: 'a payment was found to have completed its order before',
  withheld: 'a payment is withheld until a person decides whether to refund it',
};

/** Counts decisions about payments, and logs those that complete no order. */
export class MoneyLog {
  readonly #needs: Pick<Core, 'log' | 'metrics'>;

  constructor(needs: Pick<Core, 'log' | 'metrics'>) {
    this.#needs = needs;
  }

  /** Counts and logs a decision. `late` money came after its order had ended. */
  decided(outcome: MoneyOutcome, { intentId, orderId }: MoneyReceived, reason: string | undefined): void {
    this.#needs.metrics.money(outcome);
    const text = MESSAGES[outcome];
    if (text) this.#needs.log.warn({ intentId, orderId, reason }, text);
  }

  /** Logs that the provider received another amount than was assumed from the order. */
  corrected(
    { intentId, orderId, amountMinor, currency }: MoneyReceived,
    assumed: Pick<MoneyReceived, 'amountMinor' | 'currency'>,
  ): void {
    const received = `${amountMinor} ${currency}`;
    this.#needs.log.warn(
      { intentId, orderId, received, assumed: `${assumed.amountMinor} ${assumed.currency}` },
      'a payment is not the price of the order it paid for',
    );
  }
}
