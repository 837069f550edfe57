import { MS_PER_MINUTE, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Job } from '../../platform/feature.ts';
import type { SalesSignal } from '../../platform/signal.ts';
import type { FeedReader } from './feed-reader.ts';
import type { LiveStreams } from './live-streams.ts';
import type { SalesFeed } from './sales-feed.ts';

/** Sales that a crashed replica did not number and signals that were lost are found within this time. */
const SALE_POLL_MS = 500;
const LISTEN_AGAIN_MS = MS_PER_SECOND;
/** Precision of heartbeats, totals and token expiry. */
const STREAM_UPKEEP_MS = 250;
/** How often old rows of the feed are removed. */
const FORGET_MS = MS_PER_MINUTE;

/** The background jobs of live sales. */
export function liveJobs(
  feed: SalesFeed,
  signal: SalesSignal,
  reader: FeedReader,
  streams: LiveStreams,
): readonly Job[] {
  return [
    { name: 'saleNumbering', everyMs: SALE_POLL_MS, turn: () => feed.number() },
    { name: 'saleListening', everyMs: LISTEN_AGAIN_MS, turn: () => signal.listen() },
    { name: 'saleReading', everyMs: SALE_POLL_MS, turn: () => reader.read() },
    { name: 'saleStats', everyMs: STREAM_UPKEEP_MS, turn: () => streams.sendStats() },
    { name: 'saleForgetting', everyMs: FORGET_MS, turn: () => feed.forgetOld() },
    { name: 'streamUpkeep', everyMs: STREAM_UPKEEP_MS, turn: () => streams.upkeep() },
    { name: 'streamOwnership', everyMs: STREAM_UPKEEP_MS, turn: () => streams.confirmOwnership() },
  ];
}
