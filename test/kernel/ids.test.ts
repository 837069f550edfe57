import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createIdSource } from '../../src/kernel/ids.ts';

const NOON_MS = 1_764_244_800_000;

function idsAt(times: readonly number[]): string[] {
  let at = 0;
  const ids = createIdSource(() => times[at++] ?? NOON_MS, randomUUID);
  return times.map(() => ids.uuid());
}

const beginning = (id: string) => id.slice(0, 8);

describe('new ids', () => {
  test('they are UUIDs of version 8 in lower case', () => {
    const [id] = idsAt([NOON_MS]);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('they differ in their first eight characters within a millisecond and throughout an hour', () => {
    const burst = Array.from({ length: 5_000 }, () => NOON_MS);
    const hour = Array.from({ length: 3_600 }, (_, second) => NOON_MS + 1_000 * second);
    const ids = idsAt([...burst, ...hour]);
    expect(new Set(ids.map(beginning)).size).toBe(ids.length);
  });

  test('they ascend within a round of the time, so that an index inserts them at one place', () => {
    const ids = idsAt([0, 0, 0.5, 1, 40, 1_000, 60_000, 3_600_000]);
    expect(ids).toEqual(ids.toSorted());
  });

  test('they continue when the clock is set back', () => {
    const ids = idsAt([5_000, 4_000, 4_000]);
    expect(new Set(ids.map(beginning)).size).toBe(3);
    expect(ids).toEqual(ids.toSorted());
  });

  test('they begin at 0 again after a round, and nothing else repeats', () => {
    const round = 2 ** 32 / 256;
    const [first = '', second = ''] = idsAt([10, 10 + round]);
    expect(beginning(second)).toBe(beginning(first));
    expect(second.slice(9)).not.toBe(first.slice(9));
  });
});
