import { expect, test } from 'vitest';
import type { Arena } from './arena.ts';
import type { Interleaving } from './interleaving.ts';
import { isThorough } from './rounds.ts';
import { type Choose, seeds } from './schedules.ts';

/** One run of a race, of which this is the number, from 1; returns its outcome in a word. */
type Round = (choose: Choose, round: number) => Promise<string>;

/** What every round together must have shown. */
interface Expected {
  /** More different schedules than this. */
  readonly schedules?: number;
  /** These outcomes and no others, sorted, or at least this many. */
  readonly outcomes: readonly string[] | number;
}

/** Defines tests that run a race in so many schedules. `npm run test:slow` also sees that the race was a race. */
export function racesIn(arena: () => Arena, rounds: number) {
  return (name: string, expected: Expected, round: Round) =>
    test(name, async ({ annotate }) => {
      const explored = await explore(arena(), seeds(rounds), round);
      await annotate(inShort(explored));
      if (isThorough()) expectSeen(explored, expected);
    });
}

function expectSeen(explored: Explored, { schedules = 0, outcomes }: Expected): void {
  const seen = Object.keys(explored.outcomes).toSorted();
  expect(explored.schedules).toBeGreaterThan(schedules);
  if (typeof outcomes === 'number') expect(seen.length).toBeGreaterThanOrEqual(outcomes);
  else expect(seen).toEqual(outcomes);
}

/** What the rounds of a race have shown. */
interface Explored {
  readonly rounds: number;
  /** How many of them released their effects in an order that no other round had. */
  readonly schedules: number;
  /** How often each outcome was seen. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** A summary for the report of the tests. */
export function inShort({ rounds, schedules, outcomes }: Explored): string {
  const seen = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  return `${rounds} rounds, ${schedules} schedules: ${seen.toSorted().join('; ')}`;
}

/** Runs a round for each schedule. A failure names its schedule: its number, for seeds the seed, and the effects in order. */
export async function explore(
  { interleaving, events }: Arena,
  schedules: Iterable<Choose>,
  round: Round,
): Promise<Explored> {
  const seen = new Set<string>();
  const outcomes: Record<string, number> = {};
  let rounds = 0;
  for (const choose of schedules) {
    rounds += 1;
    events.messages.length = 0;
    try {
      const outcome = await round(choose, rounds);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`schedule ${rounds}:\n${inWords(interleaving)}`, { cause: error });
    }
    seen.add(inWords(interleaving));
  }
  return { rounds, schedules: seen.size, outcomes };
}

function inWords(interleaving: Interleaving): string {
  return interleaving
    .steps()
    .map(({ who, effect }) => `${who}: ${effect}`)
    .join('\n');
}
