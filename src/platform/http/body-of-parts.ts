import { Readable } from 'node:stream';
import { MS_PER_MINUTE, MS_PER_SECOND } from '../../kernel/clock.ts';

/**
 * How slowly a body may be read. A database connection and a transaction wait for its reader, so a body is cut off when it
 * has waited longer than `graceMs` and the time that its bytes take at `leastBytesPerS`, or longer than `longestMs`.
 */
export interface ReaderLimits {
  readonly graceMs: number;
  readonly leastBytesPerS: number;
  readonly longestMs: number;
}

export const READER_LIMITS: ReaderLimits = {
  graceMs: 20 * MS_PER_SECOND,
  leastBytesPerS: 131_072,
  longestMs: 10 * MS_PER_MINUTE,
};

/** Parts that are produced one after the other; `return` releases their source. */
export interface PartSource<Part> {
  next(): Promise<IteratorResult<Part>>;
  return(): Promise<IteratorResult<Part>>;
}

/**
 * A body whose parts are produced as its reader takes them. It ends with an error and releases its source when the reader
 * disconnects or is slower than the limits. The time that it takes to produce the parts does not count.
 */
export function bodyOfParts(parts: PartSource<string | Uint8Array>, limits: ReaderLimits): Readable {
  const reader = { waitedMs: 0, takenBytes: 0 };
  let since: number | undefined;
  let limit: NodeJS.Timeout | undefined;
  const mayWaitMs = () => {
    const forItsBytes = (reader.takenBytes / limits.leastBytesPerS) * MS_PER_SECOND;
    return Math.min(limits.graceMs + forItsBytes, limits.longestMs) - reader.waitedMs;
  };
  const withinLimits = {
    async next() {
      clearTimeout(limit);
      if (since !== undefined) reader.waitedMs += performance.now() - since;
      const part = await parts.next();
      since = performance.now();
      if (!part.done && !body.destroyed) {
        limit = setTimeout(cutOff, Math.max(0, mayWaitMs()));
        reader.takenBytes += Buffer.byteLength(part.value);
      }
      return part;
    },
    return() {
      clearTimeout(limit);
      return parts.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  const body = Readable.from(withinLimits, { objectMode: false });
  const cutOff = () => body.destroy(new Error(`the reader took ${reader.takenBytes} bytes too slowly`));
  return body;
}
