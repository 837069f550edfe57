import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { type JournalWatch, openJournal } from '../journal.ts';
import type { Intent } from './intent.rules.ts';
import type { Dispute, Refund } from './intent.wire.ts';

/** https://docs.stripe.com/api/events/object, and where its delivery stands. */
export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly object: unknown;
  readonly requestKey: string | null;
  readonly delivered: boolean;
  readonly attempts: number;
}

/** The first answer to an idempotency key. */
export interface KeptAnswer {
  readonly fingerprint: string;
  readonly status: number;
  readonly body: unknown;
  readonly at: number;
}

/** Everything the stand-in remembers; a change and its events are one append, so that a kill parts them nowhere. */
export interface Ledger {
  intent(id: string): Intent | undefined;
  refund(id: string): Refund | undefined;
  dispute(id: string): Dispute | undefined;
  event(id: string): StripeEvent | undefined;
  answer(key: string): KeptAnswer | undefined;
  /** Newest first. */
  intents(): Intent[];
  refunds(): Refund[];
  disputes(): Dispute[];
  events(): StripeEvent[];
  write(changes: readonly LedgerChange[]): Promise<void>;
  close(): Promise<void>;
}

export type LedgerChange =
  | { readonly kind: 'intent'; readonly value: Intent }
  | { readonly kind: 'refund'; readonly value: Refund }
  | { readonly kind: 'dispute'; readonly value: Dispute }
  | { readonly kind: 'event'; readonly value: StripeEvent }
  | { readonly kind: 'answer'; readonly key: string; readonly value: KeptAnswer };

/** Events and answers kept; past it the oldest are forgotten, an event only when it is delivered. */
const MAX_KEPT = 50_000;
/** Stripe forgets a key after a day. */
const KEY_LIFE_MS = 86_400_000;

export async function openLedger(dataDir: string, clock: Clock, watch?: JournalWatch): Promise<Ledger> {
  const journal = await openJournal<LedgerChange>(join(dataDir, 'stripe.jsonl'), watch);
  const all = () => [...journal.values()].reverse();
  const passing = createQueue(MAX_KEPT);
  passing.add([...journal.values()].filter(isPassing).map(keyOf));
  return {
    intent(id) {
      const found = journal.get(`intent:${id}`);
      return found?.kind === 'intent' ? found.value : undefined;
    },
    refund(id) {
      const found = journal.get(`refund:${id}`);
      return found?.kind === 'refund' ? found.value : undefined;
    },
    dispute(id) {
      const found = journal.get(`dispute:${id}`);
      return found?.kind === 'dispute' ? found.value : undefined;
    },
    event(id) {
      const found = journal.get(`event:${id}`);
      return found?.kind === 'event' ? found.value : undefined;
    },
    answer(key) {
      const found = journal.get(`answer:${key}`);
      return found?.kind === 'answer' && clock.now() - found.value.at < KEY_LIFE_MS ? found.value : undefined;
    },
    intents: () => all().flatMap((change) => (change.kind === 'intent' ? [change.value] : [])),
    refunds: () => all().flatMap((change) => (change.kind === 'refund' ? [change.value] : [])),
    disputes: () => all().flatMap((change) => (change.kind === 'dispute' ? [change.value] : [])),
    events: () => all().flatMap((change) => (change.kind === 'event' ? [change.value] : [])),
    async write(changes) {
      await journal.putAll(changes.map((change) => [keyOf(change), change] as const));
      const forgotten = passing.add(changes.flatMap((change) => (isPassing(change) ? [keyOf(change)] : [])));
      // The change itself is kept; what cannot be forgotten now is found again, and forgotten, after the next start.
      if (forgotten.length > 0) await journal.remove(forgotten).catch(() => undefined);
    },
    close: journal.close,
  };
}

/** What may be forgotten: an answer, and an event that was delivered. */
function isPassing(change: LedgerChange): boolean {
  return change.kind === 'answer' || (change.kind === 'event' && change.value.delivered);
}

/** Keys in the order they came; adding gives back those pushed out. */
function createQueue(limit: number): { add(keys: readonly string[]): string[] } {
  const keys = new Set<string>();
  return {
    add(more) {
      for (const key of more) keys.add(key);
      const pushedOut = [...keys.values().take(Math.max(0, keys.size - limit))];
      for (const key of pushedOut) keys.delete(key);
      return pushedOut;
    },
  };
}

function keyOf(change: LedgerChange): string {
  return `${change.kind}:${change.kind === 'answer' ? change.key : change.value.id}`;
}
