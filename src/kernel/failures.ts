/** What a failure in the background is about, as far as it is known: ids alone, because it goes into the log. */
export interface FailureSubject {
  readonly orderId?: string | undefined;
  /** Of work on several orders at once. */
  readonly orderIds?: readonly string[];
  readonly paymentIntentId?: string | undefined;
  readonly refundId?: string | undefined;
  readonly webhookId?: string | undefined;
  readonly topic?: string | undefined;
  readonly key?: string | undefined;
  readonly messageId?: string | undefined;
}

/** Called with each background failure, which is retried or waits for a person. */
export type OnFailure = (error: unknown, about?: FailureSubject) => void;
