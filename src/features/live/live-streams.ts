import type { Clock, Instant } from '../../kernel/clock.ts';
import { createGate, eachOf } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { EventSink } from '../../platform/http/event-stream.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access, Permission, Subject } from '../access/index.ts';
import { type FeedPage, readFeedOf, totalsOf } from './feed.store.ts';
import type { FeedReader } from './feed-reader.ts';
import { checkoutFrame } from './frames.ts';
import { LiveStream } from './live-stream.ts';
import type { StreamPlaces } from './places.ts';
import { keyOf, NO_SALES, type SalesScope } from './scope.ts';

/** Takes over the response. `onClose` is called once, when the response has ended. */
export type Connect = (onClose: () => void) => EventSink;

export interface StreamRequest {
  readonly scope: SalesScope;
  readonly who: Principal;
  /** The last position that a reconnecting reader has seen. */
  readonly lastEventId: number | undefined;
}

const PAGE_ROWS = 100;
/** Limits the load when all readers of a stopped replica reconnect at once. */
const CONCURRENT_PAGES = 3;
const CONCURRENT_QUESTIONS = 4;

export interface LiveStreamsNeeds {
  readonly database: Executor;
  readonly access: Access;
  readonly places: StreamPlaces;
  readonly reader: FeedReader;
  readonly clock: Clock;
  readonly onError: OnFailure;
}

/** The live streams of this replica. */
export class LiveStreams {
  readonly #needs: LiveStreamsNeeds;
  readonly #streams = new Set<LiveStream>();
  readonly #gate = createGate(CONCURRENT_PAGES);
  #isStopped = false;

  constructor(needs: LiveStreamsNeeds) {
    this.#needs = needs;
  }

  /**
   * Opens a stream and sends it the events after `lastEventId`. All refusals are thrown before `connect` takes over the
   * response. Throws `unauthenticated`, `forbidden`, `too_many_streams`,
   * `streams_full`, `shutting_down`, `seating_unavailable`, `database_unavailable`.
   */
  async open(request: StreamRequest, connect: Connect): Promise<void> {
    const { scope, who, lastEventId } = request;
    const freePlace = this.#needs.places.take(who.userId);
    let unwatch: (() => void) | undefined;
    const leave = () => {
      unwatch?.();
      freePlace();
    };
    try {
      await this.#requireAccess(scope, who);
      // All streams share one read of the feed, so only scopes whose user may watch them are part of it.
      unwatch = this.#needs.reader.watch(scope);
      await this.#needs.reader.begin();
      const page = lastEventId === undefined ? undefined : await this.#pageOf(scope, lastEventId);
      if (this.#isStopped) throw new AppError('shutting_down', 'This replica is stopping. Try again.');
      const stream = this.#attach(request, lastEventId ?? this.#needs.reader.position(), connect, leave);
      if (!page) this.#needs.reader.join(stream);
      else {
        // A failure cuts the connection, and the client reconnects.
        this.#catchUp(stream, page).catch((error) => {
          stream.cut();
          this.#needs.onError(error);
        });
      }
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** One turn of sending changed totals. */
  async sendStats(): Promise<boolean> {
    const now = this.#needs.clock.now();
    const owed = [...this.#streams].filter((stream) => stream.phase === 'live' && stream.isOwedStats(now));
    if (owed.length === 0) return false;
    for (const stream of owed) stream.takeStatsDebt(now);
    try {
      const totals = await totalsOf(this.#needs.database, distinct(owed));
      for (const stream of owed) stream.sendStats(totals.get(keyOf(stream.scope)) ?? NO_SALES);
    } catch (error) {
      for (const stream of owed) stream.oweStats();
      throw error;
    }
    return false;
  }

  /** One turn of heartbeats, token expiry and stalled readers. */
  async upkeep(): Promise<boolean> {
    const now = this.#needs.clock.now();
    for (const stream of this.#streams) stream.upkeep(now);
    return false;
  }

  /** One turn of repeated access checks. */
  async confirmOwnership(): Promise<boolean> {
    const now = this.#needs.clock.now();
    const due = [...this.#streams].filter((stream) => stream.isOwnershipDue(now));
    const alike = Map.groupBy(due, ({ scope, who }) => `${keyOf(scope)} ${who.userId} ${who.isAdmin}`);
    await eachOf(alike.values(), CONCURRENT_QUESTIONS, (group) => this.#confirm(group, now));
    return false;
  }

  /** Number of open streams. */
  count(): number {
    return this.#streams.size;
  }

  /** Closes all streams and refuses new ones. */
  stop(): void {
    this.#isStopped = true;
    for (const stream of this.#streams) stream.close('stopping');
  }

  /** An expired token is refused without the usual leeway for clock differences: its stream would end at once. */
  async #requireAccess(scope: SalesScope, who: Principal): Promise<void> {
    if (this.#needs.clock.now() >= who.expiresAt)
      throw new AppError('unauthenticated', 'The access token has expired. Sign in again.');
    await this.#needs.access.require(...permissionFor(scope, who));
  }

  #pageOf(scope: SalesScope, after: number): Promise<FeedPage> {
    return this.#gate(() => readFeedOf(this.#needs.database, scope, after, PAGE_ROWS));
  }

  #attach({ scope, who }: StreamRequest, after: number, connect: Connect, leave: () => void): LiveStream {
    let opened: LiveStream | undefined;
    let isOver = false;
    const sink = connect(() => {
      isOver = true;
      if (opened) this.#forget(opened);
      leave();
    });
    opened = new LiveStream(sink, { scope, who, after, now: this.#needs.clock.now() });
    this.#streams.add(opened);
    if (isOver) this.#forget(opened);
    return opened;
  }

  #forget(stream: LiveStream): void {
    stream.cut();
    this.#needs.reader.leave(stream);
    this.#streams.delete(stream);
  }

  /** Sends page by page until the stream has reached the position of the replica's `FeedReader`. */
  async #catchUp(stream: LiveStream, first: FeedPage): Promise<void> {
    for (let page = first; ; page = await this.#pageOf(stream.scope, stream.after)) {
      // The cursor is of another database or too old, so the events after it are not available.
      if (stream.after > page.head) stream.sendGap(page.head);
      else if (stream.after < page.removedThrough) stream.sendGap(page.removedThrough);
      for (const { message, position } of page.rows) {
        await stream.room();
        stream.send(message === null ? undefined : checkoutFrame(message, position), position);
      }
      if (stream.phase === 'ended') return;
      if (page.rows.length === PAGE_ROWS) continue;
      stream.send(undefined, page.head);
      if (this.#needs.reader.join(stream)) return;
    }
  }

  /** Checks access once for all streams of one user and scope. They stay open for some minutes if the check fails. */
  async #confirm(group: readonly LiveStream[], now: Instant): Promise<void> {
    const [first] = group;
    if (!first) return;
    for (const stream of group) stream.ownershipAsked(now);
    try {
      const role = await this.#needs.access.roleFor(...permissionFor(first.scope, first.who));
      for (const stream of group) stream.ownershipAnswered(role !== undefined, now);
    } catch (error) {
      this.#needs.onError(error);
      for (const stream of group) stream.ownershipUnknown(now);
    }
  }
}

/** The arguments of the access check for a scope. */
function permissionFor({ kind, id }: SalesScope, who: Principal): [Permission, Principal, Subject] {
  return kind === 'event' ? ['live.event', who, { event: id }] : ['live.organization', who, { organization: id }];
}

function distinct(streams: readonly LiveStream[]): SalesScope[] {
  return [...new Map(streams.map(({ scope }) => [keyOf(scope), scope])).values()];
}
