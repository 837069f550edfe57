import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import type { IdSource } from '../../kernel/ids.ts';
import type { JournalWatch } from '../journal.ts';
import { openLedger } from './ledger.ts';
import { createOperations } from './operations.ts';
import { stripeRoutes } from './stripe.routes.ts';
import { createWebhookDelivery } from './webhook-delivery.ts';

export interface EmbeddedStripeOptions {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Its state is kept in here. */
  readonly dataDir: string;
  /** Where this process answers, for the page of the bank. */
  readonly url: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly webhookSecret: string;
  /** Where signed events are posted. */
  readonly webhookUrl: string;
  readonly webhookRetryDelaysMs?: readonly number[];
  /** Called when its journal cannot be written. */
  readonly journalWatch?: JournalWatch;
}

/** Stripe's API in the process: shapes, states, errors, idempotency keys, test cards and signed webhooks. */
export interface EmbeddedStripe {
  readonly plugin: FastifyPluginAsync;
  /** Begins to deliver webhooks, with those an earlier process left. */
  start(): void;
  close(): Promise<void>;
}

/** Quicker than Stripe's hours, and as bounded. */
const RETRY_DELAYS_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000];

export async function createEmbeddedStripe(options: EmbeddedStripeOptions): Promise<EmbeddedStripe> {
  const { clock, ids, url } = options;
  const ledger = await openLedger(options.dataDir, clock, options.journalWatch);
  const delivery = createWebhookDelivery({
    ledger,
    clock,
    url: options.webhookUrl,
    secret: options.webhookSecret,
    retryDelaysMs: options.webhookRetryDelaysMs ?? RETRY_DELAYS_MS,
  });
  const operations = createOperations({ ledger, clock, ids, url });
  return {
    async plugin(scope) {
      stripeRoutes(scope, { ...options, ledger, operations, delivery, requestId: () => ids.uuid() });
    },
    start: delivery.start,
    async close() {
      await delivery.close();
      await ledger.close();
    },
  };
}
