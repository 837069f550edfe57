import { join } from 'node:path';
import { type Clock, MS_PER_DAY } from '../../kernel/clock.ts';
import { type JournalWatch, openJournal } from '../journal.ts';
import type { Intent } from './intent.rules.ts';
import type { Dispute, Refund } from './intent.wire.ts';

/** https://docs.stripe.com/api/events/object, with the state of its delivery. */
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

/** The state of the stand-in. A change and its events are one append, so that a crash keeps both or neither. */
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

/** Maximum number of stored events and answers. The oldest ones are removed first, but no undelivered events. */
const MAX_KEPT = 50_000;
/** Stripe removes an idempotency key after a day. */
const KEY_LIFE_MS = MS_PER_DAY;

export async function openLedger(dataDir: string, clock: Clock, watch?: JournalWatch): Promise<Ledger> {
  const journal = await openJournal<LedgerChange>(join(dataDir, 'stripe.jsonl'), watch);
  const all = () => [...journal.values()].reverse();
  const removable = createQueue(MAX_KEPT);
  removable.add([...journal.values()].filter(isRemovable).map(keyOf));
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
      const expired = removable.add(changes.flatMap((change) => (isRemovable(change) ? [keyOf(change)] : [])));
      // The change itself is stored. Entries that cannot be removed now are removed after the next start.
      if (expired.length > 0) await journal.remove(expired).catch(() => undefined);
    },
    close: journal.close,
  };
}

/** Answers and delivered events may be removed. */
function isRemovable(change: LedgerChange): boolean {
  return change.kind === 'answer' || (change.kind === 'event' && change.value.delivered);
}

/** A bounded queue of keys; `add` returns the keys that no longer fit. */
function createQueue(limit: number): { add(keys: readonly string[]): string[] } {
  const keys = new Set<string>();
  return {
    add(more) {
      for (const key of more) keys.add(key);
      const removed = [...keys.values().take(Math.max(0, keys.size - limit))];
      for (const key of removed) keys.delete(key);
      return removed;
    },
  };
}

function keyOf(change: LedgerChange): string {
  return `${change.kind}:${change.kind === 'answer' ? change.key : change.value.id}`;
}
