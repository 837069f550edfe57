import { AsyncLocalStorage } from 'node:async_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBatches, onceSucceeded, singleFlight } from '../../src/kernel/concurrency.ts';

const LIMITS = { size: 3, underWay: 2 };

/** Batches whose work ends when the test lets it. */
function open(limits = LIMITS) {
  const begun: { items: readonly number[]; end: PromiseWithResolvers<boolean> }[] = [];
  const begin = (items: readonly number[]) => {
    const end = Promise.withResolvers<boolean>();
    begun.push({ items, end });
    return end.promise.then((isDone) => (isDone ? [] : items));
  };
  const add = createBatches<number>(limits, begin, async (item) => void (await begin([item])));
  const next = () => new Promise((done) => setImmediate(done));
  return { add, begun, items: () => begun.map(({ items }) => items), next };
}

describe('batches', () => {
  test('an item runs at once while there is room, and later items run together, in order', async () => {
    const { add, begun, items, next } = open();
    const done = [1, 2, 3, 4, 5, 6, 7].map(add);
    expect(items()).toEqual([[1], [2]]);
    begun[1]?.end.resolve(true);
    await done[1];
    await next();
    expect(items()).toEqual([[1], [2], [3, 4, 5]]);
    begun[0]?.end.resolve(true);
    await next();
    expect(items()).toEqual([[1], [2], [3, 4, 5], [6, 7]]);
    for (const { end } of begun) end.resolve(true);
    await Promise.all(done);
  });

  test('the items of a batch that cannot run together run one by one, each with its own result', async () => {
    const { add, begun, items, next } = open({ size: 3, underWay: 1 });
    const done = [1, 2, 3].map(add);
    begun[0]?.end.resolve(true);
    await next();
    begun[1]?.end.resolve(false);
    await next();
    expect(items()).toEqual([[1], [2, 3], [2], [3]]);
    begun[2]?.end.reject(new Error('its own'));
    begun[3]?.end.resolve(true);
    await expect(done[1]).rejects.toThrow('its own');
    await done[2];
  });

  test('items that run alone delay no batch', async () => {
    const { add, begun, items, next } = open({ size: 3, underWay: 1 });
    const done = [1, 2, 3].map(add);
    begun[0]?.end.resolve(false);
    await next();
    expect(items()).toEqual([[1], [1], [2, 3]]);
    for (const { end } of begun) end.resolve(true);
    await Promise.all(done);
  });

  test('a batch runs in the context of its first item, and an item that runs alone in its own', async () => {
    const buyers = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const add = createBatches<string>(
      { size: 3, underWay: 1 },
      async (items) => {
        seen.push(`${buyers.getStore()}: ${items.join()}`);
        return items.length === 1 ? [] : items;
      },
      async (item) => void seen.push(`${buyers.getStore()}: ${item} alone`),
    );
    await Promise.all(['a', 'b', 'c'].map((buyer) => buyers.run(buyer, () => add(buyer))));
    expect(seen).toEqual(['a: a', 'b: b,c', 'b: b alone', 'c: c alone']);
  });

  test('the failure of a batch rejects each of its items, and the next batch runs', async () => {
    const { add, begun, next } = open({ size: 3, underWay: 1 });
    const done = [1, 2, 3].map(add);
    begun[0]?.end.resolve(true);
    await next();
    begun[1]?.end.reject(new Error('down'));
    await expect(done[1]).rejects.toThrow('down');
    await expect(done[2]).rejects.toThrow('down');
    await next();
    const after = add(4);
    begun[2]?.end.resolve(true);
    await after;
  });

  test('no more run at once than allowed, and each item runs once, however long a batch takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 30 }),
        async (scheduler, size, underWay, count) => {
          const seen: number[] = [];
          let running = 0;
          const work = async (items: readonly number[]) => {
            running += 1;
            expect(running).toBeLessThanOrEqual(underWay);
            expect(items.length).toBeLessThanOrEqual(size);
            await scheduler.schedule(Promise.resolve());
            running -= 1;
            seen.push(...items);
            return [];
          };
          const add = createBatches<number>({ size, underWay }, work, async (item) => void (await work([item])));
          const all = Promise.all(Array.from({ length: count }, (_, item) => add(item)));
          await scheduler.waitFor(all);
          expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, item) => item));
        },
      ),
    );
  });
});

describe('single-flight', () => {
  test('callers during a run share it, and the next call after it starts another', async () => {
    const runs: PromiseWithResolvers<number>[] = [];
    const call = singleFlight(() => {
      const run = Promise.withResolvers<number>();
      runs.push(run);
      return run.promise;
    });
    const first = [call(), call()];
    runs[0]?.resolve(1);
    expect(await Promise.all(first)).toEqual([1, 1]);
    const second = call();
    runs[1]?.reject(new Error('refused'));
    await expect(second).rejects.toThrow('refused');
    expect(runs).toHaveLength(2);
  });

  test('a success is cached, and a failure is not', async () => {
    let runs = 0;
    const get = onceSucceeded(async () => {
      runs += 1;
      if (runs === 1) throw new Error('refused');
      return runs;
    });
    await expect(Promise.all([get(), get()])).rejects.toThrow('refused');
    expect(await get()).toBe(2);
    expect(await get()).toBe(2);
  });
});
