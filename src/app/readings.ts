import { inboxBacklog } from '../features/payments/inbox.store.ts';
import { refundBacklog } from '../features/payments/refund.store.ts';
import { type Instant, MS_PER_SECOND } from '../kernel/clock.ts';
import { lagOf } from '../platform/outbox/outbox.store.ts';
import type { Queues, Readings } from '../platform/telemetry/metrics.ts';
import type { Features } from './features.ts';
import type { Base } from './foundation.ts';
import type { Postgres } from './servers.ts';

/** A database that takes longer says nothing this time; what does not need it is told all the same. */
const QUEUES_TIMEOUT_MS = 2_000;

/** What `/metrics` looks at when it is asked, in bounded time. */
export async function readingsOf(
  base: Base,
  postgres: Postgres,
  { live, tickets }: Features,
): Promise<Readings> {
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(timeout.resolve, QUEUES_TIMEOUT_MS, undefined);
  const isUp = postgres.database.ping(QUEUES_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
  const queues = await Promise.race([
    queuesOf(base, postgres, tickets).catch(() => undefined),
    timeout.promise,
  ]);
  clearTimeout(timer);
  return {
    pool: postgres.database.use(),
    isDatabaseUp: await isUp,
    clockDifferenceSeconds: postgres.clock.differenceSeconds(),
    streams: live.streamCount(),
    droppedLines: base.droppedLines(),
    queues,
  };
}

async function queuesOf(base: Base, postgres: Postgres, tickets: Features['tickets']): Promise<Queues> {
  const { database } = postgres;
  const [outbox, webhooks, refunds, earlierCodes] = await Promise.all([
    outboxLag(base, postgres),
    inboxBacklog(database),
    refundBacklog(database),
    tickets.picturesWaiting(),
  ]);
  const backlog = ({ waiting, oldest, stuck }: typeof webhooks) => ({
    waiting,
    stuck,
    seconds: ageSeconds(base, oldest),
  });
  return { outbox, webhooks: backlog(webhooks), refunds: backlog(refunds), earlierCodes };
}

/** How far publishing is behind. */
export async function outboxLag(base: Pick<Base, 'clock'>, { database }: Pick<Postgres, 'database'>) {
  const { waiting, oldest, blocked } = await lagOf(database);
  return { waiting, blocked, seconds: ageSeconds(base, oldest) };
}

function ageSeconds({ clock }: Pick<Base, 'clock'>, oldest: Instant | null): number {
  return oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / MS_PER_SECOND);
}
