import type { SeatStates } from './seat-states.ts';
import type { Block, Catalogue, Category, Seat, Session, VenueEvent } from './venue.model.ts';

/** Contract section 9, field for field. */
export function eventCard(event: VenueEvent, { organization }: Catalogue) {
  const next = event.sessions.find((session) => session.status === 'ON_SALE') ?? event.sessions[0];
  return {
    id: event.id,
    title: event.title,
    coverPhotoUrl: '',
    organizationName: organization.name,
    organizationId: organization.id,
    categoryName: event.category.name,
    earliestSession: next ? { startTime: next.startTime, venueName: next.venueDetails.name, city: next.city } : null,
    startingPrice: Math.min(...event.tiers.map((tier) => tier.price)),
    discounts: publicDiscounts(event),
  };
}

export function eventInfo(event: VenueEvent, { organization }: Catalogue) {
  return {
    id: event.id,
    title: event.title,
    description: event.description,
    overview: event.overview,
    coverPhotos: [],
    organization,
    category: {
      id: event.category.id,
      name: event.category.name,
      ...(event.category.parent ? { parentName: event.category.parent.name } : {}),
    },
    tiers: event.tiers,
    availableDiscounts: publicDiscounts(event),
  };
}

export function categoryInfo({ id, name, parent }: Category) {
  return { id, name, ...(parent ? { parentId: parent.id, parentName: parent.name } : {}) };
}

export function sessionInfo(session: Session, event: VenueEvent) {
  return {
    id: session.id,
    eventId: session.eventId,
    organizationId: event.organizationId,
    startTime: session.startTime,
    endTime: session.endTime,
    salesStartTime: session.salesStartTime,
    status: session.status,
    sessionType: session.sessionType,
    venueDetails: session.venueDetails,
    discounts: publicDiscounts(event, session),
  };
}

/** The public discounts of an event, or of one of its sessions. */
export function publicDiscounts(event: VenueEvent, session?: Session) {
  return event.discounts.filter((discount) => {
    const sessions = discount.applicableSessionIds;
    return discount.public && discount.active && (!session || sessions.length === 0 || sessions.includes(session.id));
  });
}

export function seatingMap(session: Session, states: SeatStates) {
  const toSeat = (seat: Seat) => ({
    id: seat.id,
    label: seat.label,
    status: seat.isReserved ? 'RESERVED' : states.of(session.id, seat.id),
    tier: seat.tier,
  });
  const toBlock = (block: Block) => {
    switch (block.type) {
      case 'seated_grid':
        return { ...block, rows: block.rows.map((row) => ({ ...row, seats: row.seats.map(toSeat) })) };
      case 'standing_capacity':
        return { ...block, seats: block.seats.map(toSeat) };
      case 'non_sellable':
        return block;
      default:
        return block satisfies never;
    }
  };
  return { name: session.mapName, layout: { blocks: session.blocks.map(toBlock) } };
}

/** A page of a list, in Spring's format. */
export function pageOf<Item>(items: readonly Item[], page: number, size: number) {
  const content = items.slice(page * size, (page + 1) * size);
  const totalPages = Math.ceil(items.length / size);
  return {
    content,
    totalPages,
    totalElements: items.length,
    last: page >= totalPages - 1,
    size,
    number: page,
    first: page === 0,
    numberOfElements: content.length,
    empty: content.length === 0,
  };
}
