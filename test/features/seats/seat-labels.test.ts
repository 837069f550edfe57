import { beforeEach, describe, expect, test } from 'vitest';
import { SeatLabels } from '../../../src/features/seats/seat-labels.ts';
import type { NamedSeat } from '../../../src/features/seats/seat-refusal.ts';
import { as, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';

const tonight = as<SessionId>('tonight');
const [a, b, c] = ['a', 'b', 'c'].map((id) => as<SeatId>(id)) as [SeatId, SeatId, SeatId];
const named = (seatId: SeatId): NamedSeat => ({ seatId, label: seatId.toUpperCase() });

let looks: string[];
let answer: () => Promise<readonly NamedSeat[]>;
let labels: SeatLabels;

beforeEach(() => {
  looks = [];
  answer = async () => [named(a)];
  labels = new SeatLabels((sessionId, seatIds) => {
    looks.push(`${sessionId} ${seatIds.join()}`);
    return answer();
  });
});

describe('labels of seats', () => {
  test('they are known without a look when a seating service said them', async () => {
    labels.learn(tonight, [named(a), named(b)]);
    expect(await labels.of(tonight, [b, a])).toEqual([named(b), named(a)]);
    expect(looks).toEqual([]);
  });

  test('a seat is looked up once, however many are refused it at the same time and later', async () => {
    const gate = Promise.withResolvers<readonly NamedSeat[]>();
    answer = () => gate.promise;
    const refused = Array.from({ length: 50 }, () => labels.of(tonight, [a]));
    gate.resolve([named(a)]);
    expect(new Set((await Promise.all(refused)).map(([seat]) => seat?.label))).toEqual(new Set(['A']));
    expect(await labels.of(tonight, [a])).toEqual([named(a)]);
    expect(looks).toEqual(['tonight a']);
  });

  test('a seat that has none is left out, and not looked up by the next who is refused it', async () => {
    expect(await labels.of(tonight, [a, b])).toEqual([named(a)]);
    expect(await labels.of(tonight, [a, b])).toEqual([named(a)]);
    expect(looks).toEqual(['tonight a,b']);
    labels.learn(tonight, [named(b)]);
    expect(await labels.of(tonight, [a, b])).toEqual([named(a), named(b)]);
  });

  test('a seat of the same id in another session is another seat', async () => {
    labels.learn(tonight, [named(a)]);
    answer = async () => [];
    expect(await labels.of(as<SessionId>('tomorrow'), [a])).toEqual([]);
  });

  test('it says nothing, and does not fail, while the database is unavailable', async () => {
    answer = () => Promise.reject(new Error('unavailable'));
    expect(await labels.of(tonight, [a])).toEqual([]);
  });

  test('more than two looks at a time are not begun: the refusal waits for nobody', async () => {
    const gate = Promise.withResolvers<readonly NamedSeat[]>();
    answer = () => gate.promise;
    const waiting = [labels.of(tonight, [a]), labels.of(tonight, [b])];
    expect(await labels.of(tonight, [c])).toEqual([]);
    gate.resolve([]);
    await Promise.all(waiting);
    expect(looks).toEqual(['tonight a', 'tonight b']);
  });
});
