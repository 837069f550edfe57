import { LRUCache } from 'lru-cache';
import type { Live } from '../features/live/index.ts';
import type { Payments } from '../features/payments/index.ts';
import type { Tickets } from '../features/tickets/index.ts';
import { type Clock, type Instant, MS_PER_SECOND } from '../kernel/clock.ts';
import { withTimeLimit } from '../kernel/time-limit.ts';
import type { Outbox } from '../platform/outbox/outbox.ts';
import type { Queues, Readings } from '../platform/telemetry/metrics.ts';
import type { Foundation } from './foundation.ts';
import type { Postgres } from './servers.ts';

/** When the database takes longer, its queues are left out of the metrics. */
const QUEUES_TIMEOUT_MS = 2_000;

/** The features that the metrics read. */
interface Sources {
  readonly outbox: Outbox;
  readonly payments: Pick<Payments, 'backlog'>;
  readonly tickets: Pick<Tickets, 'picturesWaiting'>;
  readonly live: Pick<Live, 'streamCount'>;
}

/** The metrics are public, so the database is asked this often, however often they are requested. */
const KEPT_MS = 500;

/** Reads the gauges of `/metrics`, in bounded time. */
export function createReadings(
  { droppedLines }: Foundation,
  { database, clock }: Postgres,
  sources: Sources,
): () => Promise<Readings> {
  const kept = new LRUCache<'database', Pick<Readings, 'isDatabaseUp' | 'queues'>>({
    max: 1,
    ttl: KEPT_MS,
    fetchMethod: async () => {
      const isUp = database.ping(QUEUES_TIMEOUT_MS).then(
        () => true,
        () => false,
      );
      const found = queuesOf(clock, sources).catch(() => undefined);
      const queues = await withTimeLimit(QUEUES_TIMEOUT_MS, found, () => undefined);
      return { isDatabaseUp: await isUp, queues };
    },
  });
  return async () => ({
    ...(await kept.forceFetch('database')),
    pool: database.use(),
    clockDifferenceSeconds: clock.differenceSeconds(),
    streams: sources.live.streamCount(),
    droppedLines: droppedLines(),
  });
}

async function queuesOf(clock: Clock, { outbox, payments, tickets }: Sources): Promise<Queues> {
  const [lag, { webhooks, refunds }, earlierCodes] = await Promise.all([
    outbox.lag(),
    payments.backlog(),
    tickets.picturesWaiting(),
  ]);
  const backlog = ({ waiting, oldest, stuck }: typeof webhooks) => {
    return { waiting, stuck, seconds: secondsSince(clock, oldest) };
  };
  return { outbox: lag, webhooks: backlog(webhooks), refunds: backlog(refunds), earlierCodes };
}

function secondsSince(clock: Clock, oldest: Instant | null): number {
  return oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / MS_PER_SECOND);
}
