/** An effect that could happen next, or did, and its racer. */
export interface Step {
  readonly who: string;
  readonly effect: string;
}

/** Chooses which of the possible effects happens next, by its index; `last` is the one before. */
export type Choose = (options: readonly Step[], last: Step | undefined) => number;

/** How readily a race changes racers: from long stretches of each to a new one at every effect. */
const RESTLESSNESS = [0.1, 0.25, 0.5, 1] as const;

/** The first so many seeds, each a schedule of its own and the same one every time. */
export function* seeds(count: number): Generator<Choose> {
  for (let seed = 1; seed <= count; seed += 1) yield bySeed(seed);
}

function bySeed(seed: number): Choose {
  const random = randomFrom(seed);
  const restlessness = RESTLESSNESS[seed % RESTLESSNESS.length] ?? 1;
  return (options, last) => {
    const same = options.findIndex(({ who }) => who === last?.who);
    if (same >= 0 && random() >= restlessness) return same;
    return Math.floor(random() * options.length);
  };
}

/** Pseudo-random numbers from 0 to below 1: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Every possible schedule, depth first: each one differs from the one before as late as possible. */
export function* everySchedule(): Generator<Choose> {
  let plan: number[] = [];
  for (;;) {
    const taken: { readonly at: number; readonly of: number }[] = [];
    yield (options) => {
      const at = Math.min(plan[taken.length] ?? 0, options.length - 1);
      taken.push({ at, of: options.length });
      return at;
    };
    let last = taken.pop();
    while (last && last.at === last.of - 1) last = taken.pop();
    if (!last) return;
    plan = [...taken.map(({ at }) => at), last.at + 1];
  }
}

/** A stretch of a race: one racer runs until they are about to do `before`, wait for a lock, or are done. */
export interface Stretch {
  readonly who: string;
  readonly before?: string;
}

/** One schedule, written down. Effects that remain after it run in any order. */
export function inStretches(...stretches: readonly Stretch[]): Choose {
  const left = [...stretches];
  return (options) => {
    for (let [stretch] = left; stretch; [stretch] = left) {
      const { who, before } = stretch;
      const at = options.findIndex((option) => option.who === who);
      if (at >= 0 && options[at]?.effect !== before) return at;
      left.shift();
    }
    return 0;
  };
}
