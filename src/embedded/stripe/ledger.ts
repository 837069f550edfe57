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
export type Ledger = Awaited<ReturnType<typeof openLedger>>;

interface Values {
  readonly intent: Intent;
  readonly refund: Refund;
  readonly dispute: Dispute;
  readonly event: StripeEvent;
  readonly answer: KeptAnswer;
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

export async function openLedger(dataDir: string, clock: Clock, watch?: JournalWatch) {
  const journal = await openJournal<LedgerChange>(join(dataDir, 'stripe.jsonl'), watch);
  const removable = createQueue(MAX_KEPT);
  removable.add([...journal.values()].filter(isRemovable).map(keyOf));
  function find<Kind extends keyof Values>(kind: Kind, id: string): Values[Kind] | undefined {
    const found = journal.get(`${kind}:${id}`);
    return found && isOf(kind, found) ? found.value : undefined;
  }
  function newest<Kind extends keyof Values>(kind: Kind): Values[Kind][] {
    return [...journal.values()].flatMap((change) => (isOf(kind, change) ? [change.value] : [])).reverse();
  }
  return {
    intent: (id: string) => find('intent', id),
    refund: (id: string) => find('refund', id),
    dispute: (id: string) => find('dispute', id),
    event: (id: string) => find('event', id),
    /** Undefined when Stripe would have forgotten the key. */
    answer(key: string): KeptAnswer | undefined {
      const found = find('answer', key);
      return found && clock.now() - found.at < KEY_LIFE_MS ? found : undefined;
    },
    /** Newest first, as the other lists. */
    intents: () => newest('intent'),
    refunds: () => newest('refund'),
    disputes: () => newest('dispute'),
    events: () => newest('event'),
    async write(changes: readonly LedgerChange[]): Promise<void> {
      await journal.putAll(changes.map((change) => [keyOf(change), change] as const));
      const expired = removable.add(changes.flatMap((change) => (isRemovable(change) ? [keyOf(change)] : [])));
      // The change itself is stored. Entries that cannot be removed now are removed after the next start.
      if (expired.length > 0) await journal.remove(expired).catch(() => undefined);
    },
    close: journal.close,
  };
}

function isOf<Kind extends keyof Values>(
  kind: Kind,
  change: LedgerChange,
): change is LedgerChange & { readonly kind: Kind; readonly value: Values[Kind] } {
  return change.kind === kind;
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
