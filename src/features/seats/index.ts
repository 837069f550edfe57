export { seatErrors } from './errors.ts';
export { type NamedSeat, seatsRefused, seatsTaken } from './seat-refusal.rules.ts';
export type {
  FoundHold,
  HoldOutcome,
  HoldRecords,
  SeatHolds,
  SeatingServices,
  SeatLabels,
  SeatRequest,
} from './seats.ports.ts';
