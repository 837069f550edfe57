import { type Clock, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { RecordSales } from '../orders/index.ts';
import { appendSaleChanges, numberChanges, removeFromFeed } from './feed.store.ts';
import type { SalesSignal } from './live.ports.ts';
import { saleChange } from './scope.ts';

/** Makes the feed of sales: one order of everything that happened, the same for every reader. */
export interface SalesFeed {
  /**
   * A turn at numbering what was committed. Any replica may do it, also at once; it happens after the commit of the
   * buyer's transaction, which therefore waits for nobody. True when there may be more.
   */
  number(): Promise<boolean>;
  /** Removes what is older than readers may ask for; true when there may be more. */
  forgetOld(): Promise<boolean>;
}

export interface SalesFeedOptions {
  readonly database: Database;
  readonly signal: Pick<SalesSignal, 'send'>;
  /** For readers in this process, who need not wait for the signal. */
  readonly onNumbered: () => void;
  readonly clock: Clock;
}

const NUMBER_BATCH = 500;
/** `Last-Event-ID` is promised for an hour; the rest is for the time a reader takes to come back. */
const KEPT_MS = 75 * MS_PER_MINUTE;
const FORGET_BATCH = 10_000;

export function createSalesFeed({ database, signal, onNumbered, clock }: SalesFeedOptions): SalesFeed {
  return {
    async number() {
      const numbered = await numberChanges(database, NUMBER_BATCH, clock.now());
      if (numbered > 0) {
        onNumbered();
        await signal.send();
      }
      return numbered === NUMBER_BATCH;
    },
    async forgetOld() {
      const before = later(clock.now(), -KEPT_MS);
      return (await removeFromFeed(database, before, FORGET_BATCH)) === FORGET_BATCH;
    },
  };
}

/** What orders' transitions hand to the feed, in their own transaction. */
export function createRecordSales(): RecordSales {
  return async (tx, changes) => {
    const sales = changes.flatMap(({ from, to }) => saleChange(from, to) ?? []);
    if (sales.length > 0) await appendSaleChanges(tx, sales);
  };
}
