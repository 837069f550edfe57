import type { Instant } from '../../kernel/clock.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import {
  checkoutFrame,
  closedFrame,
  connectedFrame,
  gapFrame,
  heartbeatFrame,
  statsFrame,
} from './frames.ts';
import type { EventSink } from './live.ports.ts';
import type { SalesScope, SalesTotals } from './scope.ts';
import {
  type CloseReason,
  isStalled,
  MAX_BUFFERED_BYTES,
  mayTellStats,
  type StreamPhase,
  type StreamTimes,
  upkeepOf,
} from './stream.ts';

/** One open stream: its cursor, its times, and the bound on what waits for its reader. */
export interface LiveStream {
  readonly scope: SalesScope;
  readonly userId: UserId;
  readonly times: StreamTimes;
  readonly phase: StreamPhase;
  /** Its reader was told of everything up to this position. */
  readonly after: number;
  /** Tells that what followed its cursor is lost up to `through`. */
  tellGap(through: number): void;
  /** Tells of one order. */
  tellCheckout(order: string, position: number): void;
  /** Tells of everything up to `through`: frames made once for many streams, or none. */
  tell(frames: Buffer | undefined, through: number): void;
  /** From now on the replica's reading tells it. */
  goLive(): void;
  /** The totals have changed. */
  oweStats(): void;
  isOwedStats(now: Instant): boolean;
  /** Marks the totals as told, before they are read: what changes meanwhile is owed again. */
  takeStatsDebt(now: Instant): void;
  tellStats(totals: SalesTotals): void;
  /** Heartbeat, the token's end, a reader that takes nothing. */
  upkeep(now: Instant): void;
  asked(at: Instant): void;
  confirmed(at: Instant): void;
  /** Resolves when there is room for more, or the stream has ended. */
  room(): Promise<void>;
  close(reason: CloseReason): void;
  cut(): void;
}

export interface Opening {
  readonly scope: SalesScope;
  readonly userId: UserId;
  readonly tokenEndsAt: Instant;
  readonly after: number;
  readonly now: Instant;
  readonly currency: Currency;
}

const ROOM_BYTES = MAX_BUFFERED_BYTES / 2;

/** Opens it with the `connected` frame. */
export function createLiveStream(sink: EventSink, opening: Opening): LiveStream {
  const { scope, currency, now: openedAt } = opening;
  const times = {
    tokenEndsAt: opening.tokenEndsAt,
    heartbeatAt: openedAt,
    drainedAt: openedAt,
    statsAt: undefined as Instant | undefined,
    askedAt: openedAt,
    confirmedAt: openedAt,
  };
  const state = { phase: 'catching_up' as StreamPhase, after: opening.after, owesStats: true };

  function cut(): void {
    if (state.phase === 'ended') return;
    state.phase = 'ended';
    sink.cut();
  }

  function write(frames: string | Buffer): void {
    if (state.phase === 'ended') return;
    if (sink.bufferedBytes() > MAX_BUFFERED_BYTES) cut();
    else sink.write(frames);
  }

  function close(reason: CloseReason): void {
    if (state.phase === 'ended') return;
    write(closedFrame(reason, state.after));
    state.phase = 'ended';
    sink.end();
  }

  write(connectedFrame(scope, state.after));
  return {
    scope,
    userId: opening.userId,
    times,
    get phase() {
      return state.phase;
    },
    get after() {
      return state.after;
    },
    tellGap(through) {
      state.after = through;
      write(gapFrame(through));
    },
    tellCheckout(order, position) {
      state.after = position;
      write(checkoutFrame(order, position));
    },
    tell(frames, through) {
      state.after = through;
      if (frames) write(frames);
    },
    goLive() {
      if (state.phase === 'catching_up') state.phase = 'live';
    },
    oweStats() {
      state.owesStats = true;
    },
    isOwedStats: (now) => state.owesStats && mayTellStats(times, now),
    takeStatsDebt(now) {
      state.owesStats = false;
      times.statsAt = now;
    },
    tellStats: (totals) => write(statsFrame(scope, totals, state.after, currency)),
    upkeep(now) {
      if (sink.bufferedBytes() === 0) times.drainedAt = now;
      if (state.phase === 'ended') {
        // What was to be its last word is not taken either.
        if (isStalled(times, now)) sink.cut();
        return;
      }
      const need = upkeepOf(times, now);
      if (need === 'close') close('token_ended');
      else if (need === 'cut') cut();
      else if (need === 'heartbeat') {
        times.heartbeatAt = now;
        write(heartbeatFrame(state.after));
      }
    },
    asked(at) {
      times.askedAt = at;
    },
    confirmed(at) {
      times.confirmedAt = at;
    },
    async room() {
      while (state.phase !== 'ended' && sink.bufferedBytes() > ROOM_BYTES) await sink.drained();
    },
    close,
    cut,
  };
}
