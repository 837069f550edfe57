import { foldCounted } from '../features/analytics/sales.store.ts';
import type { LiveSales } from '../features/live/live.service.ts';
import { type Clock, instant, later, MS_PER_SECOND } from '../kernel/clock.ts';
import type { Drain } from '../platform/http/drain.ts';
import { claimDailyJob, markDailyJobDone } from '../platform/jobs/daily.store.ts';
import { reportFailures } from '../platform/jobs/failures.ts';
import { createBell, startPoller } from '../platform/jobs/poller.ts';
import type { Kafka } from '../platform/kafka/kafka.ts';
import { RELAY_POLL_MS, Relay } from '../platform/outbox/relay.ts';
import type { ClockWatch } from '../platform/postgres/clock-watch.ts';
import { MEASURE_EVERY_MS } from '../platform/postgres/database-clock.ts';
import { createLeader, type LeadershipChange, RELAY_LOCK } from '../platform/postgres/leader.ts';
import type { Features } from './features.ts';
import type { Base } from './foundation.ts';
import { type Postgres, type Servers, topicNames } from './servers.ts';

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
/** How often it is seen whether there is something old to remove, or the day's comparison to make. */
const HOUSEKEEPING_MS = 60_000;
/** Sales of another replica that died before it numbered them, and signals that were lost, are found within this. */
const SALE_POLL_MS = 500;
const LISTEN_AGAIN_MS = 1_000;
/** How exactly heartbeats, totals and ends of tokens keep their time. */
const STREAM_UPKEEP_MS = 250;
/** Sums are exact without it; answers add up fewer rows with it. */
const FOLDING_MS = 2_000;
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
  const { live } = features;
  const onChange = tellOfLeadership(base);
  const leader = createLeader({ dsn, lock: RELAY_LOCK, clock: monotonicClock, onChange });
  closing.add(() => leader.close());
  const { KAFKA_GROUP_ID: group } = config;
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_SUCCEEDED, features.consumer.paymentSucceeded);
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_FAILED, features.consumer.paymentFailed);
  const relay = new Relay({
    database,
    leader: watch('leader', leader),
    publisher: servers.publisher,
    topics: topicNames(config),
    clock,
    retentionMs: config.OUTBOX_RETENTION_HOURS * MS_PER_HOUR,
    onError: failed('relay'),
  });
  return {
    relay: () => relay.turn(),
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
    folding: () => foldCounted(database),
    earlierCodes: () => readEarlierCodes(base, database, features),
    saleNumbering: live.feed.number,
    saleListening: live.signal.listen,
    saleReading: live.reader.read,
    saleStats: live.streams.tellStats,
    saleForgetting: live.feed.forgetOld,
    streamUpkeep: live.streams.upkeep,
    streamOwnership: live.streams.confirmOwnership,
  };
}

/** Parts that start and end with the background work. */
interface Running {
  readonly kafka: Kafka | undefined;
  readonly streams: LiveSales;
  readonly clockWatch: ClockWatch;
}

/** Repeats the work until the stop: when its bell rings, and at least at its interval. */
export function startBackground(
  base: Base,
  work: Work,
  drain: Drain,
  { kafka, streams, clockWatch }: Running,
): void {
  const { config, closing, tracing, failed, log } = base;
  const { bells, feedBell, listenBell, listener } = base;
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;
  const repeat = (name: keyof Work, intervalMs: number, bell = createBell()) => {
    const reported = reportFailures(work[name], {
      onFailure: (error, failures) =>
        log.error({ job: name, failures, err: error }, 'background work failed'),
      onRecovery: (failures) => log.info({ job: name, failures }, 'background work goes on'),
      nowMs: () => performance.now(),
    });
    const turn = tracing ? () => tracing.turn(name, reported) : reported;
    return startPoller({ intervalMs, bell, turn, onError: () => undefined });
  };
  const pollers = [
    repeat('relay', RELAY_POLL_MS, bells.relay),
    repeat('webhooks', sweepMs, bells.webhooks),
    repeat('refunds', sweepMs, bells.refunds),
    repeat('expiry', sweepMs),
    repeat('conclusion', sweepMs),
    repeat('decision', sweepMs),
    repeat('forgetting', HOUSEKEEPING_MS),
    repeat('reconciliation', HOUSEKEEPING_MS),
    repeat('folding', FOLDING_MS),
    repeat('earlierCodes', sweepMs),
    repeat('saleNumbering', SALE_POLL_MS, bells.saleNumbering),
    repeat('saleListening', LISTEN_AGAIN_MS, listenBell),
    repeat('saleReading', SALE_POLL_MS, feedBell),
    repeat('saleStats', STREAM_UPKEEP_MS),
    repeat('saleForgetting', HOUSEKEEPING_MS),
    repeat('streamUpkeep', STREAM_UPKEEP_MS),
    repeat('streamOwnership', STREAM_UPKEEP_MS),
    startPoller({
      intervalMs: MEASURE_EVERY_MS,
      bell: createBell(),
      turn: () => clockWatch.look(),
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
function tellOfLeadership({ log }: Base): (change: LeadershipChange) => void {
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

/** Reads pictures that the earlier service stored; one of the processes that did says at the end what became of them. */
async function readEarlierCodes(
  { clock, log }: Base,
  database: Postgres['database'],
  { earlierCodes }: Features,
): Promise<boolean> {
  if (await earlierCodes.readDue()) return true;
  const counts = await earlierCodes.finished();
  if (!counts) return false;
  if (await claimDailyJob(database, 'earlier-codes', clock.now())) {
    const level = counts.unreadable > 0 ? 'warn' : 'info';
    log[level](counts, 'the QR codes of the earlier service were read');
    await markDailyJobDone(database, 'earlier-codes', clock.now());
  }
  earlierCodes.told();
  return false;
}
