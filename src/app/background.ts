import type { Live } from '../features/live/index.ts';
import { type Clock, instant, later, MS_PER_SECOND } from '../kernel/clock.ts';
import type { Job } from '../platform/feature.ts';
import type { Drain } from '../platform/http/drain.ts';
import { claimDailyJob, markDailyJobDone } from '../platform/jobs/daily.store.ts';
import { reportFailures } from '../platform/jobs/failures.ts';
import { createBell, startPoller } from '../platform/jobs/poller.ts';
import type { Kafka } from '../platform/kafka/kafka.ts';
import { createRelay, RELAY_POLL_MS } from '../platform/outbox/relay.ts';
import type { ClockWatch } from '../platform/postgres/clock-watch.ts';
import { MEASURE_EVERY_MS } from '../platform/postgres/database-clock.ts';
import { createLeader, type LeaderOptions, RELAY_LOCK } from '../platform/postgres/leader.ts';
import type { Features } from './features.ts';
import type { Base } from './foundation.ts';
import { type Postgres, type Servers, topicNames } from './servers.ts';

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
/** How often it is seen whether there is something old to remove, or the day's comparison to make. */
const HOUSEKEEPING_MS = 60_000;
/** A stop that takes longer than this is cut short; what is cut is found again by the next process. */
export const STOP_TIMEOUT_MS = 20_000;
/** Requests under way when a stop begins have this long; the rest is for handing over what is read from Kafka. */
const DRAIN_MS = 10_000;
/** Turns under way have this long: one that waits for Stripe, or compares thousands of payments, is left to another. */
const LAST_TURNS_MS = 4_000;
/** All of that together, since the stop began; what is left is for the last messages and for closing. */
const HANDED_OVER_BY_MS = 15_000;
const LAST_RELAY_MS = 3_000;

/** Pauses between questions do not grow when the database's time is set back. */
const monotonicClock: Clock = { now: () => instant(Math.floor(performance.now())) };

type FeatureWork = Pick<
  Work,
  | 'folding'
  | 'earlierCodes'
  | 'saleNumbering'
  | 'saleListening'
  | 'saleReading'
  | 'saleStats'
  | 'saleForgetting'
  | 'streamUpkeep'
  | 'streamOwnership'
>;

/** Turns at background work, each true when there may be more to do at once. */
export type Work = Readonly<
  Record<
    | 'relay'
    | 'webhooks'
    | 'refunds'
    | 'expiry'
    | 'conclusion'
    | 'decision'
    | 'forgetting'
    | 'reconciliation'
    | 'folding'
    | 'earlierCodes'
    | 'saleNumbering'
    | 'saleListening'
    | 'saleReading'
    | 'saleStats'
    | 'saleForgetting'
    | 'streamUpkeep'
    | 'streamOwnership',
    () => Promise<boolean>
  >
>;

/** Background work, a turn at a time. Each process does it, and the database keeps them from each other's work. */
export function backgroundWork(
  base: Base,
  { database, dsn }: Postgres,
  servers: Servers,
  features: Features,
): Work {
  const { config, clock, closing, watch, failed } = base;
  const onChange = tellOfLeadership(base);
  const leader = createLeader({ dsn, lock: RELAY_LOCK, clock: monotonicClock, onChange });
  closing.add(() => leader.close());
  const { KAFKA_GROUP_ID: group } = config;
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_SUCCEEDED, features.consumer.paymentSucceeded);
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_FAILED, features.consumer.paymentFailed);
  return {
    relay: createRelay({
      database,
      leader: watch('leader', leader),
      publisher: servers.publisher,
      topics: topicNames(config),
      clock,
      retentionMs: config.OUTBOX_RETENTION_HOURS * MS_PER_HOUR,
      onError: failed('relay'),
    }),
    webhooks: features.webhooks.applyDue,
    refunds: features.refunds.refundDue,
    expiry: features.expiry.endUnpaid,
    conclusion: features.expiry.endBegun,
    decision: features.decide,
    forgetting: async () => {
      const [keys, events] = [await features.once.forgetOld(), await features.webhooks.forgetOld()];
      return keys || events;
    },
    reconciliation: () => reconcileDaily(base, database, features),
    ...(Object.fromEntries(features.jobs.map(({ name, turn }) => [name, turn])) as FeatureWork),
  };
}

