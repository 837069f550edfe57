import { Readable } from 'node:stream';

/** A reader that takes nothing for this long is disconnected, because a database connection waits for it. */
export const MAX_READER_PAUSE_MS = 60_000;

/** Parts that are produced one after the other; `return` releases their source. */
export interface PartSource<Part> {
  next(): Promise<IteratorResult<Part>>;
  return(): Promise<IteratorResult<Part>>;
}

/**
 * A body whose parts are produced as its reader takes them. It ends with an error and releases its source when the reader
 * disconnects or takes no part for `maxPauseMs`. The time that it takes to produce a part does not count.
 */
export function bodyOfParts(parts: PartSource<string | Uint8Array>, maxPauseMs: number): Readable {
  let pause: NodeJS.Timeout | undefined;
  const untilPaused = {
    async next() {
      clearTimeout(pause);
      const part = await parts.next();
      if (!part.done && !body.destroyed) pause = setTimeout(cutOff, maxPauseMs);
      return part;
    },
    return() {
      clearTimeout(pause);
      return parts.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  const body = Readable.from(untilPaused, { objectMode: false });
  const cutOff = () => body.destroy(new Error(`the reader took nothing for ${maxPauseMs} ms`));
  return body;
}
