import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateOfDay, quarterHourOf, readTimeZone } from '../../../src/features/analytics/time-zones.ts';
import { instant } from '../../../src/kernel/clock.ts';

/** The date that the reports assign to a moment, as the database computes it. */
function dayIn(zone: string, at: number): string {
  const offsets = readTimeZone(zone);
  const quarter = quarterHourOf(instant(at));
  const since = offsets?.starts.findLastIndex((start) => start <= quarter) ?? 0;
  return dateOfDay(Math.floor((quarter + (offsets?.offsets[Math.max(since, 0)] ?? 0)) / 96));
}

function wallDay(zone: string, at: number): string {
  const day = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, ...day }).formatToParts(new Date(at));
  const by = new Map(parts.map(({ type, value }) => [type, value]));
  return `${by.get('year')}-${by.get('month')}-${by.get('day')}`;
}

test('every known time zone has the days of its calendar', () => {
  const zones = Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'));
  const at = fc.integer({ min: Date.parse('1973-01-01'), max: Date.parse('2090-01-01') });
  fc.assert(
    fc.property(fc.constantFrom(...zones), at, (zone, moment) => {
      expect(dayIn(zone, moment)).toBe(wallDay(zone, moment));
    }),
    { numRuns: 3_000 },
  );
});

test('days change at local midnight, also when the clocks change', () => {
  const day = (zone: string, at: string) => dayIn(zone, Date.parse(at));
  expect(day('Asia/Colombo', '2026-03-01T18:29:59.999Z')).toBe('2026-03-01');
  expect(day('Asia/Colombo', '2026-03-01T18:30:00Z')).toBe('2026-03-02');
  expect(day('Asia/Kathmandu', '2026-03-01T18:15:00Z')).toBe('2026-03-02');
  expect(day('America/New_York', '2026-03-08T04:59:00Z')).toBe('2026-03-07');
  expect(day('America/New_York', '2026-03-09T03:59:00Z')).toBe('2026-03-08');
  expect(day('America/New_York', '2026-03-09T04:00:00Z')).toBe('2026-03-09');
});

describe('a time zone', () => {
  test.each(['', 'utc', 'CET', 'EST', '+05:30', 'Mars/Phobos', 'Asia', 'Asia/Colombo ', 'Asia/../UTC', "UTC'"])(
    'it does not accept %j',
    (name) => {
      expect(readTimeZone(name)).toBeUndefined();
    },
  );
});
