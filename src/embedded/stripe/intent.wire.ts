import type { Intent } from './intent.rules.ts';

export type IntentWire = ReturnType<typeof toIntentWire>;

/** https://docs.stripe.com/api/payment_intents/object */
export function toIntentWire(intent: Intent, url: string) {
  const isPaid = intent.status === 'succeeded';
  return {
    id: intent.id,
    object: 'payment_intent' as const,
    amount: intent.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: isPaid ? intent.amount : 0,
    automatic_payment_methods: { allow_redirects: 'never', enabled: true },
    canceled_at: intent.canceledAt,
    cancellation_reason: intent.cancellationReason,
    capture_method: 'automatic_async',
    client_secret: intent.clientSecret,
    confirmation_method: 'automatic',
    created: intent.created,
    currency: intent.currency,
    customer: null,
    description: null,
    last_payment_error: intent.lastError
      ? {
          type: 'card_error',
          code: intent.lastError.code,
          ...(intent.lastError.declineCode ? { decline_code: intent.lastError.declineCode } : {}),
          message: intent.lastError.message,
        }
      : null,
    latest_charge: intent.chargeId,
    livemode: false,
    metadata: intent.metadata,
    next_action:
      intent.status === 'requires_action'
        ? {
            type: 'redirect_to_url',
            redirect_to_url: {
              url: `${url}/v1/test_helpers/payment_intents/${intent.id}/authenticate`,
              return_url: null,
            },
          }
        : null,
    payment_method: intent.paymentMethod,
    payment_method_types: ['card'],
    processing: null,
    receipt_email: null,
    setup_future_usage: null,
    status: intent.status,
  };
}

export interface Refund {
  readonly id: string;
  readonly intentId: string;
  readonly chargeId: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** https://docs.stripe.com/api/refunds/object */
export function toRefundWire(refund: Refund) {
  return {
    id: refund.id,
    object: 'refund' as const,
    amount: refund.amount,
    balance_transaction: null,
    charge: refund.chargeId,
    created: refund.created,
    currency: refund.currency,
    metadata: refund.metadata,
    payment_intent: refund.intentId,
    reason: refund.reason,
    receipt_number: null,
    status: 'succeeded' as const,
  };
}

export interface Dispute {
  readonly id: string;
  readonly intentId: string;
  readonly chargeId: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly status: 'needs_response' | 'won' | 'lost';
}

/** https://docs.stripe.com/api/disputes/object */
export function toDisputeWire(dispute: Dispute) {
  return {
    id: dispute.id,
    object: 'dispute' as const,
    amount: dispute.amount,
    charge: dispute.chargeId,
    created: dispute.created,
    currency: dispute.currency,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: dispute.intentId,
    reason: 'fraudulent' as const,
    status: dispute.status,
  };
}

/** https://docs.stripe.com/api/charges/object */
export function toChargeWire(intent: Intent, isDisputed: boolean) {
  return {
    id: intent.chargeId,
    object: 'charge' as const,
    amount: intent.amount,
    amount_captured: intent.amount,
    amount_refunded: intent.amountRefunded,
    captured: true,
    created: intent.created,
    currency: intent.currency,
    disputed: isDisputed,
    livemode: false,
    metadata: intent.metadata,
    paid: true,
    payment_intent: intent.id,
    payment_method: intent.paymentMethod,
    refunded: intent.amountRefunded === intent.amount,
    status: 'succeeded' as const,
  };
}
