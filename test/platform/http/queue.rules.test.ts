import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedWaitMs, fullSince, type Pace, served, UNKNOWN_PACE } from '../../../src/platform/http/queue.rules.ts';

const milliseconds = fc.double({ min: 0, max: 60_000, noNaN: true });
const counts = fc.integer({ min: 0, max: 10_000 });
const paces = fc.record({ serviceMs: milliseconds, movedAtMs: milliseconds });
const anyPlaces = fc.integer({ min: 1, max: 1_000 });

/** The pace after some requests were served one after another, each in the given time. */
function paceAfter(timesMs: readonly number[]): Pace {
  let nowMs = 0;
  let pace = fullSince(UNKNOWN_PACE, nowMs);
  for (const tookMs of timesMs) {
    nowMs += tookMs;
    pace = served(pace, tookMs, nowMs);
  }
  return pace;
}

describe('the expected wait in the queue', () => {
  test('it is never shorter with more requests ahead, with a longer standstill, or with fewer places', () => {
    fc.assert(
      fc.property(paces, anyPlaces, counts, counts, milliseconds, milliseconds, (pace, places, n, m, t, u) => {
        const now = pace.movedAtMs + t;
        const wait = expectedWaitMs(pace, places, n, now);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(expectedWaitMs(pace, places, n + m, now)).toBeGreaterThanOrEqual(wait);
        expect(expectedWaitMs(pace, places, n, now + u)).toBeGreaterThanOrEqual(wait);
        expect(expectedWaitMs(pace, places + m, n, now)).toBeLessThanOrEqual(wait);
      }),
    );
  });

  test('it is exact when all requests take the same time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), anyPlaces, counts, (tookMs, places, ahead) => {
        const pace = paceAfter([tookMs, tookMs, tookMs]);
        expect(expectedWaitMs(pace, places, ahead, pace.movedAtMs)).toBeCloseTo(((ahead + 1) * tookMs) / places);
      }),
    );
  });

  test('it is based on a time between the shortest and the longest, and follows a change', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }), (timesMs) => {
        const { serviceMs } = paceAfter(timesMs);
        expect(serviceMs).toBeGreaterThanOrEqual(Math.min(...timesMs) - 1e-6);
        expect(serviceMs).toBeLessThanOrEqual(Math.max(...timesMs) + 1e-6);
      }),
    );
    const quick = paceAfter([...Array(100).fill(100), ...Array(300).fill(2)]);
    expect(quick.serviceMs).toBeLessThan(3);
  });

  test('it grows during a standstill that is longer than any request takes', () => {
    const pace = paceAfter([100, 100]);
    const at = (ms: number) => expectedWaitMs(pace, 10, 0, pace.movedAtMs + ms);
    expect([at(0), at(100), at(1_100)]).toEqual([10, 10, 1_010]);
  });

  test('it does not count a pause in which places were free', () => {
    const pace = fullSince(paceAfter([100]), 60_000);
    expect(expectedWaitMs(pace, 10, 0, 60_050)).toBe(10);
  });
});
