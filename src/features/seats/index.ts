export { seatErrors } from './errors.ts';
export { SeatLabels } from './seat-labels.ts';
export { type NamedSeat, seatsRefused, seatsTaken } from './seat-refusal.ts';
export { HttpSeatingServices } from './seating-services.ts';
export type {
  FoundHold,
  HoldOutcome,
  HoldRecords,
  SeatHolds,
  SeatingServices,
  SeatRequest,
} from './seats.ports.ts';
