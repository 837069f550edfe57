import { LRUCache } from 'lru-cache';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Clock, type Instant, MS_PER_MINUTE } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type EventId, type OrganizationId, type SessionId } from '../../kernel/ids.ts';
import { readInstant } from '../../kernel/iso-date.ts';
import type { Core } from '../../platform/core.ts';
import type { ServiceClient } from '../../platform/http/service-client.ts';

const optionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const PLACE = { eventId: Type.String({ format: 'uuid' }), organizationId: Type.String({ format: 'uuid' }) };
const placeChecker = Compile(Type.Object(PLACE));
const SessionSchema = Type.Object({
  ...PLACE,
  startTime: Type.String(),
  endTime: optionalText,
  venueDetails: Type.Optional(
    Type.Union([Type.Object({ name: optionalText, address: optionalText, onlineLink: optionalText }), Type.Null()]),
  ),
});
const sessionChecker = Compile(SessionSchema);
const eventChecker = Compile(Type.Object({ title: Type.String() }));

const MAX_SESSIONS = 1_000;
/** Longest title, name and address; they are printed on a ticket. */
const MAX_TEXT_CHARS = 500;
/** A longer address is left out, because a part of it leads nowhere. */
const MAX_LINK_CHARS = 2_000;
/** A changed session is used after this long. */
const FRESH_MS = MS_PER_MINUTE;
/** Orders for a session that the catalogue does not have ask once in this time. */
const UNKNOWN_MS = 1_000;

/** The facts of a session that tickets show. */
export interface SessionInfo {
  readonly sessionId: SessionId;
  readonly eventId: EventId;
  readonly organizationId: OrganizationId;
  /** The name of the event. */
  readonly title: string;
  readonly startsAt: Instant;
  readonly endsAt: Instant | undefined;
  readonly venue: {
    readonly name: string;
    readonly address: string | undefined;
    /** The web address of an online session. */
    readonly onlineLink: string | undefined;
  };
}

/** Whose a session is. */
export type SessionPlace = Pick<SessionInfo, 'eventId' | 'organizationId'>;

/** The event catalogue, which pages read as well (contract section 9). */
export interface Catalogue {
  /** Undefined if there is no such session. Throws `seating_unavailable`. */
  place(sessionId: SessionId): Promise<SessionPlace | undefined>;
  /** Undefined if there is no such session. Throws `seating_unavailable`. */
  session(sessionId: SessionId): Promise<SessionInfo | undefined>;
}

/**
 * The catalogue over HTTP with a cache. Concurrent requests for a session share one fetch. While the service is
 * unavailable, the cached answer is used.
 */
export function createCatalogue(
  { clock, watch }: Pick<Core, 'clock' | 'watch'>,
  { eventQuery }: { readonly eventQuery: Pick<ServiceClient, 'get'> },
): Catalogue {
  const sessions = remember(clock, (sessionId) => fetchSession(sessionId, eventQuery));
  const places = remember(clock, async (sessionId) => ({ found: await fetchPlace(sessionId, eventQuery) }));
  return watch('catalogue', {
    place: async (sessionId) => (await places.fetch(sessionId))?.found,
    session: (sessionId) => sessions.fetch(sessionId),
  });
}

function remember<Info extends object>(clock: Clock, fetch: (sessionId: SessionId) => Promise<Info | undefined>) {
  return new LRUCache<SessionId, Info>({
    max: MAX_SESSIONS,
    ttl: FRESH_MS,
    ttlResolution: 0,
    perf: clock,
    async fetchMethod(sessionId, known, { options }) {
      try {
        const info = await fetch(sessionId);
        if (info && 'found' in info && info.found === undefined) options.ttl = UNKNOWN_MS;
        return info;
      } catch (error) {
        if (known) return known;
        throw error;
      }
    },
  });
}

/** Asks for nothing else, so that an order needs no more of the catalogue than this. */
async function fetchPlace(sessionId: SessionId, query: Pick<ServiceClient, 'get'>): Promise<SessionPlace | undefined> {
  const session = await query.get(`/v1/sessions/${sessionId}/basic-info`, {});
  if (session.outcome === 'refused') return undefined;
  if (!placeChecker.Check(session.body)) throw unusable('the session does not match the schema');
  return toPlace(session.body);
}

function toPlace({ eventId, organizationId }: { eventId: string; organizationId: string }): SessionPlace {
  return {
    eventId: as<EventId>(eventId.toLowerCase()),
    organizationId: as<OrganizationId>(organizationId.toLowerCase()),
  };
}

async function fetchSession(sessionId: SessionId, query: Pick<ServiceClient, 'get'>): Promise<SessionInfo | undefined> {
  const session = await query.get(`/v1/sessions/${sessionId}/basic-info`, {});
  if (session.outcome === 'refused') return undefined;
  if (!sessionChecker.Check(session.body)) throw unusable('the session does not match the schema');
  const event = await query.get(`/v1/events/${session.body.eventId}/basic-info`, {});
  if (event.outcome === 'refused') return undefined;
  if (!eventChecker.Check(event.body)) throw unusable('the event does not match the schema');
  return toInfo(sessionId, session.body, event.body.title);
}

function toInfo(sessionId: SessionId, session: Static<typeof SessionSchema>, title: string): SessionInfo {
  const { venueDetails: venue } = session;
  const startsAt = readInstant(session.startTime);
  if (startsAt === undefined) throw unusable('the session has no valid start time');
  return {
    sessionId,
    ...toPlace(session),
    title: cut(title),
    startsAt,
    endsAt: session.endTime ? readInstant(session.endTime) : undefined,
    venue: {
      name: cut(venue?.name ?? ''),
      address: venue?.address ? cut(venue.address) : undefined,
      onlineLink: venue?.onlineLink && venue.onlineLink.length <= MAX_LINK_CHARS ? venue.onlineLink : undefined,
    },
  };
}

/** The beginning of a long text, without half a character at its end. */
function cut(text: string): string {
  return text.length <= MAX_TEXT_CHARS ? text : text.slice(0, MAX_TEXT_CHARS).toWellFormed();
}

function unusable(why: string): AppError {
  return new AppError('seating_unavailable', 'The catalogue gave an answer that cannot be used. Try again shortly.', {
    cause: new Error(why),
  });
}
