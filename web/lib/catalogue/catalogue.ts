import { NoAnswer, problemOf } from '../api/problem.ts';

const TIMEOUT_MS = 15_000;

/** What the event-query service answers (contract section 9). Everything in it is data of organisers, and never markup. */
export interface EventCard {
  readonly id: string;
  readonly title: string;
  readonly coverPhotoUrl: string;
  readonly organizationName: string;
  readonly categoryName: string;
  readonly earliestSession: { readonly startTime: string; readonly venueName: string; readonly city: string } | null;
  readonly startingPrice: number;
}

export interface Page<Item> {
  readonly content: readonly Item[];
  readonly totalElements: number;
  readonly number: number;
  readonly last: boolean;
}

export interface Tier {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly color: string;
}

export type DiscountParameters =
  | {
      readonly type: 'PERCENTAGE';
      readonly percentage: number;
      readonly minSpend?: number;
      readonly maxDiscount?: number;
    }
  | { readonly type: 'FLAT_OFF'; readonly amount: number; readonly currency: string; readonly minSpend?: number }
  | { readonly type: 'BUY_N_GET_N_FREE'; readonly buyQuantity: number; readonly getQuantity: number };

export interface Discount {
  readonly id: string;
  readonly code: string;
  readonly parameters: DiscountParameters;
  readonly activeFrom: string | null;
  readonly expiresAt: string | null;
  readonly applicableTiers: readonly Tier[];
}

export interface EventInfo {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly overview: string;
  readonly coverPhotos: readonly string[];
  readonly organization: { readonly id: string; readonly name: string; readonly logoUrl: string } | null;
  readonly category: { readonly id: string; readonly name: string; readonly parentName?: string } | null;
  readonly tiers: readonly Tier[];
  readonly availableDiscounts: readonly Discount[];
}

export type SessionStatus = 'PENDING' | 'SCHEDULED' | 'ON_SALE' | 'SOLD_OUT' | 'CLOSED' | 'CANCELED';

export interface Session {
  readonly id: string;
  readonly eventId: string;
  readonly organizationId: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly salesStartTime: string;
  readonly status: SessionStatus;
  readonly sessionType: 'PHYSICAL' | 'ONLINE';
  readonly venueDetails: { readonly name: string; readonly address?: string; readonly onlineLink?: string };
}

export type SeatStatus = 'AVAILABLE' | 'RESERVED' | 'BOOKED' | 'LOCKED';

export interface Seat {
  readonly id: string;
  readonly label: string;
  readonly status?: SeatStatus;
  readonly tier?: Tier;
}

export interface Block {
  readonly id: string;
  readonly name: string;
  readonly type: 'seated_grid' | 'standing_capacity' | 'non_sellable';
  readonly position: { readonly x: number; readonly y: number };
  readonly rows?: readonly { readonly id: string; readonly label: string; readonly seats: readonly Seat[] }[];
  readonly seats?: readonly Seat[];
  readonly capacity?: number;
  readonly width?: number;
  readonly height?: number;
}

export interface SeatingMap {
  readonly name: string;
  readonly layout: { readonly blocks: readonly Block[] };
}

/** Reads the catalogue of events, which needs no sign-in. Refusals are `Problem`s; `NoAnswer` says that no answer came. */
export class Catalogue {
  readonly #base: string;

  constructor(baseUrl: string) {
    this.#base = `${baseUrl.replace(/\/$/, '')}/v1`;
  }

  search(searchTerm: string, page: number, size: number): Promise<Page<EventCard>> {
    return this.#get(`/events/search?${new URLSearchParams({ searchTerm, page: String(page), size: String(size) })}`);
  }

  event(eventId: string): Promise<EventInfo> {
    return this.#get(`/events/${encodeURIComponent(eventId)}/basic-info`);
  }

  sessions(eventId: string, page: number, size: number): Promise<Page<Session>> {
    return this.#get(`/events/${encodeURIComponent(eventId)}/sessions?page=${page}&size=${size}&sort=startTime,asc`);
  }

  session(sessionId: string): Promise<Session> {
    return this.#get(`/sessions/${encodeURIComponent(sessionId)}/basic-info`);
  }

  seatingMap(sessionId: string): Promise<SeatingMap> {
    return this.#get(`/sessions/${encodeURIComponent(sessionId)}/seating-map`);
  }

  discountByCode(eventId: string, sessionId: string, code: string): Promise<Discount> {
    const path = [eventId, 'sessions', sessionId, 'discounts', 'code', code].map(encodeURIComponent).join('/');
    return this.#get(`/events/${path}`);
  }

  /** Address of the event stream of a session's seats; each event is named by the status and lists `seatIds`. */
  seatStream(sessionId: string): string {
    return `${this.#base}/sse/sessions/${encodeURIComponent(sessionId)}/seat-status`;
  }

  async #get<Answer>(path: string): Promise<Answer> {
    const response = await fetch(this.#base + path, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error) => {
      throw new NoAnswer(error);
    });
    if (!response.ok) throw await problemOf(response);
    return (await response.json()) as Answer;
  }
}
