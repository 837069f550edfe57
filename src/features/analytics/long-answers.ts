import { AppError } from '../../kernel/errors.ts';
import type { UserId } from '../../kernel/ids.ts';

/** The parts of a streamed response. Read all of them or call `return`, because they hold a database connection. */
export type Parts<Part> = AsyncIterableIterator<Part> & { return(): Promise<IteratorResult<Part>> };

/** Limits concurrent streamed responses. Each holds a database connection until its client has read everything. */
export class LongAnswers {
  readonly #maxAtOnce: number;
  /** The users whose responses are under way: one each, so that nobody can take all places. */
  readonly #underWay = new Set<UserId>();

  constructor(maxAtOnce: number) {
    this.#maxAtOnce = maxAtOnce;
  }

  /**
   * Returns the parts that `write` makes of all batches of `source`. Reads the first batch at once, so that an early failure
   * is an error response and not a truncated file. Throws `export_under_way` while the user reads another one, and
   * `exports_busy` at the limit.
   */
  async open<Batch, Part>(
    userId: UserId,
    source: () => AsyncGenerator<Batch, void, void>,
    write: (batches: AsyncIterable<Batch>) => AsyncIterable<Part>,
  ): Promise<Parts<Part>> {
    if (this.#underWay.has(userId)) {
      const detail = 'You already have an export or a long list under way. Read it to its end or cancel it first.';
      throw new AppError('export_under_way', detail);
    }
    if (this.#underWay.size >= this.#maxAtOnce) {
      throw new AppError('exports_busy', 'The limit of concurrent exports is reached. Try again shortly.');
    }
    this.#underWay.add(userId);
    const batches = source();
    const close = once(async () => {
      this.#underWay.delete(userId);
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
