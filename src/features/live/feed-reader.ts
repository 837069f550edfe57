import type { Database } from '../../platform/postgres/database.ts';
import { type FeedRow, headOfFeed, readFeed } from './feed.store.ts';
import { checkoutFrame } from './frames.ts';
import type { LiveStream } from './live-stream.ts';
import { keyOf, type SalesScope } from './scope.ts';
import { withinOneTurn } from './stream.ts';

/**
 * Reads the feed once for all streams of this replica. It has one position: everything up to it was told to every
 * stream that joined, and everything after it will be.
 */
export interface FeedReader {
  /** A turn at reading and telling; true when there is more at once. Reads nothing while nobody watches. */
  read(): Promise<boolean>;
  /** Every reading that begins from now on looks for the scope, until what is returned is called. */
  watch(scope: SalesScope): () => void;
  /** Resolves when the position is known and no reading is under way that does not look for what is watched now. */
  begin(): Promise<void>;
  /** How far it has read. Throws before `begin`. */
  position(): number;
  /** Takes a stream in that was told of everything up to the position; false when it was not yet. */
  join(stream: LiveStream): boolean;
  leave(stream: LiveStream): void;
}

const READ_ROWS = 200;

export function createFeedReader(database: Database): FeedReader {
  const watched = new Map<string, { readonly scope: SalesScope; watchers: number }>();
  const streams = new Set<LiveStream>();
  let position: number | undefined;
  let beginning: Promise<void> | undefined;
  let reading: Promise<boolean> | undefined;

  async function readFrom(from: number): Promise<boolean> {
    const scopes = [...watched.values()].map(({ scope }) => scope);
    const { head, rows } = await readFeed(database, scopes, from, READ_ROWS);
    const turn = withinOneTurn(rows);
    const isMore = turn.length < rows.length || rows.length === READ_ROWS;
    const through = isMore ? (turn.at(-1)?.position ?? from) : head;
    tellAll(streams, turn, through);
    position = through;
    return isMore;
  }

  return {
    async read() {
      if (watched.size === 0) {
        // Whoever comes first begins at what is newest then.
        position = undefined;
        return false;
      }
      if (position === undefined) return false;
      reading = readFrom(position).finally(() => {
        reading = undefined;
      });
      return reading;
    },
    watch(scope) {
      const key = keyOf(scope);
      const entry = watched.get(key) ?? { scope, watchers: 0 };
      watched.set(key, entry);
      entry.watchers += 1;
      let isWatching = true;
      return () => {
        if (isWatching) entry.watchers -= 1;
        isWatching = false;
        if (entry.watchers === 0) watched.delete(key);
      };
    },
    async begin() {
      await reading?.catch(() => undefined);
      if (position !== undefined) return;
      beginning ??= headOfFeed(database)
        .then((head) => {
          position = head;
        })
        .finally(() => {
          beginning = undefined;
        });
      await beginning;
    },
    position() {
      if (position === undefined) throw new Error('the feed of sales is not being read');
      return position;
    },
    join(stream) {
      if (position === undefined || position > stream.after) return false;
      streams.add(stream);
      stream.goLive();
      return true;
    },
    leave: (stream) => void streams.delete(stream),
  };
}

/** Tells each stream what is new in its scope; the frames are made once for all streams that want the same. */
function tellAll(streams: ReadonlySet<LiveStream>, rows: readonly FeedRow[], through: number): void {
  const ofScope = new Map<string, FeedRow[]>();
  for (const row of rows) {
    for (const key of keysOf(row)) {
      const known = ofScope.get(key);
      if (known) known.push(row);
      else ofScope.set(key, [row]);
    }
  }
  const framesOf = new Map<FeedRow[], Buffer | undefined>();
  for (const stream of streams) {
    const all = ofScope.get(keyOf(stream.scope));
    if (!all) {
      stream.tell(undefined, Math.max(stream.after, through));
      continue;
    }
    // A stream that joined with more than the position has been told of some of them.
    const isBehindAll = (all[0]?.position ?? 0) > stream.after;
    const news = isBehindAll ? all : all.filter(({ position }) => position > stream.after);
    if (!framesOf.has(news)) framesOf.set(news, toFrames(news));
    if (news.length > 0) stream.oweStats();
    stream.tell(framesOf.get(news), Math.max(stream.after, through));
  }
}

function keysOf(row: FeedRow): string[] {
  return [
    keyOf({ kind: 'event', id: row.event_id }),
    keyOf({ kind: 'organization', id: row.organization_id }),
  ];
}

/** What there is to tell of completed orders; undefined when nothing is. */
function toFrames(rows: readonly FeedRow[]): Buffer | undefined {
  const frames = rows.flatMap(({ message, position }) =>
    message === null ? [] : [checkoutFrame(message, position)],
  );
  return frames.length === 0 ? undefined : Buffer.from(frames.join(''));
}
