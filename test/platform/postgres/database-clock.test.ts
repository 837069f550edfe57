import { beforeAll, describe, expect, test } from 'vitest';
import { instant, later } from '../../../src/kernel/clock.ts';
import { ClockWatch, MAX_CLOCK_DIFFERENCE_S } from '../../../src/platform/postgres/clock-watch.ts';
import type { Database } from '../../../src/platform/postgres/database.ts';
import { isBetter, startDatabaseClock } from '../../../src/platform/postgres/database-clock.ts';
import { emptyDatabase, openTestDatabase } from '../../support/own-database.ts';
import { patience } from '../../support/patience.ts';

let database: Database;

beforeAll(async () => {
  database = openTestDatabase(await emptyDatabase(), 1);
});

const nowOfDatabase = async () => {
  const [row] = await database.rows<{ at: number }>({ name: 'now', text: 'SELECT clock_timestamp() AS at' }, []);
  return row?.at ?? Number.NaN;
};

/** A clock on the real database, in a process whose own clocks are set by the test. */
async function ownedClock() {
  const owned = { aheadMs: 0, sleptMs: 0 };
  const clock = await startDatabaseClock({
    database,
    processClock: { now: () => later(instant(Date.now()), owned.aheadMs) },
    monotonicMs: () => performance.now() - owned.sleptMs,
  });
  return { owned, clock };
}

describe('clock-ahead: the time of the database', () => {
  test('it is the database’s, whatever the process’s own clock shows and is set to', async () => {
    const { owned, clock } = await ownedClock();
    for (const aheadMs of [0, 600_000, -86_400_000]) {
      owned.aheadMs = aheadMs;
      const [before, now, after] = [await nowOfDatabase(), clock.now(), await nowOfDatabase()];
      expect(now).toBeGreaterThan(before - patience(1_000));
      expect(now).toBeLessThan(after + patience(1_000));
      expect(clock.differenceSeconds()).toBeCloseTo(aheadMs / 1_000, -1);
    }
  });

  test('it never runs backwards while measurements differ slightly', async () => {
    const { clock } = await ownedClock();
    let last = clock.now();
    for (let round = 0; round < 50; round += 1) {
      await clock.measure();
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    }
  });

  test('it catches up with the next measurement after the machine slept', async () => {
    const { owned, clock } = await ownedClock();
    owned.sleptMs = 3_600_000;
    expect(clock.differenceSeconds()).toBeCloseTo(3_600, -2);
    await clock.measure();
    expect(Math.abs(clock.now() - (await nowOfDatabase()))).toBeLessThan(patience(1_000));
  });

  test.each([
    ['a more exact sample replaces the known one', { atMs: 1_010, monotonicMs: 10, errorMs: 1 }, true],
    ['a less exact sample that agrees is ignored', { atMs: 1_030, monotonicMs: 10, errorMs: 40 }, false],
    [
      'a less exact sample that proves the known one wrong replaces it',
      { atMs: 601_010, monotonicMs: 10, errorMs: 40 },
      true,
    ],
    [
      'a less exact sample an hour later replaces the known one',
      { atMs: 3_601_010, monotonicMs: 3_600_010, errorMs: 40 },
      true,
    ],
  ])('%s', (_what, sample, better) => {
    expect(isBetter(sample, { atMs: 1_000, monotonicMs: 0, errorMs: 5 })).toBe(better);
  });
});

describe('clock-ahead: the watch of the clock', () => {
  test('it logs once when the clocks part and once when they agree again, also while the database is unavailable', async () => {
    const said: string[] = [];
    let seconds = 0;
    const watch = new ClockWatch(
      { measure: () => Promise.reject(new Error('unavailable')), differenceSeconds: () => seconds },
      { error: () => void said.push('error'), info: () => void said.push('info') },
    );
    const look = () => watch.look().catch(() => undefined);
    for (const each of [0, MAX_CLOCK_DIFFERENCE_S, MAX_CLOCK_DIFFERENCE_S + 1, -60, 0, 0]) {
      seconds = each;
      expect(watch.isRight()).toBe(Math.abs(each) <= MAX_CLOCK_DIFFERENCE_S);
      await look();
    }
    expect(said).toEqual(['error', 'info']);
  });
});
