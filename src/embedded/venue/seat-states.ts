import type { SeatId, SessionId } from '../../kernel/ids.ts';
import { type JournalWatch, openJournal } from '../journal.ts';

/** What the status events say of a seat. */
export const SEAT_STATES = ['AVAILABLE', 'LOCKED', 'BOOKED', 'RESERVED'] as const;
export type SeatState = (typeof SEAT_STATES)[number];

/** Seats that are held or sold, as the status events tell. */
export interface SeatStates {
  of(sessionId: SessionId, seatId: SeatId): SeatState;
  /** Resolves when the change is in the journal. */
  set(sessionId: SessionId, seatIds: readonly SeatId[], state: SeatState): Promise<void>;
  close(): Promise<void>;
}

/** The states kept in the journal at `path`, found again after a restart. */
export async function openSeatStates(path: string, watch?: JournalWatch): Promise<SeatStates> {
  const journal = await openJournal<SeatState>(path, watch);
  const keyOf = (sessionId: SessionId, seatId: SeatId) => `${sessionId}:${seatId}`;
  return {
    of: (sessionId, seatId) => journal.get(keyOf(sessionId, seatId)) ?? 'AVAILABLE',
    set: (sessionId, seatIds, state) =>
      journal.putAll(seatIds.map((seatId) => [keyOf(sessionId, seatId), state] as const)),
    close: journal.close,
  };
}
