/** A waiting item, and the caller whose it is. */
export interface Waiting<Item> {
  readonly caller: string;
  readonly item: Item;
}

/**
 * A line that callers leave in turns, each with their oldest item first: many items of one caller make another wait for one of
 * them only.
 */
export class FairLine<Item> {
  /** The caller whose turn is next is first. */
  readonly #itemsOf = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  countOf(caller: string): number {
    return this.#itemsOf.get(caller)?.size ?? 0;
  }

  /** At most how many items leave before a new item of the caller; for a caller without a name, one that has none here. */
  ahead(caller?: string): number {
    const turns = caller === undefined ? 1 : this.countOf(caller) + 1;
    return Math.min(this.#size, this.#itemsOf.size * turns);
  }

  add(caller: string, item: Item): void {
    const items = this.#itemsOf.get(caller) ?? new Set();
    this.#itemsOf.set(caller, items.add(item));
    this.#size += 1;
  }

  /** Does nothing when the item has left already. */
  remove(caller: string, item: Item): void {
    const items = this.#itemsOf.get(caller);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#itemsOf.delete(caller);
  }

  /** Takes the next item of a caller who may leave the line; undefined when there is none. */
  next(mayLeave: (caller: string) => boolean): Waiting<Item> | undefined {
    for (const [caller, items] of this.#itemsOf) {
      const [item] = items;
      if (item === undefined || !mayLeave(caller)) continue;
      this.remove(caller, item);
      // Set again, so that the caller's next turn comes after everybody's.
      if (this.#itemsOf.delete(caller)) this.#itemsOf.set(caller, items);
      return { caller, item };
    }
    return undefined;
  }
}
