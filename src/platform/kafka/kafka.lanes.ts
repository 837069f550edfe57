import { withTimeLimit } from '../../kernel/time-limit.ts';
import { createBell } from '../jobs/poller.ts';

/** Does work side by side for different keys, and one after the other for the same. */
export interface Lanes<Item> {
  /** Puts an item at the end of its lane; resolves when there is room for another, or when it is over. */
  take(lane: string, item: Item): Promise<void>;
  /** Resolves when what is in hand is done, or after `timeoutMs`. Called when it is over. */
  finish(timeoutMs: number): Promise<void>;
}

const MAX_WAITING = 256;
const ROOM_POLL_MS = 1_000;

/** When `over` is aborted, work in hand should end early, and the rest of every lane is left alone. */
export function createLanes<Item>(over: AbortSignal, work: (item: Item) => Promise<void>): Lanes<Item> {
  const room = createBell();
  const ends = new Map<string, Promise<void>>();
  let waiting = 0;
  over.addEventListener('abort', room.ring, { once: true });

  async function run(item: Item, before: Promise<void> | undefined): Promise<void> {
    await before;
    if (!over.aborted) await work(item);
    waiting -= 1;
    room.ring();
  }

  return {
    async take(lane, item) {
      waiting += 1;
      const end = run(item, ends.get(lane));
      ends.set(lane, end);
      end.then(() => ends.get(lane) === end && ends.delete(lane));
      while (waiting >= MAX_WAITING && !over.aborted) await room.wait(ROOM_POLL_MS);
    },
    async finish(timeoutMs) {
      await withTimeLimit(timeoutMs, Promise.all(ends.values()), () => undefined);
    },
  };
}
