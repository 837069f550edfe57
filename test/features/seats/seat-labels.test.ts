import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_SEATS } from '../../../src/features/seats/known-labels.ts';
import { SeatLabels } from '../../../src/features/seats/seat-labels.ts';
import type { NamedSeat } from '../../../src/features/seats/seat-refusal.ts';
import { as, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';

const tonight = as<SessionId>('tonight');
const [a, b, c] = ['a', 'b', 'c'].map((id) => as<SeatId>(id)) as [SeatId, SeatId, SeatId];
const named = (seatId: SeatId): NamedSeat => ({ seatId, label: seatId.toUpperCase() });

let looks: string[];
let answer: () => Promise<readonly NamedSeat[]>;
let labels: SeatLabels;

function newLabels(): SeatLabels {
  return new SeatLabels((sessionId, seatIds) => {
    looks.push(`${sessionId} ${seatIds.join()}`);
    return answer();
  });
}

beforeEach(() => {
  looks = [];
  answer = async () => [named(a)];
  labels = newLabels();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('labels of seats', () => {
  test('they are known without a lookup when a seating service has sent them', async () => {
    labels.learn(tonight, [named(a), named(b)]);
    expect(await labels.of(tonight, [b, a])).toEqual([named(b), named(a)]);
    expect(looks).toEqual([]);
  });

  test('they are looked up once per seat, however many refusals need them at the same time and later', async () => {
    const gate = Promise.withResolvers<readonly NamedSeat[]>();
    answer = () => gate.promise;
    const refused = Array.from({ length: 50 }, () => labels.of(tonight, [a]));
    gate.resolve([named(a)]);
    expect(new Set((await Promise.all(refused)).map(([seat]) => seat?.label))).toEqual(new Set(['A']));
    expect(await labels.of(tonight, [a])).toEqual([named(a)]);
    expect(looks).toEqual(['tonight a']);
  });

  test('they omit a seat that has none, and the next refusal does not look it up again', async () => {
    expect(await labels.of(tonight, [a, b])).toEqual([named(a)]);
    expect(await labels.of(tonight, [a, b])).toEqual([named(a)]);
    expect(looks).toEqual(['tonight a,b']);
    labels.learn(tonight, [named(b)]);
    expect(await labels.of(tonight, [a, b])).toEqual([named(a), named(b)]);
  });

  test('they differ for a seat of the same id in another session', async () => {
    labels.learn(tonight, [named(a)]);
    answer = async () => [];
    expect(await labels.of(as<SessionId>('tomorrow'), [a])).toEqual([]);
  });

  test('they are kept for a bounded number of seats, and at least for the latest half of it', async () => {
    const seats = Array.from({ length: MAX_SEATS + 1 }, (_, at) => named(as<SeatId>(`seat ${at}`)));
    for (const seat of seats) labels.learn(tonight, [seat]);
    const ids = seats.map(({ seatId }) => seatId);
    answer = async () => [];
    expect(await labels.of(tonight, ids.slice(-MAX_SEATS / 2))).toHaveLength(MAX_SEATS / 2);
    expect((await labels.of(tonight, ids)).length).toBeLessThanOrEqual(MAX_SEATS);
  });

  test('they are looked up again after ten minutes, and kept for at least five', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    labels = newLabels();
    labels.learn(tonight, [named(a)]);
    vi.advanceTimersByTime(299_000);
    labels.learn(tonight, [named(b)]);
    vi.advanceTimersByTime(300_000);
    labels.learn(tonight, [named(c)]);
    expect(await labels.of(tonight, [a, b, c])).toHaveLength(3);
    expect(looks).toEqual([]);
    vi.advanceTimersByTime(1_000);
    await labels.of(tonight, [a, c]);
    expect(looks).toEqual(['tonight a']);
  });

  test('they are empty while the database is unavailable, and the refusal does not fail', async () => {
    answer = () => Promise.reject(new Error('unavailable'));
    expect(await labels.of(tonight, [a])).toEqual([]);
  });

  test('they start at most two lookups at a time, and the refusal does not wait', async () => {
    const gate = Promise.withResolvers<readonly NamedSeat[]>();
    answer = () => gate.promise;
    const waiting = [labels.of(tonight, [a]), labels.of(tonight, [b])];
    expect(await labels.of(tonight, [c])).toEqual([]);
    gate.resolve([]);
    await Promise.all(waiting);
    expect(looks).toEqual(['tonight a', 'tonight b']);
  });
});
