import { createServer } from 'node:http';
import Fastify from 'fastify';
import type { Intent } from '../../src/embedded/stripe/intent.rules.ts';
import type { Dispute } from '../../src/embedded/stripe/intent.wire.ts';
import { type Ledger, openLedger, type StripeEvent } from '../../src/embedded/stripe/ledger.ts';
import { StripeRoutes } from '../../src/embedded/stripe/stripe.routes.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { IdSource } from '../../src/kernel/ids.ts';
import { close, listen } from '../support/servers.ts';

/**
 * Stripe, outside of the service, so that it outlives crashes: the embedded one with its API over HTTP, but
 * the model delivers its webhooks, late, twice, in another order or after a crash.
 */
export interface Bank {
  readonly url: string;
  /** Events that happened, oldest first. */
  readonly events: readonly StripeEvent[];
  intent(intentId: string): Intent | undefined;
  intents(): Intent[];
  disputeOf(intentId: string): Dispute | undefined;
  /** The sum of refunds, in minor units. */
  refunded(intentId: string): number;
  /** A call of Stripe’s API with the secret key, as a page or the dashboard makes it. */
  post(path: string, form: Readonly<Record<string, string>>): Promise<number>;
  /** Forgets everything; the address stays. */
  reset(folder: string): Promise<void>;
  close(): Promise<void>;
}

export const BANK_KEYS = { secretKey: 'sk_test_model', publishableKey: 'pk_test_model' };

export async function openBank(clock: Clock, ids: IdSource, folder: string): Promise<Bank> {
  let current = await openLedger(folder, clock);
  let events: StripeEvent[] = [];
  const ledger = new Proxy({} as Ledger, { get: (_target, name) => Reflect.get(current, name) });
  const server = createServer();
  const url = await listen(server);
  const stripe = Fastify({
    serverFactory(handler) {
      server.on('request', handler);
      return server;
    },
  });
  const delivery = {
    add: (event: StripeEvent) => void events.push(event),
    start: () => undefined,
    close: async () => undefined,
  };
  new StripeRoutes({ ...BANK_KEYS, ledger, delivery, clock, ids, url }).addRoutes(stripe);
  await stripe.ready();
  return {
    url,
    get events() {
      return events;
    },
    intent: (intentId) => current.intent(intentId),
    intents: () => current.intents(),
    disputeOf: (intentId) => current.disputes().find((dispute) => dispute.intentId === intentId),
    refunded: (intentId) => current.intent(intentId)?.amountRefunded ?? 0,
    async post(path, form) {
      const headers = {
        authorization: `Bearer ${BANK_KEYS.secretKey}`,
        'content-type': 'application/x-www-form-urlencoded',
      };
      const payload = new URLSearchParams(form).toString();
      return (await stripe.inject({ method: 'POST', url: path, headers, payload })).statusCode;
    },
    async reset(next) {
      await current.close();
      current = await openLedger(next, clock);
      events = [];
    },
    async close() {
      await close(server);
      await current.close();
    },
  };
}
