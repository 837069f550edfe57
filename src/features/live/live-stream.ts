import type { Instant } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { EventSink } from '../../platform/http/event-stream.ts';
import { closedFrame, connectedFrame, gapFrame, heartbeatFrame, statsFrame } from './frames.ts';
import type { RunningTotals, SalesScope } from './scope.ts';
import {
  type CloseReason,
  isOwnershipDue,
  isStalled,
  isUnconfirmed,
  MAX_BUFFERED_BYTES,
  maySendStats,
  type StreamPhase,
  type StreamTimes,
  upkeepOf,
} from './stream.ts';

export interface Opening {
  readonly scope: SalesScope;
  readonly who: Principal;
  /** The reader is sent everything after this position. */
  readonly after: number;
  readonly now: Instant;
}

const ROOM_BYTES = MAX_BUFFERED_BYTES / 2;

/** One open stream: its cursor, its times and the limit of its buffer. */
export class LiveStream {
  readonly scope: SalesScope;
  readonly who: Principal;
  readonly #sink: EventSink;
  readonly #times: { -readonly [Name in keyof StreamTimes]: StreamTimes[Name] };
  #phase: StreamPhase = 'catching_up';
  #after: number;
  #owesStats = true;

  /** Opens the stream with the `connected` frame. */
  constructor(sink: EventSink, { scope, who, after, now }: Opening) {
    this.scope = scope;
    this.who = who;
    this.#sink = sink;
    this.#after = after;
    this.#times = {
      tokenEndsAt: who.expiresAt,
      heartbeatAt: now,
      drainedAt: now,
      statsAt: undefined,
      askedAt: now,
      confirmedAt: now,
    };
    this.#write(connectedFrame(scope, after));
  }

  get phase(): StreamPhase {
    return this.#phase;
  }

  /** The reader has been sent everything up to this position. */
  get after(): number {
    return this.#after;
  }

  /** Tells the reader that events from its cursor up to `through` are no longer available. */
  sendGap(through: number): void {
    this.#after = through;
    this.#write(gapFrame(through));
  }

  /** Moves the cursor to `through` and sends the frames up to there, if any. Several streams may share them. */
  send(frames: string | Buffer | undefined, through: number): void {
    this.#after = through;
    if (frames) this.#write(frames);
  }

  /** Marks the stream as fed by the replica's `FeedReader`. */
  goLive(): void {
    if (this.#phase === 'catching_up') this.#phase = 'live';
  }

  /** Notes that the totals have changed. */
  oweStats(): void {
    this.#owesStats = true;
  }

  isOwedStats(now: Instant): boolean {
    return this.#owesStats && maySendStats(this.#times, now);
  }

  /** Marks the totals as sent before they are read, so that a change during the read is sent again. */
  takeStatsDebt(now: Instant): void {
    this.#owesStats = false;
    this.#times.statsAt = now;
  }

  sendStats(totals: RunningTotals): void {
    this.#write(statsFrame(this.scope, totals, this.#after));
  }

  /** Sends heartbeats, closes the stream when its token expires and cuts it if the reader is stalled. */
  upkeep(now: Instant): void {
    if (this.#sink.bufferedBytes() === 0) this.#times.drainedAt = now;
    if (this.#phase === 'ended') {
      // The reader does not accept even the last frame.
      if (isStalled(this.#times, now)) this.#sink.cut();
      return;
    }
    const due = upkeepOf(this.#times, now);
    if (due === 'close') this.close('token_ended');
    else if (due === 'cut') this.cut();
    else if (due === 'heartbeat') {
      this.#times.heartbeatAt = now;
      this.#write(heartbeatFrame(this.#after));
    }
  }

  /** Whether it is time to check again that the user may watch the scope. */
  isOwnershipDue(now: Instant): boolean {
    return this.#phase !== 'ended' && isOwnershipDue(this.#times, now);
  }

  /** Notes the start of an access check. */
  ownershipAsked(at: Instant): void {
    this.#times.askedAt = at;
  }

  /** Notes the result of an access check, and closes the stream if the user may no longer watch. */
  ownershipAnswered(mayWatch: boolean, at: Instant): void {
    if (mayWatch) this.#times.confirmedAt = at;
    else this.close('not_owner');
  }

  /** Notes a failed access check. The stream stays open for some minutes. */
  ownershipUnknown(at: Instant): void {
    if (isUnconfirmed(this.#times, at)) this.close('ownership_unconfirmed');
  }

  /** Resolves when the buffer has room or the stream has ended. */
  async room(): Promise<void> {
    while (this.#phase !== 'ended' && this.#sink.bufferedBytes() > ROOM_BYTES) await this.#sink.drained();
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#write(closedFrame(reason, this.#after));
    this.#phase = 'ended';
    this.#sink.end();
  }

  cut(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#sink.cut();
  }

  #write(frames: string | Buffer): void {
    if (this.#phase === 'ended') return;
    if (this.#sink.bufferedBytes() > MAX_BUFFERED_BYTES) this.cut();
    else this.#sink.write(frames);
  }
}
