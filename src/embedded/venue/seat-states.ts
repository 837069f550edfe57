import type { SeatId, SessionId } from '../../kernel/ids.ts';
import { type JournalWatch, openJournal } from '../journal.ts';

/** The states of a seat in status events. */
export const SEAT_STATES = ['AVAILABLE', 'LOCKED', 'BOOKED', 'RESERVED'] as const;
export type SeatState = (typeof SEAT_STATES)[number];

/** The states of held and sold seats, from status events. */
export interface SeatStates {
  of(sessionId: SessionId, seatId: SeatId): SeatState;
  /** Resolves when the change is in the journal. */
  set(sessionId: SessionId, seatIds: readonly SeatId[], state: SeatState): Promise<void>;
  close(): Promise<void>;
}

/** The states in the journal at `path`, which survive a restart. */
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
