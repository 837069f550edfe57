import { readOrCreateSecret } from '../embedded/kept-file.ts';
import type { DoorHours } from '../features/door/index.ts';
import type { PageSettings } from '../features/pages/index.ts';
import { type Clock, instant, MS_PER_HOUR, MS_PER_MINUTE } from '../kernel/clock.ts';
import type { OutboxNeeds } from '../platform/outbox/relay.ts';
import { createLeader, type LeadershipChange, RELAY_LOCK } from '../platform/postgres/leader.ts';
import { createPostgresSignal } from '../platform/postgres/signal.ts';
import type { SalesSignal } from '../platform/signal.ts';
import type { Foundation } from './foundation.ts';
import { type Postgres, QR_KEY_BYTES, type Servers, topicNames } from './servers.ts';

const SALES_CHANNEL = 'ticketing_sales';
const DEFAULT_DOOR_HOURS = 24;

/** A monotonic clock, so that pauses between two tries do not grow when the database's time is set back. */
const monotonicClock: Clock = { now: () => instant(Math.floor(performance.now())) };

/** The outbox's publisher, and the election of the replica that publishes. */
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

/** The keys that seal QR codes: those configured, or one stored in the data folder. */
export async function qrKeys({ config, dataDir }: Foundation): Promise<readonly string[]> {
  return config.QR_SECRET_KEY ?? [await readOrCreateSecret(`${dataDir}/qr.key`, QR_KEY_BYTES)];
}

/** The signal to every replica that the feed of sales has grown: by Redis if it is configured, otherwise by PostgreSQL. */
export function salesSignal(
  { bell, closing }: Foundation,
  { database, dsn }: Postgres,
  { redisSignal }: Servers,
): SalesSignal {
  const heard = { channel: SALES_CHANNEL, onSignal: bell('saleReading').ring, onLost: bell('saleListening').ring };
  const signal = redisSignal?.(heard) ?? createPostgresSignal(dsn, database, heard);
  closing.add(() => signal.close());
  return signal;
}

/** When doors open and close. With the embedded venue they are always open, because its sessions begin days after the start. */
export function doorHours({ config, embedded }: Foundation): DoorHours {
  const usual = embedded.has('EVENT_SEATING_SERVICE_URL') ? undefined : DEFAULT_DOOR_HOURS;
  const toMs = (hours: number | undefined) => (hours === undefined ? undefined : hours * MS_PER_HOUR);
  return {
    openMsBefore: toMs(config.DOORS_OPEN_HOURS ?? usual),
    closeMsAfter: toMs(config.DOORS_CLOSE_HOURS ?? usual),
  };
}

/** Where the embedded venue serves its catalogue, on the service's own origin. */
const EMBEDDED_CATALOGUE = '/api/event-query';
const PAGE_LANGUAGES = ['en', 'si', 'ta'];

/** What the pages need to know of the service. */
export function pageSettings({ config, embedded }: Foundation, { identity, stripeKeys }: Servers): PageSettings {
  const { PUBLIC_EVENT_QUERY_URL, EVENT_QUERY_SERVICE_URL, SEAT_SERVICE_URL } = config;
  return {
    currency: config.currency.code,
    time_zone: config.TIME_ZONE,
    hold_minutes: config.holdMs / MS_PER_MINUTE,
    max_seats_per_order: config.MAX_SEATS_PER_ORDER,
    oidc: { issuer: identity.issuer, client_id: config.OIDC_WEB_CLIENT_ID },
    catalogue_url: PUBLIC_EVENT_QUERY_URL ?? EVENT_QUERY_SERVICE_URL ?? SEAT_SERVICE_URL ?? EMBEDDED_CATALOGUE,
    stripe: {
      publishable_key: stripeKeys.publishableKey ?? '',
      embedded: embedded.has('STRIPE_SECRET_KEY'),
    },
    passes: { apple: false, google: false },
    languages: PAGE_LANGUAGES,
  };
}
