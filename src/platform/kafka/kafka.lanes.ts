import { withTimeLimit } from '../../kernel/time-limit.ts';
import { createBell } from '../jobs/poller.ts';

const MAX_WAITING = 256;
const ROOM_POLL_MS = 1_000;

/**
 * Runs work concurrently for different lanes, and in order within a lane. When `over` is aborted, running work should end
 * early, and the waiting items of every lane are dropped.
 */
export class Lanes<Item> {
  readonly #over: AbortSignal;
  readonly #work: (item: Item) => Promise<void>;
  readonly #room = createBell();
  readonly #ends = new Map<string, Promise<void>>();
  #waiting = 0;

  constructor(over: AbortSignal, work: (item: Item) => Promise<void>) {
    this.#over = over;
    this.#work = work;
    over.addEventListener('abort', this.#room.ring, { once: true });
  }

  /** Appends an item to its lane; resolves when there is room for another item, or after the abort. */
  async take(lane: string, item: Item): Promise<void> {
    this.#waiting += 1;
    const end = this.#run(item, this.#ends.get(lane));
    this.#ends.set(lane, end);
    end.then(() => this.#ends.get(lane) === end && this.#ends.delete(lane));
    while (this.#waiting >= MAX_WAITING && !this.#over.aborted) await this.#room.wait(ROOM_POLL_MS);
  }

  /** Resolves when the running work has ended, or after `timeoutMs`. Call it after the abort. */
  async finish(timeoutMs: number): Promise<void> {
    await withTimeLimit(timeoutMs, Promise.all(this.#ends.values()), () => undefined);
  }

  async #run(item: Item, before: Promise<void> | undefined): Promise<void> {
    await before;
    if (!this.#over.aborted) await this.#work(item);
    this.#waiting -= 1;
    this.#room.ring();
  }
}
