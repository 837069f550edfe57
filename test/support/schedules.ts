/** An effect that could happen next, or did, and whose it is. */
export interface Step {
  readonly who: string;
  readonly effect: string;
}

/** Says which of the effects that could happen next does, by its place among them; `last` is the one before. */
export type Choose = (options: readonly Step[], last: Step | undefined) => number;

/** How gladly a race changes from one to another: from long stretches of each to a new one at every effect. */
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

/** Numbers from 0 to below 1 that look like chance: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Every schedule there is, depth first: each next one differs from the one before as late as it can. */
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

/** A stretch of a race: one goes on until he is about to do `before`, waits for a lock, or is done. */
export interface Stretch {
  readonly who: string;
  readonly before?: string;
}

/** One schedule, written down. What is left when it is over goes on in any order. */
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
