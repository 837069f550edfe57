import { createAdmission } from '../features/live/admission.service.ts';
import { createSalesFeed } from '../features/live/feed.service.ts';
import { createLiveSales } from '../features/live/live.service.ts';
import { createFeedReader } from '../features/live/reader.service.ts';
import { createPostgresSignal } from '../platform/postgres/signal.ts';
import type { Base } from './foundation.ts';
import type { Postgres, Servers } from './servers.ts';

const SALES_CHANNEL = 'ticketing_sales';

/** Live sales: the feed, what tells every replica of it, and this replica's streams. */
export function wireLive(base: Base, { database, dsn }: Postgres, { seating, redisSignal }: Servers) {
  const { config, clock, closing, watch, feedBell, listenBell, failed } = base;
  const heard = { channel: SALES_CHANNEL, onSignal: feedBell.ring, onLost: listenBell.ring };
  const signal = redisSignal?.(heard) ?? createPostgresSignal(dsn, database, heard);
  closing.add(() => signal.close());
  const reader = createFeedReader(database);
  const admission = createAdmission({
    seating,
    maxStreams: config.MAX_STREAMS,
    maxStreamsPerUser: config.MAX_STREAMS_PER_USER,
  });
  const streams = createLiveSales({
    database,
    admission,
    reader,
    clock,
    currency: config.currency,
    onError: failed('streams'),
  });
  const feed = createSalesFeed({
    database,
    signal: watch('signal', signal),
    onNumbered: feedBell.ring,
    clock,
  });
  return { signal, reader, feed, streams };
}
