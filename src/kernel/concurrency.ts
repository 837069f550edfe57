import { AsyncLocalStorage } from 'node:async_hooks';

/** Does `work` for each item, at most `limit` at the same time; rejects with the first failure. */
export async function eachOf<Item>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const workers = Array.from({ length: limit }, async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  });
  await Promise.all(workers);
}

/**
 * Single-flight: while a call is under way, every caller gets its promise. The next call after it settles starts `work`
 * again.
 */
export function singleFlight<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let underWay: Promise<Result> | undefined;
  return () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** The result of `work`, which runs at the first call and again only after a failure. Concurrent callers share one run. */
export function onceSucceeded<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}

/** Runs work as it is handed in, at most `limit` at the same time; the rest waits in order. */
export function createGate(limit: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (work) => {
    if (inside < limit) inside += 1;
    else await new Promise<void>((enter) => waiting.push(enter));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place is handed to the next in line, so the count stays the same.
      if (next) next();
      else inside -= 1;
    }
  };
}

export interface BatchLimits {
  /** Items in one batch. */
  readonly size: number;
  /** Batches at the same time; items that arrive while all are running are collected into the next batch. */
  readonly underWay: number;
}

/**
 * Does work for items as they arrive: immediately while fewer batches than the limit are running, otherwise together with
 * the other waiting items, so no item waits for a batch to fill up. `together` resolves with the items that it has not done:
 * each of them is done with `alone`, which does not block other batches. An error of `together` rejects every item of the
 * batch. A batch runs in the async context (trace, log) of its first item.
 */
export function createBatches<Item>(
  { size, underWay }: BatchLimits,
  together: (items: readonly Item[]) => Promise<readonly Item[]>,
  alone: (item: Item) => Promise<void>,
): (item: Item) => Promise<void> {
  interface Waiting {
    readonly item: Item;
    readonly inItsContext: ReturnType<typeof AsyncLocalStorage.snapshot>;
    readonly done: (result: Promise<void>) => void;
  }
  let waiting: Waiting[] = [];
  let running = 0;

  function next(): void {
    const [first] = waiting;
    if (running === underWay || !first) return;
    const batch = waiting.slice(0, size);
    waiting = waiting.slice(size);
    running += 1;
    void run(first, batch);
  }

  async function run(first: Waiting, batch: readonly Waiting[]): Promise<void> {
    const shared = first.inItsContext(() => together(batch.map(({ item }) => item)));
    const left = new Set(await shared.catch(() => []));
    running -= 1;
    for (const { item, inItsContext, done } of batch)
      done(left.has(item) ? inItsContext(() => alone(item)) : shared.then(() => undefined));
    next();
  }

  return (item) =>
    new Promise((done) => {
      waiting.push({ item, inItsContext: AsyncLocalStorage.snapshot(), done });
      next();
    });
}
