import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Horizon, horizonAfter, type Look, NOTHING_DONE } from '../../../src/platform/outbox/horizon.rules.ts';

const look = (given: Partial<Look>): Look => ({
  lastId: 10,
  isCut: false,
  oldestRunning: 100,
  isAnyBlocked: false,
  marking: 100,
  ...given,
});

describe('the horizon', () => {
  const marked: Horizon = { upTo: 4, next: { upTo: 10, transaction: 100 } };

  test('it stays after the first look, because a transaction that began before may still end', () => {
    expect(horizonAfter(NOTHING_DONE, look({}))).toEqual({ upTo: 0, next: { upTo: 10, transaction: 100 } });
  });

  test('it waits for the oldest transaction, and keeps what was seen', () => {
    expect(horizonAfter(marked, look({ lastId: 20, oldestRunning: 100, marking: 105 }))).toEqual(marked);
  });

  test('it moves to what was seen when all transactions of that time have ended', () => {
    expect(horizonAfter(marked, look({ lastId: 20, oldestRunning: 101, marking: 105 }))).toEqual({
      upTo: 10,
      next: { upTo: 20, transaction: 105 },
    });
  });

  test('it never moves past where a look was cut', () => {
    expect(horizonAfter(marked, look({ oldestRunning: 101, lastId: 8, isCut: true })).upTo).toBe(8);
  });

  test('it stays while a key is blocked, because a look does not see its messages', () => {
    expect(horizonAfter(marked, look({ oldestRunning: 101, isAnyBlocked: true }))).toEqual(marked);
  });
});

const KINDS = ['begin', 'write', 'end', 'look', 'block', 'lift'] as const;

/**
 * A database in which transactions take numbers at any time and end in any order, and a relay that looks from time to
 * time. Each number belongs to one of three keys, and a key is blocked at times by a message that cannot be published.
 */
function relayOver(steps: readonly { readonly kind: (typeof KINDS)[number]; readonly which: number }[]) {
  const LIMIT = 3;
  const KEYS = 3;
  const blocked = new Set<number>();
  const open: { readonly transaction: number; readonly ids: number[] }[] = [];
  let waiting: number[] = [];
  let horizon = NOTHING_DONE;
  let ids = 0;
  let transactions = 0;
  for (const { kind, which } of steps) {
    const at = open.length === 0 ? -1 : which % open.length;
    if (kind === 'begin') open.push({ transaction: ++transactions, ids: [] });
    if (kind === 'write') open[at]?.ids.push(++ids);
    if (kind === 'end' && at >= 0) waiting.push(...(open.splice(at, 1)[0]?.ids ?? []));
    const first = waiting[which % (waiting.length || 1)];
    if (kind === 'block' && first !== undefined) blocked.add(first % KEYS);
    if (kind === 'lift') blocked.clear();
    if (kind !== 'look') continue;
    const due = waiting.filter((id) => !blocked.has(id % KEYS)).toSorted((a, b) => a - b);
    const seen = due.filter((id) => id > horizon.upTo).slice(0, LIMIT);
    expect(seen, 'a look sees the oldest messages that wait').toEqual(due.slice(0, LIMIT));
    const lastId = seen.at(-1);
    if (lastId === undefined) continue;
    const oldestRunning = Math.min(transactions + 1, ...open.map((each) => each.transaction));
    waiting = waiting.filter((id) => !seen.includes(id));
    horizon = horizonAfter(horizon, {
      lastId,
      isCut: seen.length === LIMIT,
      oldestRunning,
      isAnyBlocked: blocked.size > 0,
      marking: ++transactions,
    });
  }
}

test('a look from the horizon sees what a look from the beginning would, in whatever order transactions end', () => {
  const step = fc.record({ kind: fc.constantFrom(...KINDS), which: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 60 }), (steps) => relayOver(steps)),
    { numRuns: 2_000 },
  );
});
