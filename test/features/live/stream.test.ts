import { describe, expect, test } from 'vitest';
import {
  isOwnershipDue,
  isUnconfirmed,
  MAX_TURN_BYTES,
  maySendStats,
  upkeepOf,
  withinOneTurn,
} from '../../../src/features/live/stream.ts';
import { instant } from '../../../src/kernel/clock.ts';

const times = {
  tokenEndsAt: instant(300_000),
  heartbeatAt: instant(0),
  drainedAt: instant(0),
  statsAt: instant(0),
  askedAt: instant(0),
  confirmedAt: instant(0),
};

describe('the upkeep of a stream', () => {
  test.each([
    [14_999, 'nothing'],
    [15_000, 'heartbeat'],
    [59_999, 'heartbeat'],
    [60_000, 'cut'],
    [300_000, 'close'],
  ])('after %i ms it needs: %s', (now, need) => {
    expect(upkeepOf(times, instant(now))).toBe(need);
  });

  test('it may send totals a second after the last ones, and the first ones at once', () => {
    expect(maySendStats(times, instant(999))).toBe(false);
    expect(maySendStats(times, instant(1_000))).toBe(true);
    expect(maySendStats({ ...times, statsAt: undefined }, instant(0))).toBe(true);
  });

  test('its ownership is due for a check every minute, and it ends after five minutes without an answer', () => {
    expect([59_999, 60_000].map((now) => isOwnershipDue(times, instant(now)))).toEqual([false, true]);
    expect([299_999, 300_000].map((now) => isUnconfirmed(times, instant(now)))).toEqual([false, true]);
  });
});

describe('a turn of a stream', () => {
  const rows = (...bytes: number[]) => bytes.map((length) => ({ message: 'x'.repeat(length) }));

  test('it takes as many messages as fit', () => {
    const given = rows(MAX_TURN_BYTES - 1, 1, 1);
    expect(withinOneTurn(given)).toEqual(given.slice(0, 2));
  });

  test('it takes a message that is too large by itself', () => {
    expect(withinOneTurn(rows(MAX_TURN_BYTES + 1, 1))).toHaveLength(1);
  });

  test('it takes all messages that fit, and none of an empty list', () => {
    expect(withinOneTurn([...rows(1, 1), { message: null }])).toHaveLength(3);
    expect(withinOneTurn([])).toEqual([]);
  });
});
