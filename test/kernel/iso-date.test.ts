import { afterEach, describe, expect, test } from 'vitest';
import { parseIsoDate, readInstant } from '../../src/kernel/iso-date.ts';

const machineZone = process.env.TZ;

afterEach(() => {
  if (machineZone === undefined) delete process.env.TZ;
  else process.env.TZ = machineZone;
});

describe('reading a time of another system', () => {
  test.each(['UTC', 'Asia/Colombo', 'America/New_York', 'Pacific/Kiritimati'])(
    'it does not depend on the zone of the machine: %s',
    (zone) => {
      process.env.TZ = zone;
      const at = Date.UTC(2026, 11, 18, 19);
      expect(readInstant('2026-12-18T19:00:00')).toBe(at);
      expect(readInstant('2026-12-18 19:00')).toBe(at);
      expect(readInstant('2026-12-18T19:00:00Z')).toBe(at);
      expect(readInstant('2026-12-19T00:30:00+05:30')).toBe(at);
      expect(readInstant('2026-12-18')).toBe(Date.UTC(2026, 11, 18));
    },
  );

  test.each([
    ['2026-12-18t19:00:00z', Date.UTC(2026, 11, 18, 19)],
    ['2026-12-18T19:00:00.123456789Z', Date.UTC(2026, 11, 18, 19, 0, 0, 123)],
    ['2026-12-19T00:30:00+0530', Date.UTC(2026, 11, 18, 19)],
    ['2026-12-18 14:00:00.5-05', Date.UTC(2026, 11, 18, 19, 0, 0, 500)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
  ])('it takes %s', (text, at) => {
    expect(readInstant(text)).toBe(at);
  });

  test.each([
    '2026-02-30T19:00:00Z',
    '2026-02-29',
    '2026-04-31T00:00:00',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-12-18T25:00:00Z',
    '2026-12-18T19:60:00Z',
    '2026-12-18T19:00:61Z',
    '2026-12-18T19:00:00+25:00',
    '2026-12-18T19',
    '18.12.2026',
    'Dec 18, 2026',
    '1765825200000',
    'tomorrow',
    '',
  ])('it refuses %s', (text) => {
    expect(readInstant(text)).toBeUndefined();
  });

  test('it tells a day from a time', () => {
    expect(parseIsoDate('2026-12-18')?.isDay).toBe(true);
    expect(parseIsoDate('2026-12-18T00:00')?.isDay).toBe(false);
  });
});
