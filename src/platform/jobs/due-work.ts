import type { Clock, Instant } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import { reasonOf } from '../../kernel/errors.ts';

/**
 * Work that rows make due: a webhook to apply, a refund to send, money to decide on. One mechanism claims it, repeats it and
 * gives it up; the statements for it are in `due-work.store.ts`.
 *
 * | from    | what happens                                           | function         | to      |
 * |---------|--------------------------------------------------------|------------------|---------|
 * | -       | a row is written, to be tried from `next_attempt_at` on | the feature's    | due     |
 * | due     | a process takes it, alone until its next try           | `claimDue`       | claimed |
 * | claimed | the work is done                                       | the feature's    | done    |
 * | claimed | the work throws                                        | `noteFailure`    | claimed, with its last error |
 * | claimed | its next try has come, also when its process died      | -                | due     |
 * | due     | a process takes it for the last of `MAX_TRIES` tries   | `claimDue`       | stuck, while that try is made |
 * | stuck   | a person has it tried again                            | `retryStuck`     | due     |
 *
 * A try may be cut off anywhere, and a slow one may run beside the next: the work itself has the effect of one.
 */

/**
 * Tries of work before it waits for a person; migration 14 has the same number for the previous release. Work that must
 * never wait for a person is tried without end.
 */
export const MAX_TRIES = 12;

/** Items taken in one turn. */
const BATCH = 64;
/** Items worked on at the same time. */
const CONCURRENT = 8;

/** Where due work is kept. */
export interface DueQueue<Item> {
  /** Takes at most `limit` items that are due, for this caller alone until their next try. */
  claim(now: Instant, limit: number): Promise<readonly Item[]>;
  /** Keeps why a try failed. */
  noteFailure(item: Item, reason: string): Promise<void>;
}

/**
 * A turn of a background job that takes what is due from a queue and does it; it resolves true when there may be more.
 * `perform` does an item and writes down that it is done; `report` is called with each failure, which is tried again.
 */
export function dueWork<Item>(
  queue: DueQueue<Item>,
  clock: Clock,
  perform: (item: Item) => Promise<void>,
  report: (error: unknown, item: Item) => void,
): () => Promise<boolean> {
  async function tryOnce(item: Item): Promise<void> {
    try {
      await perform(item);
    } catch (error) {
      report(error, item);
      await queue.noteFailure(item, reasonOf(error));
    }
  }

  return async () => {
    const items = await queue.claim(clock.now(), BATCH);
    await eachOf(items, CONCURRENT, tryOnce);
    return items.length === BATCH;
  };
}
