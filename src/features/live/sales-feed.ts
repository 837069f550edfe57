import { type Clock, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { SalesSignal } from '../../platform/signal.ts';
import { numberChanges, removeFromFeed } from './feed.store.ts';

const NUMBER_BATCH = 500;
/** `Last-Event-ID` is valid for an hour. The rest allows for the time that a reader needs to reconnect. */
const KEPT_MS = 75 * MS_PER_MINUTE;
const FORGET_BATCH = 10_000;

/** Writes the sales feed: all changes in one order, which is the same for every reader. */
export class SalesFeed {
  readonly #database: Executor;
  readonly #signal: Pick<SalesSignal, 'send'>;
  readonly #onNumbered: () => void;
  readonly #clock: Clock;

  /** `onNumbered` wakes the reader of this process without waiting for the signal. */
  constructor(database: Executor, signal: Pick<SalesSignal, 'send'>, onNumbered: () => void, clock: Clock) {
    this.#database = database;
    this.#signal = signal;
    this.#onNumbered = onNumbered;
    this.#clock = clock;
  }

  /**
   * One turn of numbering committed changes. Returns true if there may be more. Any number of replicas may do it at once.
   * It runs after the commit, so buyers' transactions do not wait for each other.
   */
  async number(): Promise<boolean> {
    const numbered = await numberChanges(this.#database, NUMBER_BATCH, this.#clock.now());
    if (numbered > 0) {
      this.#onNumbered();
      await this.#signal.send();
    }
    return numbered === NUMBER_BATCH;
  }

  /** Removes rows that are too old for any reader. Returns true if there may be more. */
  async forgetOld(): Promise<boolean> {
    const before = later(this.#clock.now(), -KEPT_MS);
    return (await removeFromFeed(this.#database, before, FORGET_BATCH)) === FORGET_BATCH;
  }
}
