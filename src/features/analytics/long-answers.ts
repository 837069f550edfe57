import { AppError } from '../../kernel/errors.ts';

/** The parts of a streamed response. Read all of them or call `return`, because they hold a database connection. */
export type Parts<Part> = AsyncIterableIterator<Part> & { return(): Promise<IteratorResult<Part>> };

/** Limits concurrent streamed responses. Each holds a database connection until its client has read everything. */
export class LongAnswers {
  readonly #maxAtOnce: number;
  #underWay = 0;

  constructor(maxAtOnce: number) {
    this.#maxAtOnce = maxAtOnce;
  }

  /**
   * Returns the parts that `write` makes of all batches of `source`. Reads the first batch at once, so that an early failure
   * is an error response and not a truncated file. Throws `exports_busy` at the limit.
   */
  async open<Batch, Part>(
    source: () => AsyncGenerator<Batch, void, void>,
    write: (batches: AsyncIterable<Batch>) => AsyncIterable<Part>,
  ): Promise<Parts<Part>> {
    if (this.#underWay >= this.#maxAtOnce) {
      throw new AppError('exports_busy', 'The limit of concurrent exports is reached. Try again shortly.');
    }
    this.#underWay += 1;
    const batches = source();
    const close = once(async () => {
      this.#underWay -= 1;
      await batches.return();
    });
    try {
      const parts = write(continued(batches, await batches.next()));
      return endingWith(parts[Symbol.asyncIterator](), close);
    } catch (error) {
      await close();
      throw error;
    }
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

/** All batches of a source whose first one has already been read. */
async function* continued<Batch>(
  source: AsyncGenerator<Batch, void, void>,
  first: IteratorResult<Batch, void>,
): AsyncGenerator<Batch, void, void> {
  if (first.done) return;
  yield first.value;
  yield* source;
}

/** Calls `close` at the end, on an error, and when the reader stops, even before the first part. */
function endingWith<Part>(parts: AsyncIterator<Part>, close: () => Promise<void>): Parts<Part> {
  return {
    async next() {
      try {
        const part = await parts.next();
        if (part.done) await close();
        return part;
      } catch (error) {
        await close();
        throw error;
      }
    },
    async return() {
      await Promise.all([parts.return?.(), close()]);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
