import { createHmac } from 'node:crypto';
import { type Clock, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Ledger, StripeEvent } from './ledger.ts';

const MAX_CONCURRENT = 16;
const REQUEST_TIMEOUT_MS = 10_000;
const API_VERSION = '2026-10-28.endive';
interface WebhookDeliveryNeeds {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly url: string;
  readonly secret: string;
  readonly retryDelaysMs: readonly number[];
}

/** Posts signed events until they are acknowledged with a 2xx, or all retries have failed. */
export class WebhookDelivery {
  readonly #needs: WebhookDeliveryNeeds;
  readonly #queue: StripeEvent[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #isStarted = false;

  constructor(needs: WebhookDeliveryNeeds) {
    this.#needs = needs;
  }

  /** Queues an event of the ledger. */
  add(event: StripeEvent): void {
    this.#queue.push(event);
    this.#pump();
  }

  /** Starts to deliver, beginning with the undelivered events of an earlier process. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const queued = new Set(this.#queue.map(({ id }) => id));
    const left = this.#needs.ledger.events().filter(({ id, delivered }) => !delivered && !queued.has(id));
    this.#queue.push(...left.reverse().map((event) => ({ ...event, attempts: 0 })));
    this.#pump();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#underWay);
  }

  #pump(): void {
    while (this.#isStarted && !this.#stopping.signal.aborted && this.#underWay.size < MAX_CONCURRENT) {
      const event = this.#queue.shift();
      if (!event) return;
      const work = this.#deliver(event).finally(() => {
        this.#underWay.delete(work);
        this.#pump();
      });
      this.#underWay.add(work);
    }
  }

  async #deliver(event: StripeEvent): Promise<void> {
    const delivered = await this.#post(event);
    if (this.#stopping.signal.aborted) return;
    const after = { ...event, delivered, attempts: event.attempts + 1 };
    const isStored = await this.#needs.ledger.write([{ kind: 'event', value: after }]).then(
      () => true,
      () => false,
    );
    // If the delivery could not be stored, the event is delivered again; the receiver recognises its id.
    if (!delivered || !isStored) this.#retryLater(after);
  }

  #retryLater(event: StripeEvent): void {
    const delayMs = this.#needs.retryDelaysMs[event.attempts - 1];
    if (delayMs === undefined || this.#stopping.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.add(event);
    }, delayMs).unref();
    this.#timers.add(timer);
  }

  /** https://docs.stripe.com/webhooks#verify-manually */
  async #post(event: StripeEvent): Promise<boolean> {
    const body = JSON.stringify(toEventWire(event));
    const timestamp = Math.floor(this.#needs.clock.now() / MS_PER_SECOND);
    const signature = createHmac('sha256', this.#needs.secret).update(`${timestamp}.${body}`).digest('hex');
    try {
      const response = await fetch(this.#needs.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': `t=${timestamp},v1=${signature}`,
        },
        body,
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
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
