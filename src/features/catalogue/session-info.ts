import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrganizationId, SessionId } from '../../kernel/ids.ts';

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
