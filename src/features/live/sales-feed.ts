import { type Clock, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { SalesSignal } from '../../platform/signal.ts';
import { numberChanges, removeFromFeed } from './feed.store.ts';

const NUMBER_BATCH = 500;
/** `Last-Event-ID` is promised for an hour; the rest is for the time a reader takes to come back. */
const KEPT_MS = 75 * MS_PER_MINUTE;
const FORGET_BATCH = 10_000;

/** Makes the feed of sales: one order of everything that happened, the same for every reader. */
export class SalesFeed {
  readonly #database: Executor;
  readonly #signal: Pick<SalesSignal, 'send'>;
  readonly #onNumbered: () => void;
  readonly #clock: Clock;

  /** `onNumbered` is for readers in this process, which need not wait for the signal. */
  constructor(database: Executor, signal: Pick<SalesSignal, 'send'>, onNumbered: () => void, clock: Clock) {
    this.#database = database;
    this.#signal = signal;
    this.#onNumbered = onNumbered;
    this.#clock = clock;
  }

  /**
   * A turn at numbering what was committed; true when there may be more. Any replica may do it, several at once too. It
   * happens after the commit of the buyer's transaction, which therefore waits for no other.
   */
  async number(): Promise<boolean> {
    const numbered = await numberChanges(this.#database, NUMBER_BATCH, this.#clock.now());
    if (numbered > 0) {
      this.#onNumbered();
      await this.#signal.send();
    }
    return numbered === NUMBER_BATCH;
  }

  /** Removes what is older than readers may ask for; true when there may be more. */
  async forgetOld(): Promise<boolean> {
    const before = later(this.#clock.now(), -KEPT_MS);
    return (await removeFromFeed(this.#database, before, FORGET_BATCH)) === FORGET_BATCH;
  }
}
