import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../../kernel/errors.ts';
import { as, type SeatId, type TierId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { ServiceAnswer, ServiceClient } from '../../platform/http/service-client.ts';
import { type Discount, DiscountSchema, type PricedSeat, readDiscount } from '../pricing/index.ts';
import type { SeatAgreement, SeatingServices, SeatQuote, SeatRequest } from './seats.ports.ts';

export interface SeatingServicesOptions {
  readonly query: ServiceClient;
  readonly seating: ServiceClient;
  readonly currency: Currency;
}

/** How the batch question is answered with "not all of them". */
const FORBIDDEN = 403;
const VALIDATE = '/internal/v1/validate-pre-order';

/** PostgreSQL keeps no NUL in a text. */
const Text = Type.String({ pattern: '^[^\\u0000]*$' });

/** The answer of the event-query service (contract section 4); what else it says is not ours to judge. */
const QuoteSchema = Type.Object({
  seats: Type.Array(
    Type.Object({
      seatId: Type.String({ minLength: 1, maxLength: 64 }),
      label: Text,
      tier: Type.Object({
        id: Type.String({ format: 'uuid' }),
        name: Text,
        price: Type.Union([Type.Number({ minimum: 0 }), Type.String()]),
        color: Type.Optional(Type.Union([Text, Type.Null()])),
      }),
    }),
  ),
  discount: Type.Optional(Type.Union([DiscountSchema, Type.Null()])),
});
const quoteChecker = Compile(QuoteSchema);
const discountChecker = Compile(DiscountSchema);
const NO_SUCH_DISCOUNT = 'There is no such discount for this event.';

/** The platform's seating services over HTTP. An answer that cannot be understood counts as no answer. */
export function createSeatingServices({ query, seating, currency }: SeatingServicesOptions): SeatingServices {
  return {
    async quote(request): Promise<SeatQuote> {
      const answer = await query.post(VALIDATE, toWire(request));
      if (answer.outcome === 'refused') return answer;
      if (!quoteChecker.Check(answer.body)) throw notUnderstood('its answer has another shape');
      return readQuote(answer.body, request, currency);
    },
    async agree(request): Promise<SeatAgreement> {
      const answer = await seating.post(VALIDATE, toWire(request));
      return answer.outcome === 'refused' ? answer : { outcome: 'agreed' };
    },
    async discount(request, code) {
      const base = `/v1/events/${request.eventId}/sessions/${request.sessionId}/discounts`;
      const answer = await query.get(
        code === undefined ? `${base}/public` : `${base}/code/${encodeURIComponent(code)}`,
        {},
      );
      const offered = answer.outcome === 'ok' ? [answer.body].flat() : [];
      const wire = offered.find(
        (each): each is Static<typeof DiscountSchema> =>
          discountChecker.Check(each) && each.id === request.discountId,
      );
      if (wire) return { outcome: 'found', discount: understood(wire, currency) };
      const quoted = await this.quote(request);
      if (quoted.outcome === 'refused') return quoted;
      return quoted.discount
        ? { outcome: 'found', discount: quoted.discount }
        : { outcome: 'refused', message: NO_SUCH_DISCOUNT };
    },
    async ownsEvent(eventId, userId) {
      return isTrue(await seating.get('/internal/v1/events/verify-ownership', { eventId, userId }));
    },
    async ownsSession(sessionId, userId) {
      return isTrue(await seating.get('/internal/v1/sessions/verify-ownership', { sessionId, userId }));
    },
    async ownsOrganization(organizationId, userId) {
      const path = '/internal/v1/organizations/verify-ownership';
      return isTrue(await seating.get(path, { organizationId, userId }));
    },
    async ownsAllEvents(eventIds, userId) {
      const path = '/internal/v1/events/verify-batch-ownership';
      const answer = await seating.post(path, { eventIds, userId }, [FORBIDDEN]);
      // Here the status decides; but a body that says no is a no.
      return answer.outcome === 'ok' && answer.body !== false;
    },
    async isScanner(sessionId, userId) {
      return isTrue(
        await seating.get('/internal/v1/sessions/verify-role', { sessionId, userId, role: 'SCANNER' }),
      );
    },
  };
}

/** The OrderRequest of the buyer, as the seating services know it. */
function toWire(request: SeatRequest): Record<string, unknown> {
  return {
    session_id: request.sessionId,
    event_id: request.eventId,
    organization_id: request.organizationId,
    seat_ids: request.seatIds,
    ...(request.discountId === undefined ? {} : { discount_id: request.discountId }),
  };
}

/** The body decides, not the status: a 200 that says `false` is a no. */
function isTrue(answer: ServiceAnswer): boolean {
  return answer.outcome === 'ok' && answer.body === true;
}

function readQuote(quote: Static<typeof QuoteSchema>, request: SeatRequest, currency: Currency): SeatQuote {
  const bySeat = new Map(quote.seats.map((seat) => [seat.seatId, seat]));
  const seats = request.seatIds.map((seatId): PricedSeat => {
    const seat = bySeat.get(seatId);
    if (!seat) throw notUnderstood('it left a seat out');
    return toPricedSeat(seatId, seat, currency);
  });
  if (request.discountId === undefined) return { outcome: 'quoted', seats, discount: undefined };
  if (!quote.discount) return { outcome: 'refused', message: NO_SUCH_DISCOUNT };
  const discount = understood(quote.discount, currency);
  if (discount.id !== request.discountId) throw notUnderstood('it answered with another discount');
  return { outcome: 'quoted', seats, discount };
}

function understood(wire: Static<typeof DiscountSchema>, currency: Currency): Discount {
  const discount = readDiscount(wire, currency);
  if ('unreadable' in discount) throw notUnderstood(`its discount: ${discount.unreadable}`);
  return discount;
}

function toPricedSeat(
  seatId: SeatId,
  seat: Static<typeof QuoteSchema>['seats'][number],
  currency: Currency,
): PricedSeat {
  const price = currency.fromMajor(seat.tier.price);
  if (price === undefined || price < 0) throw notUnderstood(`a price that is none in ${currency.code}`);
  const tier = { id: as<TierId>(seat.tier.id), name: seat.tier.name, color: seat.tier.color ?? '' };
  return { seatId, label: seat.label, tier, price };
}

function notUnderstood(why: string): AppError {
  return new AppError(
    'seating_unavailable',
    'The seating service gave an answer that cannot be used. Try again shortly.',
    {
      cause: new Error(why),
    },
  );
}
