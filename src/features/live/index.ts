import { MS_PER_MINUTE, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Core } from '../../platform/core.ts';
import type { Feature, Job } from '../../platform/feature.ts';
import type { SalesSignal } from '../../platform/signal.ts';
import type { Access } from '../access/index.ts';
import type { RecordSales } from '../orders/index.ts';
import { type SaleChange, saleChanges } from '../sales/index.ts';
import { appendSaleChanges } from './feed.store.ts';
import { FeedReader } from './feed-reader.ts';
import { LiveStreams } from './live-streams.ts';
import { StreamPlaces } from './places.ts';
import { liveRoutes } from './routes.ts';
import { forgetOldSales, numberSales } from './sales-feed.ts';

export { liveChecks } from './checks.store.ts';

/** Sales that a crashed replica did not number and signals that were lost are found within this time. */
const SALE_POLL_MS = 500;
const LISTEN_AGAIN_MS = MS_PER_SECOND;
/** Precision of heartbeats, totals and token expiry. */
const STREAM_UPKEEP_MS = 250;
/** How often old rows of the feed are removed. */
const FORGET_MS = MS_PER_MINUTE;

/** Live sales: the feed, and this replica's streams of it. */
export interface Live extends Feature {
  readonly jobs: readonly Job[];
  /** Number of open streams. */
  streamCount(): number;
  /** Closes all streams and refuses new ones. */
  stop(): void;
}

export interface LiveNeeds {
  readonly access: Access;
  /** Wakes the job `saleReading` when a signal arrives, and `saleListening` when its connection is lost. */
  readonly signal: SalesSignal;
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
}

/** Stores changes of sales for the feed, in the transaction that makes them. */
export const recordInFeed: RecordSales = (tx, changes) => appendSaleChanges(tx, saleChanges(changes).filter(isVisible));

/** Whether a stream shows the change. A move to another tier of the same price changes only the figures. */
function isVisible({ isCompletion, difference }: SaleChange): boolean {
  return isCompletion || difference.orders !== 0 || difference.tickets !== 0 || difference.revenue !== 0n;
}

/** Builds live sales. */
export function createLive(core: Core, needs: LiveNeeds): Live {
  const { database, clock } = core;
  const signal = core.watch('signal', needs.signal);
  const reader = new FeedReader(database);
  const announce = () => {
    // The reader of this process need not wait for the signal.
    core.bell('saleReading').ring();
    return signal.send();
  };
  const streams = new LiveStreams({
    database,
    access: needs.access,
    places: new StreamPlaces(needs.maxStreams, needs.maxStreamsPerUser),
    reader,
    clock,
    onError: core.failed('streams'),
  });
  return {
    streamCount: () => streams.count(),
    stop: () => streams.stop(),
    routes: (api) => liveRoutes(api, streams),
    jobs: [
      { name: 'saleNumbering', everyMs: SALE_POLL_MS, turn: () => numberSales(database, clock, announce) },
      { name: 'saleListening', everyMs: LISTEN_AGAIN_MS, turn: () => needs.signal.listen() },
      { name: 'saleReading', everyMs: SALE_POLL_MS, turn: () => reader.read() },
      { name: 'saleStats', everyMs: STREAM_UPKEEP_MS, turn: () => streams.sendStats() },
      { name: 'saleForgetting', everyMs: FORGET_MS, turn: () => forgetOldSales(database, clock) },
      { name: 'streamUpkeep', everyMs: STREAM_UPKEEP_MS, turn: () => streams.upkeep() },
      { name: 'streamOwnership', everyMs: STREAM_UPKEEP_MS, turn: () => streams.confirmOwnership() },
    ],
  };
}
export { liveErrors } from './errors.ts';
