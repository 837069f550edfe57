import type { Job } from '../../platform/feature.ts';
import type { SalesSignal } from '../../platform/signal.ts';
import type { FeedReader } from './feed-reader.ts';
import type { LiveStreams } from './live-streams.ts';
import type { SalesFeed } from './sales-feed.ts';

/** Sales of another replica that died before it numbered them, and signals that were lost, are found within this. */
const SALE_POLL_MS = 500;
const LISTEN_AGAIN_MS = 1_000;
/** How exactly heartbeats, totals and ends of tokens keep their time. */
const STREAM_UPKEEP_MS = 250;
/** How often it is checked whether there is something old to remove. */
const FORGET_MS = 60_000;

/** The background work of live sales. */
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
