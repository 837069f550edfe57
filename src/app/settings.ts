import { readOrCreateSecret } from '../embedded/kept-file.ts';
import type { DoorHours } from '../features/door/index.ts';
import { type Clock, instant, MS_PER_HOUR } from '../kernel/clock.ts';
import type { OutboxNeeds } from '../platform/outbox/outbox.ts';
import { createLeader, type LeadershipChange, RELAY_LOCK } from '../platform/postgres/leader.ts';
import { createPostgresSignal } from '../platform/postgres/signal.ts';
import type { SalesSignal } from '../platform/signal.ts';
import type { Foundation } from './foundation.ts';
import { type Postgres, QR_KEY_BYTES, type Servers, topicNames } from './servers.ts';

const SALES_CHANNEL = 'ticketing_sales';
const DEFAULT_DOOR_HOURS = 24;

/** Pauses between questions do not grow when the database's time is set back. */
const monotonicClock: Clock = { now: () => instant(Math.floor(performance.now())) };

/** Where the outbox publishes to, and which of the replicas does. */
export function publishing(
  { config, closing, log, watch }: Foundation,
  { dsn }: Postgres,
  { publisher }: Servers,
): OutboxNeeds {
  const onChange = (change: LeadershipChange) => {
    if (change === 'lost') log.warn('leadership of the relay lost: its connection to PostgreSQL broke');
    else log.info(`leadership of the relay ${change}`);
  };
  const leader = createLeader({ dsn, lock: RELAY_LOCK, clock: monotonicClock, onChange });
  closing.add(() => leader.close());
  return {
    publisher,
    leader: watch('leader', leader),
    topics: topicNames(config),
    retentionMs: config.OUTBOX_RETENTION_HOURS * MS_PER_HOUR,
  };
}

/** The keys that QR codes are sealed with: those configured, or one that is kept in the data folder. */
export async function qrKeys({ config, dataDir }: Foundation): Promise<readonly string[]> {
  return config.QR_SECRET_KEY ?? [await readOrCreateSecret(`${dataDir}/qr.key`, QR_KEY_BYTES)];
}

/** Signals to every replica that the feed of sales has grown: by Redis where it is configured, else by PostgreSQL. */
export function salesSignal(
  { bell, closing }: Foundation,
  { database, dsn }: Postgres,
  { redisSignal }: Servers,
): SalesSignal {
  const heard = {
    channel: SALES_CHANNEL,
    onSignal: bell('saleReading').ring,
    onLost: bell('saleListening').ring,
  };
  const signal = redisSignal?.(heard) ?? createPostgresSignal(dsn, database, heard);
  closing.add(() => signal.close());
  return signal;
}

/** The embedded venue's sessions begin days after any start, so its doors are open. */
export function doorHours({ config, embedded }: Foundation): DoorHours {
  const usual = embedded.has('EVENT_SEATING_SERVICE_URL') ? undefined : DEFAULT_DOOR_HOURS;
  const toMs = (hours: number | undefined) => (hours === undefined ? undefined : hours * MS_PER_HOUR);
  return {
    openMsBefore: toMs(config.DOORS_OPEN_HOURS ?? usual),
    closeMsAfter: toMs(config.DOORS_CLOSE_HOURS ?? usual),
  };
}
