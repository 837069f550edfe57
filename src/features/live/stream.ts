import { type Instant, later, MS_PER_MINUTE, MS_PER_SECOND } from '../../kernel/clock.ts';

/**
 * A stream's life. It has one cursor, `after`: its reader was sent everything in its scope up to that position.
 *
 * | from        | what happens                                              | to          | its reader is sent           |
 * |-------------|-----------------------------------------------------------|-------------|------------------------------|
 * | -           | admitted: a place is free, its user owns the scope        | catching_up | `connected`, `gap` where some is lost |
 * | catching_up | it was sent all that the replica has read of the feed     | live        | `checkout` each              |
 * | any         | its token ends, its user owns the scope no longer, ownership is unknown for too long, the replica stops | ended | `closed` with the reason |
 * | any         | its reader falls too far behind, takes nothing, or disconnects | ended       | -                            |
 */
export type StreamPhase = 'catching_up' | 'live' | 'ended';

/** Why a stream is closed; its reader comes back with `Last-Event-ID` and misses nothing. */
export type CloseReason = 'token_ended' | 'not_owner' | 'ownership_unconfirmed' | 'stopping';

export const HEARTBEAT_MS = 15 * MS_PER_SECOND;
const STATS_MS = MS_PER_SECOND;
/** A reader that takes nothing at all for this long is cut: its connection may be dead. */
const STALLED_MS = MS_PER_MINUTE;
const CONFIRM_OWNERSHIP_MS = MS_PER_MINUTE;
/** A seating service that is unavailable ends no stream sooner. */
const MAX_UNCONFIRMED_MS = 5 * MS_PER_MINUTE;
/** More than this not taken, and the reader is cut: with one turn's frames, the bound on a stream's memory. */
export const MAX_BUFFERED_BYTES = 262_144;
/** Frames of one turn at reading; those of one order, where these are more. */
export const MAX_TURN_BYTES = 131_072;

/** When things last happened to a stream. */
export interface StreamTimes {
  readonly tokenEndsAt: Instant;
  readonly heartbeatAt: Instant;
  /** When its reader had last taken everything. */
  readonly drainedAt: Instant;
  readonly statsAt: Instant | undefined;
  /** When its ownership was last asked about, and when it was last confirmed. */
  readonly askedAt: Instant;
  readonly confirmedAt: Instant;
}

/** What is due for a stream. */
export function upkeepOf(times: StreamTimes, now: Instant): 'close' | 'cut' | 'heartbeat' | 'nothing' {
  if (now >= times.tokenEndsAt) return 'close';
  if (isStalled(times, now)) return 'cut';
  return now >= later(times.heartbeatAt, HEARTBEAT_MS) ? 'heartbeat' : 'nothing';
}

/** Whether its reader has taken nothing for too long. */
export function isStalled({ drainedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(drainedAt, STALLED_MS);
}

/** Whether a stream may be sent totals again. */
export function maySendStats({ statsAt }: StreamTimes, now: Instant): boolean {
  return statsAt === undefined || now >= later(statsAt, STATS_MS);
}

/** Whether it is time to ask again who owns a stream's scope. */
export function isOwnershipDue({ askedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(askedAt, CONFIRM_OWNERSHIP_MS);
}

/** Whether a stream's ownership could not be confirmed for too long. */
export function isUnconfirmed({ confirmedAt }: StreamTimes, now: Instant): boolean {
  return now >= later(confirmedAt, MAX_UNCONFIRMED_MS);
}

/** As many of the oldest texts as fit one turn, at least one. */
export function withinOneTurn<Row extends { readonly message: string | null }>(
  rows: readonly Row[],
): readonly Row[] {
  let bytes = 0;
  const fitting = rows.findIndex(({ message }, at) => {
    bytes += message?.length ?? 0;
    return at > 0 && bytes > MAX_TURN_BYTES;
  });
  return fitting === -1 ? rows : rows.slice(0, fitting);
}