/** Parts that start and end with the background work. */
interface Running {
  readonly kafka: Kafka | undefined;
  readonly streams: Live;
  readonly jobs: readonly Job[];
  readonly clockWatch: ClockWatch;
}

/** Repeats the work until the stop: when its bell rings, and at least at its interval. */
export function startBackground(
  base: Base,
  work: Work,
  drain: Drain,
  { kafka, streams, jobs, clockWatch }: Running,
): void {
  const { config, closing, tracing, failed, log } = base;
  const { bells, bell: bellOf, listener } = base;
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;
  const repeat = (name: string, intervalMs: number, work: () => Promise<boolean>, bell = createBell()) => {
    const reported = reportFailures(work, {
      onFailure: (error, failures) =>
        log.error({ job: name, failures, err: error }, 'background work failed'),
      onRecovery: (failures) => log.info({ job: name, failures }, 'background work goes on'),
      nowMs: () => performance.now(),
    });
    const turn = tracing ? () => tracing.turn(name, reported) : reported;
    return startPoller({ intervalMs, bell, turn, onError: () => undefined });
  };
  const pollers = [
    repeat('relay', RELAY_POLL_MS, work.relay, bells.relay),
    repeat('webhooks', sweepMs, work.webhooks, bells.webhooks),
    repeat('refunds', sweepMs, work.refunds, bells.refunds),
    repeat('expiry', sweepMs, work.expiry),
    repeat('conclusion', sweepMs, work.conclusion),
    repeat('decision', sweepMs, work.decision),
    repeat('forgetting', HOUSEKEEPING_MS, work.forgetting),
    repeat('reconciliation', HOUSEKEEPING_MS, work.reconciliation),
    ...jobs.map(({ name, everyMs, turn }) => repeat(name, everyMs, turn, bellOf(name))),
    startPoller({
      intervalMs: MEASURE_EVERY_MS,
      bell: createBell(),
      turn: clockWatch.look,
      onError: failed('clock'),
    }),
  ];
  kafka?.startReading();
  let handedOverBy = 0;
  closing.add(async () => {
    const lastTurns = atMost(LAST_TURNS_MS, Promise.all(pollers.map((poller) => poller.stop())));
    const handedOver = Promise.all([lastTurns, kafka?.stopReading()]);
    await atMost(handedOverBy - performance.now(), handedOver);
    // What was committed since the relay last looked; where that takes too long, the next leader publishes it.
    await atMost(LAST_RELAY_MS, work.relay().catch(failed('relay')));
  });
  // First of all at a stop: what these requests still write is published before the relay rests.
  closing.add(async () => {
    handedOverBy = performance.now() + HANDED_OVER_BY_MS;
    await listener.stopAccepting();
    const drained = drain.finish(DRAIN_MS);
    // A stream has no end of its own to wait for.
    streams.stop();
    log.info({ cut: await drained }, 'requests under way have ended');
  });
}

/** Logs when this replica wins, loses or gives up the leadership of the relay. */
function tellOfLeadership({ log }: Base): NonNullable<LeaderOptions['onChange']> {
  return (change) => {
    if (change === 'lost') log.warn('leadership of the relay lost: its connection to PostgreSQL broke');
    else log.info(`leadership of the relay ${change}`);
  };
}

/** Waits for `work`, and no longer than that; it goes on by itself then. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, ms);
  await Promise.race([work, timeout.promise]);
  clearTimeout(timer);
}

/** Once a day, by one of the processes; what could not be repaired is for an operator. */
async function reconcileDaily(
  { config, clock, log }: Base,
  database: Postgres['database'],
  { reconcile }: Features,
): Promise<boolean> {
  const isDue = config.RECONCILE_DAYS > 0 && (await claimDailyJob(database, 'reconcile', clock.now()));
  if (!isDue) return false;
  const since = later(clock.now(), -config.RECONCILE_DAYS * MS_PER_DAY);
  const { compared, differences } = await reconcile(since);
  await markDailyJobDone(database, 'reconcile', clock.now());
  const open = differences.filter(({ isRepaired }) => !isRepaired);
  log.info({ compared, repaired: differences.length - open.length }, 'payments compared with Stripe');
  for (const { intentId, orderId, detail, isRepaired } of differences) {
    if (isRepaired) log.warn({ intentId, orderId, detail }, 'payment repaired');
    else log.error({ intentId, orderId, detail }, 'payments differ');
  }
  return false;
}
