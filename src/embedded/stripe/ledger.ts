import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { openJournal } from '../journal.ts';
import type { Intent } from './intent.rules.ts';
import type { Refund } from './intent.wire.ts';

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
  event(id: string): StripeEvent | undefined;
  answer(key: string): KeptAnswer | undefined;
  /** Newest first. */
  intents(): Intent[];
  refunds(): Refund[];
  events(): StripeEvent[];
  write(changes: readonly LedgerChange[]): Promise<void>;
  close(): Promise<void>;
}

export type LedgerChange =
  | { readonly kind: 'intent'; readonly value: Intent }
  | { readonly kind: 'refund'; readonly value: Refund }
  | { readonly kind: 'event'; readonly value: StripeEvent }
  | { readonly kind: 'answer'; readonly key: string; readonly value: KeptAnswer };

/** Stripe forgets a key after a day. */
const KEY_LIFE_MS = 86_400_000;

export async function openLedger(dataDir: string, clock: Clock): Promise<Ledger> {
  const journal = await openJournal<LedgerChange>(join(dataDir, 'stripe.jsonl'));
  const all = () => [...journal.values()].reverse();
  return {
    intent(id) {
      const found = journal.get(`intent:${id}`);
      return found?.kind === 'intent' ? found.value : undefined;
    },
    refund(id) {
      const found = journal.get(`refund:${id}`);
      return found?.kind === 'refund' ? found.value : undefined;
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
    events: () => all().flatMap((change) => (change.kind === 'event' ? [change.value] : [])),
    write: (changes) => journal.putAll(changes.map((change) => [keyOf(change), change] as const)),
    close: journal.close,
  };
}

function keyOf(change: LedgerChange): string {
  return `${change.kind}:${change.kind === 'answer' ? change.key : change.value.id}`;
}
