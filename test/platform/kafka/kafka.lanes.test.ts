import { describe, expect, test } from 'vitest';
import { Lanes } from '../../../src/platform/kafka/kafka.lanes.ts';
import { until } from '../../support/servers.ts';

interface Item {
  readonly lane: string;
  readonly at: number;
}

/** Lanes whose work waits until the test releases it. */
function heldLanes() {
  const over = new AbortController();
  const begun: Item[] = [];
  const held: (() => void)[] = [];
  const lanes = new Lanes<Item>(over.signal, async (item) => {
    begun.push(item);
    await new Promise<void>((go) => held.push(go));
  });
  const take = (lane: string, at: number) => lanes.take(lane, { lane, at });
  return { over, begun, held, lanes, take };
}

describe('lanes', () => {
  test('they work side by side, and each works on one message after another', async () => {
    const { begun, held, take } = heldLanes();
    for (const at of [1, 2, 3]) await take('a', at);
    await take('b', 1);
    await until('both lanes have begun', () => begun.length === 2);
    expect(begun).toEqual([
      { lane: 'a', at: 1 },
      { lane: 'b', at: 1 },
    ]);
    for (let done = 0; done < 4; done += 1) {
      await until('one is in hand', () => held.length > 0);
      held.shift()?.();
    }
    await until('all were done', () => begun.length === 4);
    expect(begun.filter(({ lane }) => lane === 'a').map(({ at }) => at)).toEqual([1, 2, 3]);
  });

  test('they take no more than their bound, until one is done', async () => {
    const { held, take } = heldLanes();
    let taken = 0;
    const filling = (async () => {
      for (let at = 0; at < 300; at += 1) {
        await take('a', at);
        taken += 1;
      }
    })();
    await until('it is full', () => taken === 255);
    await until('the first is in hand', () => held.length > 0);
    held.shift()?.();
    await until('there is room for one more', () => taken === 256);
    const emptying = setInterval(() => held.shift()?.(), 0);
    await filling;
    clearInterval(emptying);
  });

  test('when they stop, work in hand is finished, the rest is left, and waiting for room ends', async () => {
    const { over, begun, held, lanes, take } = heldLanes();
    const filling = (async () => {
      for (let at = 0; at < 300; at += 1) await take('a', at);
    })();
    await until('the first is in hand', () => held.length > 0);
    over.abort();
    await filling;
    const finished = lanes.finish(10_000);
    held.shift()?.();
    await finished;
    expect(begun).toEqual([{ lane: 'a', at: 0 }]);
  });

  test('they wait a bounded time for work that does not end', async () => {
    const { over, lanes, take } = heldLanes();
    await take('a', 1);
    over.abort();
    await lanes.finish(20);
  });
});
