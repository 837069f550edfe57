/** The known ids that a background failure concerns. It contains only ids, because it is logged. */
export interface FailureSubject {
  readonly orderId?: string | undefined;
  /** For work on several orders at once. */
  readonly orderIds?: readonly string[];
  readonly paymentIntentId?: string | undefined;
  readonly refundId?: string | undefined;
  readonly webhookId?: string | undefined;
  readonly topic?: string | undefined;
  readonly key?: string | undefined;
  readonly messageId?: string | undefined;
}

/** Called with each background failure. The work is retried, or waits for an operator. */
export type OnFailure = (error: unknown, about?: FailureSubject) => void;
