import { AsyncLocalStorage } from 'node:async_hooks';

/** Does `work` for each item, at most `limit` at the same time; rejects with the first that fails. */
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

/** Runs work as it is handed in, at most `limit` at the same time; the rest waits its turn. */
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
      // Whoever waits takes the place of the one that leaves.
      if (next) next();
      else inside -= 1;
    }
  };
}

export interface BatchLimits {
  /** Items in one batch. */
  readonly size: number;
  /** Batches at the same time; what comes meanwhile is put together into the next. */
  readonly underWay: number;
}

/**
 * Does work for items as they come: at once while few batches are under way, else together with others, so that nobody waits
 * for company. `together` says false when it has done nothing and each is to be done `alone`, which holds up no other batch;
 * what it throws, all of them get. It runs in the context (trace, log) of the first of its items.
 */
export function createBatches<Item>(
  { size, underWay }: BatchLimits,
  together: (items: readonly Item[]) => Promise<boolean>,
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
    void carryOut(first, batch);
  }

  async function carryOut(first: Waiting, batch: readonly Waiting[]): Promise<void> {
    const shared = first.inItsContext(() => together(batch.map(({ item }) => item)));
    const isDone = await shared.catch(() => true);
    running -= 1;
    for (const { item, inItsContext, done } of batch)
      done(isDone ? shared.then(() => undefined) : inItsContext(() => alone(item)));
    next();
  }

  return (item) =>
    new Promise((done) => {
      waiting.push({ item, inItsContext: AsyncLocalStorage.snapshot(), done });
      next();
    });
}
