import type { Instant } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { EventSink } from '../../platform/http/event-stream.ts';
import {
  checkoutFrame,
  closedFrame,
  connectedFrame,
  gapFrame,
  heartbeatFrame,
  type StatsJson,
  statsFrame,
} from './frames.ts';
import type { SalesScope } from './scope.ts';
import {
  type CloseReason,
  isOwnershipDue,
  isStalled,
  isUnconfirmed,
  MAX_BUFFERED_BYTES,
  maySendStats,
  type StreamPhase,
  upkeepOf,
} from './stream.ts';

export interface Opening {
  readonly scope: SalesScope;
  readonly who: Principal;
  /** The position after which the reader is to be sent what there is. */
  readonly after: number;
  readonly now: Instant;
}

const ROOM_BYTES = MAX_BUFFERED_BYTES / 2;

/** One open stream: its cursor, its times, and the bound on what waits for its reader. */
export class LiveStream {
  readonly scope: SalesScope;
  readonly who: Principal;
  readonly #sink: EventSink;
  readonly #times: {
    readonly tokenEndsAt: Instant;
    heartbeatAt: Instant;
    drainedAt: Instant;
    statsAt: Instant | undefined;
    askedAt: Instant;
    confirmedAt: Instant;
  };
  #phase: StreamPhase = 'catching_up';
  #after: number;
  #owesStats = true;

  /** Opens it with the `connected` frame. */
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

  /** Its reader was sent everything up to this position. */
  get after(): number {
    return this.#after;
  }

  /** Announces that what followed its cursor is lost up to `through`. */
  sendGap(through: number): void {
    this.#after = through;
    this.#write(gapFrame(through));
  }

  /** Sends one order. */
  sendCheckout(order: string, position: number): void {
    this.#after = position;
    this.#write(checkoutFrame(order, position));
  }

  /** Sends everything up to `through`: frames made once for many streams, or none. */
  send(frames: Buffer | undefined, through: number): void {
    this.#after = through;
    if (frames) this.#write(frames);
  }

  /** From now on the replica's reading writes to it. */
  goLive(): void {
    if (this.#phase === 'catching_up') this.#phase = 'live';
  }

  /** The totals have changed. */
  oweStats(): void {
    this.#owesStats = true;
  }

  isOwedStats(now: Instant): boolean {
    return this.#owesStats && maySendStats(this.#times, now);
  }

  /** Marks the totals as sent, before they are read: a change during the reading is owed again. */
  takeStatsDebt(now: Instant): void {
    this.#owesStats = false;
    this.#times.statsAt = now;
  }

  sendStats(totals: StatsJson): void {
    this.#write(statsFrame(this.scope, totals, this.#after));
  }

  /** Heartbeat, the token's end, a reader that takes nothing. */
  upkeep(now: Instant): void {
    if (this.#sink.bufferedBytes() === 0) this.#times.drainedAt = now;
    if (this.#phase === 'ended') {
      // The reader does not take the last frame either.
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

  /** Whether it is time to ask again whether its user may watch the scope. */
  isOwnershipDue(now: Instant): boolean {
    return this.#phase !== 'ended' && isOwnershipDue(this.#times, now);
  }

  /** The question is asked. */
  ownershipAsked(at: Instant): void {
    this.#times.askedAt = at;
  }

  /** The answer came: a user who may no longer watch loses the stream. */
  ownershipAnswered(mayWatch: boolean, at: Instant): void {
    if (mayWatch) this.#times.confirmedAt = at;
    else this.close('not_owner');
  }

  /** No answer came; the stream stays open for some minutes. */
  ownershipUnknown(at: Instant): void {
    if (isUnconfirmed(this.#times, at)) this.close('ownership_unconfirmed');
  }

  /** Resolves when there is room for more, or the stream has ended. */
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
