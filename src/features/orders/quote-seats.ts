import { AppError } from '../../kernel/errors.ts';
import type { DiscountId, SeatId, SessionId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Discount, PricedSeat } from '../pricing/index.ts';
import {
  type SeatingServices,
  type SeatLabels,
  type SeatRequest,
  seatsRefused,
  seatsTaken,
} from '../seats/index.ts';
import { liveSeats } from './seats.store.ts';

/** Seats with their prices, and the discount asked for. */
export interface Quote {
  readonly seats: readonly PricedSeat[];
  readonly discount: Discount | undefined;
}

export interface QuotingOptions {
  readonly database: Executor;
  readonly seating: SeatingServices;
  readonly labels: SeatLabels;
}

/**
 * What seats that are held for the caller cost, and that both seating services agree. Throws `seats_taken` with the
 * seats, `seats_refused` in the service's words, `seating_unavailable`.
 */
export async function quoteHeld(request: SeatRequest, options: QuotingOptions): Promise<Quote> {
  const { seating, labels } = options;
  const [quote, agreement] = await Promise.all([seating.quote(request), seating.agree(request)]);
  if (quote.outcome === 'quoted') labels.learn(request.sessionId, quote.seats);
  if (quote.outcome === 'refused') throw await refusedBySeating(quote.message, request, options);
  if (agreement.outcome === 'refused') throw await refusedBySeating(agreement.message, request, options);
  return quote;
}

/** The seating service often knows of a sold seat first; then the buyer is told which, as in every other case. */
async function refusedBySeating(
  message: string,
  request: SeatRequest,
  { database, labels }: QuotingOptions,
): Promise<AppError> {
  const taken = await liveSeats(database, request.sessionId, request.seatIds);
  if (taken.length > 0) return refusalOfTaken(request.sessionId, taken, labels);
  return seatsRefused(message, request.seatIds, await labels.of(request.sessionId, request.seatIds));
}

/**
 * The terms of a discount for seats that the caller has already, `code` being known for one that he had. Throws
 * `discount_refused` in the service's words, `seating_unavailable`.
 */
export async function termsOfDiscount(
  request: SeatRequest & { readonly discountId: DiscountId },
  code: string | undefined,
  { seating }: QuotingOptions,
): Promise<Discount> {
  const found = await seating.discount(request, code);
  if (found.outcome === 'refused') throw new AppError('discount_refused', found.message);
  return found.discount;
}

/** `seats_taken` with what the seats are called. */
export async function refusalOfTaken(
  sessionId: SessionId,
  seatIds: readonly SeatId[],
  labels: SeatLabels,
): Promise<AppError> {
  return seatsTaken(seatIds, await labels.of(sessionId, seatIds));
}
