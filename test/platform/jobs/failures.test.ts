import { describe, expect, test } from 'vitest';
import { reportFailures } from '../../../src/platform/jobs/failures.ts';

const SECOND_MS = 1_000;

/** A job whose turns fail for the reasons given, one after the other, and succeed where there is none. */
function jobWith(reasons: readonly (string | undefined)[], msPerTurn: number) {
  const told: unknown[] = [];
  const left = [...reasons];
  let nowMs = 0;
  const turn = reportFailures(
    async () => {
      const reason = left.shift();
      if (reason) throw new Error(reason);
      return false;
    },
    {
      onFailure: (error, failures) => void told.push([String(error), failures]),
      onRecovery: (failures) => void told.push(['works', failures]),
      nowMs: () => nowMs,
    },
  );
  return async () => {
    for (const reason of reasons) {
      if (reason) await expect(turn()).rejects.toThrow(reason);
      else expect(await turn()).toBe(false);
      nowMs += msPerTurn;
    }
    return told;
  };
}

describe('empty-log: a job that fails again and again', () => {
  test('is told of once when it begins, and once when it works again', async () => {
    expect(await jobWith(['away', 'away', 'away', undefined, undefined], SECOND_MS)()).toEqual([
      ['Error: away', 1],
      ['works', 3],
    ]);
  });

  test('is told of again after a minute, with the number of failures so far', async () => {
    expect(await jobWith(Array(121).fill('away'), SECOND_MS)()).toEqual([
      ['Error: away', 1],
      ['Error: away', 61],
      ['Error: away', 121],
    ]);
  });

  test('is told of at once when the reason is another, or when it had worked in between', async () => {
    expect(await jobWith(['away', 'full', undefined, 'full'], SECOND_MS)()).toEqual([
      ['Error: away', 1],
      ['Error: full', 2],
      ['works', 2],
      ['Error: full', 1],
    ]);
  });
});
