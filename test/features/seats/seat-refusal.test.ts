import { describe, expect, test } from 'vitest';
import { seatsRefused, seatsTaken } from '../../../src/features/seats/seat-refusal.ts';
import { as, type SeatId } from '../../../src/kernel/ids.ts';

const A5 = as<SeatId>('011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0');
const A6 = as<SeatId>('8d564400-1273-4e3c-9b7d-cc3beccd2b27');
const named = [
  { seatId: A5, label: 'A5' },
  { seatId: A6, label: 'A6' },
];

describe('a refusal of seats', () => {
  test('it names them by label, with the ids beside', () => {
    expect(seatsTaken([A5, A6], named)).toMatchObject({
      code: 'seats_taken',
      message: 'Already taken: A5, A6. Choose other seats.',
      extra: { seatIds: [A5, A6], seats: named },
    });
  });

  test('it names a seat by its id when the label is not known', () => {
    const { message } = seatsTaken([A5, A6], named.slice(0, 1));
    expect(message).toBe(`Already taken: A5, ${A6}. Choose other seats.`);
  });

  test('it replaces ids by labels in the message of a seating service, also in capitals', () => {
    const refused = seatsRefused(`Seats ${A5.toUpperCase()} and ${A6} are blocked.`, [A6, A5], named);
    expect(refused).toMatchObject({
      code: 'seats_refused',
      message: 'Seats A5 and A6 are blocked.',
      extra: { seatIds: [A6, A5], seats: named },
    });
  });

  test('it keeps a message that names none of the requested seats', () => {
    const words = `Session ${A6} is not on sale, seat A1 neither.`;
    const refused = seatsRefused(words, [A5, as<SeatId>('A1')], named);
    expect(refused).toMatchObject({ message: words, extra: {} });
    expect(refused.extra.seatIds).toBeUndefined();
  });
});
