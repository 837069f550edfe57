import type { FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import type { IdSource } from '../../kernel/ids.ts';
import type { JournalWatch } from '../journal.ts';
import { openLedger } from './ledger.ts';
import { StripeRoutes } from './stripe.routes.ts';
import { WebhookDelivery } from './webhook-delivery.ts';

/** Stripe's API in the process: objects, states, errors, idempotency keys, test cards and signed webhooks. */
export interface EmbeddedStripe {
  readonly plugin: FastifyPluginAsync;
  /** Starts to deliver webhooks, beginning with the undelivered ones of an earlier process. */
  start(): void;
  close(): Promise<void>;
}

/** Faster than Stripe's retries, which take hours, and limited in the same way. */
const RETRY_DELAYS_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000];

interface EmbeddedStripeNeeds {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Folder of its journal. */
  readonly dataDir: string;
  /** Address of this process, for the page of the bank. */
  readonly url: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly webhookSecret: string;
  /** Address that signed events are posted to. */
  readonly webhookUrl: string;
  readonly webhookRetryDelaysMs?: readonly number[];
  readonly journalWatch?: JournalWatch;
}

export async function createEmbeddedStripe(needs: EmbeddedStripeNeeds): Promise<EmbeddedStripe> {
  const { clock, ids, dataDir, url, secretKey, publishableKey, journalWatch } = needs;
  const { webhookUrl, webhookSecret: secret, webhookRetryDelaysMs: retryDelaysMs = RETRY_DELAYS_MS } = needs;
  const ledger = await openLedger(dataDir, clock, journalWatch);
  const delivery = new WebhookDelivery({ ledger, clock, url: webhookUrl, secret, retryDelaysMs });
  const api = new StripeRoutes({ ledger, delivery, clock, ids, url, secretKey, publishableKey });
  return {
    plugin: async (scope) => api.addRoutes(scope),
    start: () => delivery.start(),
    async close() {
      await delivery.close();
      await ledger.close();
    },
  };
}
