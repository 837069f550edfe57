import { type Instant, later, MS_PER_MINUTE, MS_PER_SECOND } from '../../kernel/clock.ts';

/**
 * The states of a stream. Its cursor is `after`: the reader has been sent everything in the scope up to that position.
 *
 * | from        | what happens                                              | to          | its reader is sent           |
 * |-------------|-----------------------------------------------------------|-------------|------------------------------|
 * | -           | a place is free and the user owns the scope               | catching_up | `connected`, `gap` if events are missing |
 * | catching_up | it reaches the position of the replica's `FeedReader`     | live        | a `checkout` for each order  |
 * | any         | the token expires, the user no longer owns the scope, ownership is unknown for too long, the replica stops | ended | `closed` with the reason |
 * | any         | the reader falls too far behind, stalls or disconnects    | ended       | -                            |
 */
export type StreamPhase = 'catching_up' | 'live' | 'ended';

/** Why a stream is closed. The client reconnects with `Last-Event-ID` and misses nothing. */
export type CloseReason = 'token_ended' | 'not_owner' | 'ownership_unconfirmed' | 'stopping';

export const HEARTBEAT_MS = 15 * MS_PER_SECOND;
const STATS_MS = MS_PER_SECOND;
/** A reader that accepts no data for this long is cut, because its connection may be dead. */
const STALLED_MS = MS_PER_MINUTE;
const CONFIRM_OWNERSHIP_MS = MS_PER_MINUTE;
/** How long a stream stays open while the seating service is unavailable. */
const MAX_UNCONFIRMED_MS = 5 * MS_PER_MINUTE;
/** A reader with more than this in its buffer is cut. With the frames of one turn, this limits a stream's memory. */
export const MAX_BUFFERED_BYTES = 262_144;
/** Maximum size of the frames sent in one turn, unless a single order is larger. */
export const MAX_TURN_BYTES = 131_072;

/** When each thing last happened to a stream. */
export interface StreamTimes {
  readonly tokenEndsAt: Instant;
  readonly heartbeatAt: Instant;
  /** When the buffer was last empty. */
  readonly drainedAt: Instant;
  readonly statsAt: Instant | undefined;
  /** When ownership was last checked; `confirmedAt` is when it was last confirmed. */
  readonly askedAt: Instant;
  readonly confirmedAt: Instant;
}

/** The upkeep that is due for a stream. */
export function upkeepOf(times: StreamTimes, now: Instant): 'close' | 'cut' | 'heartbeat' | 'nothing' {
  if (now >= times.tokenEndsAt) return 'close';
  if (isStalled(times, now)) return 'cut';
  return now >= later(times.heartbeatAt, HEARTBEAT_MS) ? 'heartbeat' : 'nothing';
}

/** Whether the reader has accepted no data for too long. */
export function isStalled({ drainedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(drainedAt, STALLED_MS);
}

/** Whether a stream may be sent totals again. */
export function maySendStats({ statsAt }: StreamTimes, now: Instant): boolean {
  return statsAt === undefined || now >= later(statsAt, STATS_MS);
}

/** Whether it is time to check ownership again. */
export function isOwnershipDue({ askedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(askedAt, CONFIRM_OWNERSHIP_MS);
}

/** Whether ownership has been unconfirmed for too long. */
export function isUnconfirmed({ confirmedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(confirmedAt, MAX_UNCONFIRMED_MS);
}

/** The oldest rows whose messages fit one turn, at least one. */
export function withinOneTurn<Row extends { readonly message: string | null }>(rows: readonly Row[]): readonly Row[] {
  let bytes = 0;
  const fitting = rows.findIndex(({ message }, at) => {
    bytes += message?.length ?? 0;
    return at > 0 && bytes > MAX_TURN_BYTES;
  });
  return fitting === -1 ? rows : rows.slice(0, fitting);
}
