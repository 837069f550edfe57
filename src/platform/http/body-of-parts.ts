import { Readable } from 'node:stream';

/** Whoever takes nothing for so long is cut off: a database connection waits for it. */
export const MAX_READER_PAUSE_MS = 60_000;

/** Parts that are made one after the other; `return` lets go of what they are made of. */
export interface PartSource<Part> {
  next(): Promise<IteratorResult<Part>>;
  return(): Promise<IteratorResult<Part>>;
}

/**
 * A body whose parts are made as its reader takes them. It ends in an error, and lets go of its source, when its reader
 * goes away or takes no part for `maxPauseMs`; a part that its maker takes long for is not the reader's pause.
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
