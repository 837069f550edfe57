import { LRUCache } from 'lru-cache';
import type { SessionId, UserId } from '../../kernel/ids.ts';
import type { SeatingServices } from '../seats/index.ts';

/** Whether somebody scans for a session. Throws `seating_unavailable`. */
export type IsScanner = (sessionId: SessionId, userId: UserId) => Promise<boolean>;

/** How long somebody who was a scanner is let scan without asking again: the seating service hears of no second scan. */
const ROLE_MEMORY_MS = 30_000;
const MAX_ROLES = 10_000;

/** Asks the seating service and remembers a yes for a moment; a no is asked again each time. */
export function rememberScanners(seating: Pick<SeatingServices, 'isScanner'>): IsScanner {
  const roles = new LRUCache<string, true>({ max: MAX_ROLES, ttl: ROLE_MEMORY_MS });
  return async (sessionId, userId) => {
    const role = `${sessionId} ${userId}`;
    if (roles.has(role)) return true;
    if (!(await seating.isScanner(sessionId, userId))) return false;
    roles.set(role, true);
    return true;
  };
}

/** Asks about nobody twice, for as long as it is kept: a thousand scans of a stranger are one question. */
export function askOnce(isScanner: IsScanner): IsScanner {
  const asked = new Map<string, Promise<boolean>>();
  return (sessionId, userId) => {
    const role = `${sessionId} ${userId}`;
    const answer = asked.get(role) ?? isScanner(sessionId, userId);
    asked.set(role, answer);
    return answer;
  };
}
