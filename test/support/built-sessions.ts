import type { SessionInfo } from '../../src/features/catalogue/index.ts';
import { instant } from '../../src/kernel/clock.ts';
import { as } from '../../src/kernel/ids.ts';

/** A session as the catalogue describes it, except for `changes`. */
export function builtSession(changes: Partial<SessionInfo> = {}): SessionInfo {
  return {
    sessionId: as<SessionInfo['sessionId']>('session'),
    eventId: as<SessionInfo['eventId']>('event'),
    organizationId: as<SessionInfo['organizationId']>('organization'),
    title: 'Tides of Light',
    startsAt: instant(Date.parse('2026-12-15T19:30:00Z')),
    endsAt: instant(Date.parse('2026-12-15T22:00:00Z')),
    venue: { name: 'Harbour Hall', address: '1 Quay Street, Colombo', onlineLink: undefined },
    ...changes,
  };
}
