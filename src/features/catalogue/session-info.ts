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
    /** The address of a session that is online. */
    readonly onlineLink: string | undefined;
  };
}
