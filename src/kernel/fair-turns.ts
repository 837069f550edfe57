/**
 * Does one piece of work at a time. Keys take turns, so that a key with much work delays another by one piece. The pieces of
 * one key are done in order.
 */
export class FairTurns<Key> {
  readonly #waiting = new Map<Key, (() => Promise<void>)[]>();
  #isBusy = false;

  /** Resolves or rejects as `work` does when its turn has come. */
  run<Result>(key: Key, work: () => Result | Promise<Result>): Promise<Result> {
    const done = Promise.withResolvers<Result>();
    const own = this.#waiting.get(key) ?? [];
    own.push(() => Promise.try(work).then(done.resolve, done.reject));
    this.#waiting.set(key, own);
    if (!this.#isBusy) void this.#workThrough();
    return done.promise;
  }

  async #workThrough(): Promise<void> {
    this.#isBusy = true;
    for (let [first] = this.#waiting; first; [first] = this.#waiting) {
      const [key, own] = first;
      await own.shift()?.();
      // Who came meanwhile is before the next piece of this key.
      this.#waiting.delete(key);
      if (own.length > 0) this.#waiting.set(key, own);
    }
    this.#isBusy = false;
  }
}
