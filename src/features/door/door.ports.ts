import type { Instant } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';

/** When a session takes place. */
export interface SessionTimes {
  readonly startsAt: Instant;
  /** Undefined: nobody says. */
  readonly endsAt: Instant | undefined;
}

/** Port: the catalogue's word about a session; undefined when it has none. Rejects when the catalogue is away. */
export type AskTimes = (sessionId: SessionId) => Promise<SessionTimes | undefined>;
