import { createHmac } from 'node:crypto';
import { type Clock, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Ledger, StripeEvent } from './ledger.ts';

export interface DeliveryOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly url: string;
  readonly secret: string;
  readonly retryDelaysMs: readonly number[];
}

/** Posts events, signed, until they are taken with a 2xx or the retries are used up. */
export interface WebhookDelivery {
  /** Takes an event that is in the ledger. */
  add(event: StripeEvent): void;
  /** Begins, with what an earlier process left undelivered. */
  start(): void;
  close(): Promise<void>;
}

const MAX_CONCURRENT = 16;
const REQUEST_TIMEOUT_MS = 10_000;
const API_VERSION = '2026-10-28.endive';

export function createWebhookDelivery(options: DeliveryOptions): WebhookDelivery {
  const { ledger, retryDelaysMs } = options;
  const queue: StripeEvent[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let isStarted = false;

  function pump(): void {
    while (isStarted && !stopping.signal.aborted && underWay.size < MAX_CONCURRENT) {
      const event = queue.shift();
      if (!event) return;
      const work = deliver(event).finally(() => {
        underWay.delete(work);
        pump();
      });
      underWay.add(work);
    }
  }

  async function deliver(event: StripeEvent): Promise<void> {
    const delivered = await post(event, options, stopping.signal);
    if (stopping.signal.aborted) return;
    const after = { ...event, delivered, attempts: event.attempts + 1 };
    const isKept = await ledger.write([{ kind: 'event', value: after }]).then(
      () => true,
      () => false,
    );
    // An event whose delivery could not be stored is delivered again; the receiver knows it by its id.
    if (!delivered || !isKept) retryLater(after);
  }

  function retryLater(event: StripeEvent): void {
    const delay = retryDelaysMs[event.attempts - 1];
    if (delay === undefined || stopping.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      add(event);
    }, delay).unref();
    timers.add(timer);
  }

  function add(event: StripeEvent): void {
    queue.push(event);
    pump();
  }

  return {
    add,
    start() {
      if (isStarted) return;
      isStarted = true;
      const waiting = new Set(queue.map(({ id }) => id));
      const left = ledger.events().filter(({ id, delivered }) => !delivered && !waiting.has(id));
      queue.push(...left.reverse().map((event) => ({ ...event, attempts: 0 })));
      pump();
    },
    async close() {
      stopping.abort();
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
}

/** https://docs.stripe.com/webhooks#verify-manually */
async function post(
  event: StripeEvent,
  { clock, url, secret }: DeliveryOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const body = JSON.stringify(toEventWire(event));
  const timestamp = Math.floor(clock.now() / MS_PER_SECOND);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': `t=${timestamp},v1=${signature}`,
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

export function toEventWire(event: StripeEvent) {
  return {
    id: event.id,
    object: 'event' as const,
    api_version: API_VERSION,
    created: event.created,
    data: { object: event.object },
    livemode: false,
    pending_webhooks: event.delivered ? 0 : 1,
    request: { id: null, idempotency_key: event.requestKey },
    type: event.type,
  };
}
