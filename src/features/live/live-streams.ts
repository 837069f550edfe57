import type { Clock, Instant } from '../../kernel/clock.ts';
import { createGate, eachOf } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { type FeedPage, readFeedOf, totalsOf } from './feed.store.ts';
import type { FeedReader } from './feed-reader.ts';
import type { EventSink } from './live.ports.ts';
import { createLiveStream, type LiveStream } from './live-stream.ts';
import type { Admission } from './places.ts';
import { keyOf, NO_SALES, type SalesScope } from './scope.ts';
import { isOwnershipDue, isUnconfirmed } from './stream.ts';

/** The live streams of this replica. */
export interface LiveSales {
  /**
   * Opens a stream and tells it what followed `lastEventId`. `connect` takes the response over, after everything that can
   * be refused was; from then on nothing is thrown. Throws `unauthenticated`, `forbidden`, `too_many_streams`,
   * `streams_full`, `shutting_down`, `seating_unavailable`, `database_unavailable`.
   */
  open(request: StreamRequest, connect: Connect): Promise<void>;
  /** A turn at telling totals that have changed. */
  tellStats(): Promise<boolean>;
  /** A turn at heartbeats, ends of tokens and readers that take nothing. */
  upkeep(): Promise<boolean>;
  /** A turn at asking again who owns what is watched. */
  confirmOwnership(): Promise<boolean>;
  /** Streams open now. */
  count(): number;
  /** Closes every stream, and opens none from now on. */
  stop(): void;
}

/** Takes the response over; `onClose` is called once, when it has ended. */
export type Connect = (onClose: () => void) => EventSink;

export interface StreamRequest {
  readonly scope: SalesScope;
  readonly who: Principal;
  /** The position its reader was last told of, when it comes back. */
  readonly lastEventId: number | undefined;
}

export interface LiveSalesOptions {
  readonly database: Database;
  readonly admission: Admission;
  readonly reader: FeedReader;
  readonly clock: Clock;
  readonly currency: Currency;
  readonly onError: OnFailure;
}

const PAGE_ROWS = 100;
/** Readers come back all at once when a replica stops, and orders need the database, too. */
const CONCURRENT_PAGES = 3;
const CONCURRENT_QUESTIONS = 4;

export function createLiveSales(options: LiveSalesOptions): LiveSales {
  const { database, admission, reader, clock, currency, onError } = options;
  const streams = new Set<LiveStream>();
  const gate = createGate(CONCURRENT_PAGES);
  let isStopped = false;

  const pageOf = (scope: SalesScope, after: number) =>
    gate(() => readFeedOf(database, scope, after, PAGE_ROWS));

  function forget(stream: LiveStream): void {
    stream.cut();
    reader.leave(stream);
    streams.delete(stream);
  }

  function attach({ scope, who }: StreamRequest, after: number, connect: Connect, leave: () => void) {
    let opened: LiveStream | undefined;
    let isGone = false;
    const sink = connect(() => {
      isGone = true;
      if (opened) forget(opened);
      leave();
    });
    const { userId, expiresAt: tokenEndsAt } = who;
    opened = createLiveStream(sink, { scope, userId, tokenEndsAt, after, now: clock.now(), currency });
    streams.add(opened);
    if (isGone) forget(opened);
    return opened;
  }

  return {
    async open(request, connect) {
      const { scope, who, lastEventId } = request;
      const release = admission.takePlace(who.userId);
      const unwatch = reader.watch(scope);
      const leave = () => {
        unwatch();
        release();
      };
      try {
        await admit(scope, who, options);
        await reader.begin();
        const page = lastEventId === undefined ? undefined : await pageOf(scope, lastEventId);
        if (isStopped) throw new AppError('shutting_down', 'This replica is stopping. Try again.');
        const stream = attach(request, lastEventId ?? reader.position(), connect, leave);
        if (!page) reader.join(stream);
        // The reader hears nothing of a failure but the end of the connection, and comes back.
        else {
          catchUp(stream, page, reader, pageOf).catch((error) => {
            stream.cut();
            onError(error);
          });
        }
      } catch (error) {
        leave();
        throw error;
      }
    },

    async tellStats() {
      const now = clock.now();
      const owed = [...streams].filter((stream) => stream.phase === 'live' && stream.isOwedStats(now));
      if (owed.length === 0) return false;
      for (const stream of owed) stream.takeStatsDebt(now);
      try {
        const totals = await totalsOf(database, distinct(owed));
        for (const stream of owed) stream.tellStats(totals.get(keyOf(stream.scope)) ?? NO_SALES);
      } catch (error) {
        for (const stream of owed) stream.oweStats();
        throw error;
      }
      return false;
    },

    async upkeep() {
      const now = clock.now();
      for (const stream of streams) stream.upkeep(now);
      return false;
    },

    async confirmOwnership() {
      const now = clock.now();
      const due = [...streams].filter(({ times, phase }) => phase !== 'ended' && isOwnershipDue(times, now));
      const alike = Map.groupBy(due, ({ scope, userId }) => `${keyOf(scope)} ${userId}`);
      await eachOf(alike.values(), CONCURRENT_QUESTIONS, (group) => confirm(group, now, options));
      return false;
    },

    count: () => streams.size,
    stop() {
      isStopped = true;
      for (const stream of streams) stream.close('stopping');
    },
  };
}

/** A token's leeway is for clocks that differ; a stream that would end at once is not opened. */
async function admit(
  scope: SalesScope,
  who: Principal,
  { admission, clock }: Pick<LiveSalesOptions, 'admission' | 'clock'>,
): Promise<void> {
  if (clock.now() >= who.expiresAt)
    throw new AppError('unauthenticated', 'The access token has expired. Sign in again.');
  if (!(await admission.owns(scope, who.userId)))
    throw new AppError('forbidden', `These sales are not yours: you do not own this ${scope.kind}.`);
}

/** Tells a stream page by page, until it has met the replica's own reading. */
async function catchUp(
  stream: LiveStream,
  first: FeedPage,
  reader: FeedReader,
  pageOf: (scope: SalesScope, after: number) => Promise<FeedPage>,
): Promise<void> {
  for (let page = first; ; page = await pageOf(stream.scope, stream.after)) {
    // From another database, or too old: what followed it cannot be had.
    if (stream.after > page.head) stream.tellGap(page.head);
    else if (stream.after < page.removedThrough) stream.tellGap(page.removedThrough);
    for (const { message, position } of page.rows) {
      await stream.room();
      if (message === null) stream.tell(undefined, position);
      else stream.tellCheckout(message, position);
    }
    if (stream.phase === 'ended') return;
    if (page.rows.length === PAGE_ROWS) continue;
    stream.tell(undefined, page.head);
    if (reader.join(stream)) return;
  }
}

function distinct(streams: readonly LiveStream[]): SalesScope[] {
  return [...new Map(streams.map(({ scope }) => [keyOf(scope), scope])).values()];
}

/** Asks once for streams of one user and scope. While nobody answers they stay, for some minutes. */
async function confirm(
  group: readonly LiveStream[],
  now: Instant,
  { admission, onError }: Pick<LiveSalesOptions, 'admission' | 'onError'>,
): Promise<void> {
  const [first] = group;
  if (!first) return;
  for (const stream of group) stream.asked(now);
  try {
    const isOwner = await admission.owns(first.scope, first.userId);
    for (const stream of group) {
      if (isOwner) stream.confirmed(now);
      else stream.close('not_owner');
    }
  } catch (error) {
    onError(error);
    for (const stream of group) if (isUnconfirmed(stream.times, now)) stream.close('ownership_unconfirmed');
  }
}
