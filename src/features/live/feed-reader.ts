import { singleFlight } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { type FeedRow, headOfFeed, readFeed, readFeedOf } from './feed.store.ts';
import { checkoutFrame } from './frames.ts';
import type { LiveStream } from './live-stream.ts';
import { keyOf, type SalesScope } from './scope.ts';
import { withinOneTurn } from './stream.ts';

const READ_ROWS = 200;

/**
 * Reads the feed once for all streams of this replica. It has one position: each stream that joined has been sent
 * everything up to it and will be sent everything after it.
 */
export class FeedReader {
  readonly #database: Executor;
  readonly #watched = new Map<string, { readonly scope: SalesScope; watchers: number }>();
  readonly #streams = new Set<LiveStream>();
  #position: number | undefined;
  readonly #findHead = singleFlight(async () => {
    this.#position = await headOfFeed(this.#database);
  });
  #reading: Promise<boolean> | undefined;

  constructor(database: Executor) {
    this.#database = database;
  }

  /** One turn of reading and sending. Returns true if there is more to read. Does nothing while no scope is watched. */
  async read(): Promise<boolean> {
    if (this.#watched.size === 0) {
      // The next stream starts at the head of the feed.
      this.#position = undefined;
      return false;
    }
    if (this.#position === undefined) return false;
    this.#reading = this.#readFrom(this.#position).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Includes the scope in every read that starts from now on, until the returned function is called. */
  watch(scope: SalesScope): () => void {
    const key = keyOf(scope);
    const entry = this.#watched.get(key) ?? { scope, watchers: 0 };
    this.#watched.set(key, entry);
    entry.watchers += 1;
    let isWatching = true;
    return () => {
      if (isWatching) entry.watchers -= 1;
      isWatching = false;
      if (entry.watchers === 0 && this.#watched.get(key) === entry) this.#drop(key);
    };
  }

  /** Resolves when the position is known and no read is running that started before a scope was watched. */
  async begin(): Promise<void> {
    await this.#reading?.catch(() => undefined);
    if (this.#position !== undefined) return;
    await this.#findHead();
  }

  /** The position read so far. Throws before `begin`. */
  position(): number {
    if (this.#position === undefined) throw new Error('the sales feed has no position before begin()');
    return this.#position;
  }

  /**
   * Takes over a stream that has been sent everything up to the position. Returns false if it has not. A stream whose scope
   * was dropped is cut, so that its reader comes back and catches up.
   */
  join(stream: LiveStream): boolean {
    if (!this.#watched.has(keyOf(stream.scope))) {
      stream.cut();
      return true;
    }
    if (this.#position === undefined || this.#position > stream.after) return false;
    this.#streams.add(stream);
    stream.goLive();
    return true;
  }

  leave(stream: LiveStream): void {
    this.#streams.delete(stream);
  }

  async #readFrom(from: number): Promise<boolean> {
    const scopes = [...this.#watched.values()].map(({ scope }) => scope);
    const { head, rows } = await readFeed(this.#database, scopes, from, READ_ROWS).catch(async (error: unknown) => {
      if (!isOutage(error)) await this.#dropFailing(scopes, from);
      throw error;
    });
    const turn = withinOneTurn(rows);
    const isMore = turn.length < rows.length || rows.length === READ_ROWS;
    const through = isMore ? (turn.at(-1)?.position ?? from) : head;
    sendAll(this.#streams, turn, through);
    this.#position = through;
    return isMore;
  }

  /**
   * After a failed read of all scopes, drops those that cannot be read by themselves, unless none can or the database is
   * unavailable: then it has failed, and not the scope. The streams of a dropped scope are cut, and the next turn reads the others.
   */
  async #dropFailing(scopes: readonly SalesScope[], from: number): Promise<void> {
    const failing: SalesScope[] = [];
    for (const scope of scopes) {
      try {
        await readFeedOf(this.#database, scope, from, 1);
      } catch (error) {
        if (isOutage(error)) return;
        failing.push(scope);
      }
    }
    if (failing.length === scopes.length) return;
    for (const scope of failing) this.#drop(keyOf(scope));
  }

  /** Cuts also a stream that outlived an earlier drop because another one watched its scope again before it joined. */
  #drop(key: string): void {
    this.#watched.delete(key);
    for (const stream of this.#streams) if (keyOf(stream.scope) === key) stream.cut();
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database_unavailable';
}

/** Sends each stream the new rows of its scope. Frames are built once for all streams that need the same ones. */
function sendAll(streams: ReadonlySet<LiveStream>, rows: readonly FeedRow[], through: number): void {
  const ofEvent = Map.groupBy<string, FeedRow>(rows, ({ eventId }) => eventId);
  const ofOrganization = Map.groupBy<string, FeedRow>(rows, ({ organizationId }) => organizationId);
  const framesOf = new Map<FeedRow[], Buffer | undefined>();
  for (const stream of streams) {
    const { kind, id } = stream.scope;
    const all = (kind === 'event' ? ofEvent : ofOrganization).get(id);
    if (!all) {
      stream.send(undefined, Math.max(stream.after, through));
      continue;
    }
    // A stream that joined ahead of the position has already been sent some of the rows.
    const isBehindAll = (all[0]?.position ?? 0) > stream.after;
    const unseen = isBehindAll ? all : all.filter(({ position }) => position > stream.after);
    if (!framesOf.has(unseen)) framesOf.set(unseen, toFrames(unseen));
    if (unseen.length > 0) stream.oweStats();
    stream.send(framesOf.get(unseen), Math.max(stream.after, through));
  }
}

/** The frames of completed orders, or undefined if there is none. */
function toFrames(rows: readonly FeedRow[]): Buffer | undefined {
  const frames = rows.flatMap(({ message, position }) => (message === null ? [] : [checkoutFrame(message, position)]));
  return frames.length === 0 ? undefined : Buffer.from(frames.join(''));
}
