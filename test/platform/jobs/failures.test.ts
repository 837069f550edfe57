import { describe, expect, test } from 'vitest';
import { reportFailures } from '../../../src/platform/jobs/failures.ts';

const SECOND_MS = 1_000;

/** A job whose turns fail for the given reasons in order, and succeed where the reason is undefined. */
function jobWith(reasons: readonly (string | undefined)[], msPerTurn: number) {
  const reports: unknown[] = [];
  const left = [...reasons];
  let nowMs = 0;
  const turn = reportFailures(
    async () => {
      const reason = left.shift();
      if (reason) throw new Error(reason);
      return false;
    },
    {
      onFailure: (error, failures) => void reports.push([String(error), failures]),
      onRecovery: (failures) => void reports.push(['works', failures]),
      nowMs: () => nowMs,
    },
  );
  return async () => {
    for (const reason of reasons) {
      if (reason) await expect(turn()).rejects.toThrow(reason);
      else expect(await turn()).toBe(false);
      nowMs += msPerTurn;
    }
    return reports;
  };
}

describe('empty-log: a job that fails again and again', () => {
  test('it is logged once when it starts to fail, and once when it works again', async () => {
    expect(await jobWith(['down', 'down', 'down', undefined, undefined], SECOND_MS)()).toEqual([
      ['Error: down', 1],
      ['works', 3],
    ]);
  });

  test('it is logged again after a minute, with the number of failures so far', async () => {
    expect(await jobWith(Array(121).fill('down'), SECOND_MS)()).toEqual([
      ['Error: down', 1],
      ['Error: down', 61],
      ['Error: down', 121],
    ]);
  });

  test('it is logged at once when the reason changes, or after it worked in between', async () => {
    expect(await jobWith(['down', 'full', undefined, 'full'], SECOND_MS)()).toEqual([
      ['Error: down', 1],
      ['Error: full', 2],
      ['works', 2],
      ['Error: full', 1],
    ]);
  });
});
