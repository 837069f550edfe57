import { AppError } from '../../kernel/errors.ts';

/** Part after part of an answer. Read it to its end or call `return`: it holds a connection. */
export type Parts<Part> = AsyncIterableIterator<Part> & { return(): Promise<IteratorResult<Part>> };

/** Long answers, at most so many at the same time: each holds a database connection for as long as its reader takes. */
export class LongAnswers {
  readonly #maxAtOnce: number;
  #underWay = 0;

  constructor(maxAtOnce: number) {
    this.#maxAtOnce = maxAtOnce;
  }

  /**
   * Reads the first batch of `source`, so that an early failure is an error and not an answer cut short, and gives
   * what `write` makes of all batches. Throws `exports_busy` when as many are under way as may be.
   */
  async open<Batch, Part>(
    source: () => AsyncGenerator<Batch, void, void>,
    write: (batches: AsyncIterable<Batch>) => AsyncIterable<Part>,
  ): Promise<Parts<Part>> {
    if (this.#underWay >= this.#maxAtOnce) {
      throw new AppError('exports_busy', 'As many exports are under way as may be. Try again shortly.');
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

/** A source that was read from once, from its beginning. */
async function* continued<Batch>(
  source: AsyncGenerator<Batch, void, void>,
  first: IteratorResult<Batch, void>,
): AsyncGenerator<Batch, void, void> {
  if (first.done) return;
  yield first.value;
  yield* source;
}

/** Closes at the end, at an error, and when the reader leaves, even before the first part. */
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
