/** Lets a bounded number of log lines of each kind pass in a time, because anybody can cause some of them at will. */
export class LineLimit {
  readonly #maxLines: number;
  readonly #windowMs: number;
  readonly #kinds = new Map<string, { fromMs: number; passed: number; omitted: number }>();

  constructor(maxLines: number, windowMs: number) {
    this.#maxLines = maxLines;
    this.#windowMs = windowMs;
  }

  /** The number of lines of this kind that were left out before this one; undefined when this one is left out, too. */
  pass(kind: string, nowMs: number): number | undefined {
    const known = this.#kinds.get(kind);
    const omitted = known?.omitted ?? 0;
    if (!known || nowMs - known.fromMs >= this.#windowMs) {
      this.#kinds.set(kind, { fromMs: nowMs, passed: 1, omitted: 0 });
      return omitted;
    }
    if (known.passed < this.#maxLines) {
      known.passed += 1;
      return omitted;
    }
    known.omitted += 1;
    return undefined;
  }
}
