import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../../kernel/errors.ts';
import {
  as,
  type DiscountId,
  type EventId,
  type OrganizationId,
  type SeatId,
  type SessionId,
  type TierId,
  type UserId,
} from '../../kernel/ids.ts';
import { type Currency, HIGHEST_PRICE } from '../../kernel/money.ts';
import type { ServiceAnswer, ServiceClient } from '../../platform/http/service-client.ts';
import { type Discount, type DiscountJson, DiscountReader, DiscountSchema, type PricedSeat } from '../pricing/index.ts';
import type { DiscountAnswer, SeatAgreement, SeatingServices, SeatQuote, SeatRequest } from './seats.ports.ts';

export interface HttpSeatingNeeds {
  /** For the validation of orders. */
  readonly query: ServiceClient;
  readonly seating: ServiceClient;
  /** For discounts of the event-query service. */
  readonly catalogue: ServiceClient;
  /** For ownership and roles at the seating service. */
  readonly roles: ServiceClient;
  readonly currency: Currency;
}

/** The status of the batch ownership check when the user does not own all events. */
const FORBIDDEN = 403;
/** Longest label, tier name and colour of a seat. They are part of every message about its orders. */
const MAX_TEXT_CHARS = 200;
const VALIDATE = '/internal/v1/validate-pre-order';

/** PostgreSQL keeps no NUL in a text. */
const Text = Type.String({ pattern: '^[^\\u0000]*$' });

/** The answer of the event-query service (contract section 4); its other fields are ignored. */
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
export class HttpSeatingServices implements SeatingServices {
  readonly #needs: HttpSeatingNeeds;
  readonly #discounts: DiscountReader;

  constructor(needs: HttpSeatingNeeds) {
    this.#needs = needs;
    this.#discounts = new DiscountReader(needs.currency);
  }

  async quote(request: SeatRequest): Promise<SeatQuote> {
    const answer = await this.#needs.query.post(VALIDATE, toWire(request));
    if (answer.outcome === 'refused') return answer;
    if (!quoteChecker.Check(answer.body)) throw unusable('its answer does not match the schema');
    return this.#toQuote(answer.body, request);
  }

  async agree(request: SeatRequest): Promise<SeatAgreement> {
    const answer = await this.#needs.seating.post(VALIDATE, toWire(request));
    return answer.outcome === 'refused' ? answer : { outcome: 'agreed' };
  }

  async discount(
    request: SeatRequest & { readonly discountId: DiscountId },
    code: string | undefined,
  ): Promise<DiscountAnswer> {
    const base = `/v1/events/${request.eventId}/sessions/${request.sessionId}/discounts`;
    const answer = await this.#needs.catalogue.get(
      code === undefined ? `${base}/public` : `${base}/code/${encodeURIComponent(code)}`,
      {},
    );
    const offered = answer.outcome === 'ok' ? [answer.body].flat() : [];
    const json = offered.find(
      (each): each is DiscountJson => discountChecker.Check(each) && each.id === request.discountId,
    );
    if (json) return { outcome: 'found', discount: this.#toDiscount(json) };
    const quoted = await this.quote(request);
    if (quoted.outcome === 'refused') return quoted;
    return quoted.discount
      ? { outcome: 'found', discount: quoted.discount }
      : { outcome: 'refused', message: NO_SUCH_DISCOUNT };
  }

  async ownsEvent(eventId: EventId, userId: UserId): Promise<boolean> {
    return isTrue(await this.#needs.roles.get('/internal/v1/events/verify-ownership', { eventId, userId }));
  }

  async ownsSession(sessionId: SessionId, userId: UserId): Promise<boolean> {
    return isTrue(await this.#needs.roles.get('/internal/v1/sessions/verify-ownership', { sessionId, userId }));
  }

  async ownsOrganization(organizationId: OrganizationId, userId: UserId): Promise<boolean> {
    const path = '/internal/v1/organizations/verify-ownership';
    return isTrue(await this.#needs.roles.get(path, { organizationId, userId }));
  }

  async ownsAllEvents(eventIds: readonly EventId[], userId: UserId): Promise<boolean> {
    const path = '/internal/v1/events/verify-batch-ownership';
    const answer = await this.#needs.roles.post(path, { eventIds, userId }, [FORBIDDEN]);
    // The status decides, except that a body of `false` is always a refusal.
    return answer.outcome === 'ok' && answer.body !== false;
  }

  async isScanner(sessionId: SessionId, userId: UserId): Promise<boolean> {
    const path = '/internal/v1/sessions/verify-role';
    return isTrue(await this.#needs.roles.get(path, { sessionId, userId, role: 'SCANNER' }));
  }

  #toQuote(quote: Static<typeof QuoteSchema>, { seatIds, discountId }: SeatRequest): SeatQuote {
    const bySeat = new Map(quote.seats.map((seat) => [seat.seatId, seat]));
    const seats = seatIds.map((seatId): PricedSeat => {
      const seat = bySeat.get(seatId);
      if (!seat) throw unusable('its answer lacks a seat');
      return this.#toPricedSeat(seatId, seat);
    });
    if (discountId === undefined) return { outcome: 'quoted', seats, discount: undefined };
    if (!quote.discount) return { outcome: 'refused', message: NO_SUCH_DISCOUNT };
    const discount = this.#toDiscount(quote.discount);
    if (discount.id !== discountId) throw unusable('its answer has another discount');
    return { outcome: 'quoted', seats, discount };
  }

  #toDiscount(json: DiscountJson): Discount {
    const discount = this.#discounts.read(json);
    if ('unreadable' in discount) throw unusable(`its discount: ${discount.unreadable}`);
    return discount;
  }

  #toPricedSeat(seatId: SeatId, { label, tier }: Static<typeof QuoteSchema>['seats'][number]): PricedSeat {
    const { currency } = this.#needs;
    const color = tier.color ?? '';
    if ([label, tier.name, color].some((text) => text.length > MAX_TEXT_CHARS)) throw tooLong();
    if (Number(tier.price) > currency.toMajor(HIGHEST_PRICE)) throw tooHigh(label);
    const price = currency.fromMajor(tier.price);
    if (price === undefined || price < 0) throw unusable(`a price is not an amount of ${currency.code}`);
    return { seatId, label, tier: { id: as<TierId>(tier.id), name: tier.name, color }, price };
  }
}

/** The request as the seating services expect it. */
function toWire(request: SeatRequest): Record<string, unknown> {
  return {
    session_id: request.sessionId,
    event_id: request.eventId,
    organization_id: request.organizationId,
    seat_ids: request.seatIds,
    ...(request.discountId === undefined ? {} : { discount_id: request.discountId }),
  };
}

/** The body decides and not the status: 200 with `false` means no. */
function isTrue(answer: ServiceAnswer): boolean {
  return answer.outcome === 'ok' && answer.body === true;
}

function tooLong(): AppError {
  const detail = `A label, tier or colour of these seats is longer than ${MAX_TEXT_CHARS} characters. Please inform the organiser.`;
  return new AppError('seats_refused', detail);
}

function tooHigh(label: string): AppError {
  return new AppError(
    'price_not_chargeable',
    `Seat ${label} costs more than a ticket can. Please inform the organiser.`,
  );
}

function unusable(reason: string): AppError {
  return new AppError('seating_unavailable', 'The answer of the seating service cannot be used. Try again shortly.', {
    cause: new Error(reason),
  });
}
