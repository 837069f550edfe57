import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrganizationId, SessionId } from '../../kernel/ids.ts';

/** What a ticket says of its session. */
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
    /** Where one goes for a session that is online. */
    readonly onlineLink: string | undefined;
  };
}

/** Port: the catalogue that pages read, too (contract section 9). */
export interface Catalogue {
  /** Undefined when there is no such session. Throws `seating_unavailable`. */
  session(sessionId: SessionId): Promise<SessionInfo | undefined>;
}
