import { AppError } from '../../kernel/errors.ts';
import type { SeatId } from '../../kernel/ids.ts';

/** A seat with its label, such as A5. */
export interface NamedSeat {
  readonly seatId: SeatId;
  readonly label: string;
}

/** The refusal of seats that are taken: by label where that is known, else by id. */
export function seatsTaken(seatIds: readonly SeatId[], named: readonly NamedSeat[]): AppError {
  const labels = new Map(named.map(({ seatId, label }) => [seatId, label]));
  const names = seatIds.map((seatId) => labels.get(seatId) ?? seatId).join(', ');
  return new AppError('seats_taken', `Already taken: ${names}. Choose other seats.`, { seatIds, seats: named });
}

const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

/**
 * A seating service's refusal in its own words, with UUIDs of seats replaced by their labels. Ids of another form may be
 * words of the message, so they stay.
 */
export function seatsRefused(message: string, asked: readonly SeatId[], named: readonly NamedSeat[]): AppError {
  const mentioned = new Set((message.match(UUID) ?? []).map((id) => id.toLowerCase()));
  const seatIds = asked.filter((seatId) => mentioned.has(seatId.toLowerCase()));
  if (seatIds.length === 0) return new AppError('seats_refused', message);
  const seats = named.filter(({ seatId }) => seatIds.includes(seatId));
  const labels = new Map(seats.map(({ seatId, label }) => [seatId.toLowerCase(), label]));
  const text = message.replaceAll(UUID, (id) => labels.get(id.toLowerCase()) ?? id);
  return new AppError('seats_refused', text, { seatIds, seats });
}
