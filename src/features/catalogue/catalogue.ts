import { LRUCache } from 'lru-cache';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Instant, instant, MS_PER_MINUTE } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type EventId, type OrganizationId, type SessionId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import type { ServiceClient } from '../../platform/http/service-client.ts';

const optionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const SessionSchema = Type.Object({
  eventId: Type.String({ format: 'uuid' }),
  organizationId: Type.String({ format: 'uuid' }),
  startTime: Type.String(),
  endTime: optionalText,
  venueDetails: Type.Optional(
    Type.Union([Type.Object({ name: optionalText, address: optionalText, onlineLink: optionalText }), Type.Null()]),
  ),
});
const sessionChecker = Compile(SessionSchema);
const eventChecker = Compile(Type.Object({ title: Type.String() }));

const MAX_SESSIONS = 1_000;
/** A changed session is used after this long. */
const FRESH_MS = MS_PER_MINUTE;

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

/** The event catalogue, which pages read as well (contract section 9). */
export interface Catalogue {
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
  const sessions = new LRUCache<SessionId, SessionInfo>({
    max: MAX_SESSIONS,
    ttl: FRESH_MS,
    ttlResolution: 0,
    perf: clock,
    fetchMethod: (sessionId, known) =>
      fetchSession(sessionId, eventQuery).catch((error: unknown) => {
        if (known) return known;
        throw error;
      }),
  });
  return watch('catalogue', { session: (sessionId) => sessions.fetch(sessionId) });
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
  const startsAt = readTime(session.startTime);
  if (startsAt === undefined) throw unusable('the session has no valid start time');
  return {
    sessionId,
    eventId: as<EventId>(session.eventId.toLowerCase()),
    organizationId: as<OrganizationId>(session.organizationId.toLowerCase()),
    title,
    startsAt,
    endsAt: session.endTime ? readTime(session.endTime) : undefined,
    venue: {
      name: venue?.name ?? '',
      address: venue?.address ?? undefined,
      onlineLink: venue?.onlineLink ?? undefined,
    },
  };
}

function readTime(text: string): Instant | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : instant(ms);
}

function unusable(why: string): AppError {
  return new AppError('seating_unavailable', 'The catalogue gave an answer that cannot be used. Try again shortly.', {
    cause: new Error(why),
  });
}
