import { describe, expect, test } from 'vitest';
import {
  believableTime,
  doorsAt,
  MAX_CLOCK_AHEAD_MS,
  MAX_SCAN_AGE_MS,
  refusalFor,
  type Scan,
  type TicketAtDoor,
} from '../../../src/features/door/scan.ts';
import type { Ticket } from '../../../src/features/tickets/ticket.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { builtTicket } from '../../support/built-orders.ts';

const AT = instant(50);
const BEFORE = instant(40);
const AFTER = instant(60);
const VOID = { voidedAt: BEFORE };
const INSIDE = { admission: { at: BEFORE, gate: 'North', deviceId: undefined } };

const scan: Scan = {
  ticketId: as<Scan['ticketId']>('ticket'),
  sessionId: as<Scan['sessionId']>('session'),
  direction: 'entry',
  at: AT,
  receivedAt: AT,
  isOffline: false,
  by: as<Scan['by']>('scanner'),
  gate: undefined,
  deviceId: undefined,
  nonce: undefined,
};

function seen({ ticket = {}, ...changes }: Partial<Omit<TicketAtDoor, 'ticket'>> & { ticket?: Partial<Ticket> }) {
  const base = builtTicket('A1', { ticketId: scan.ticketId, sessionId: scan.sessionId, issuedAt: BEFORE });
  const none = { admission: undefined, leftAt: undefined, allowsReentry: false };
  return { orderStatus: 'completed' as const, ...none, ...changes, ticket: { ...base, ...ticket } };
}

const other = { ticket: { sessionId: as<Scan['sessionId']>('other') } };

describe('a scan at the entry', () => {
  test.each([
    ['it admits a good ticket', {}, undefined],
    ['it refuses a ticket of a pending order', { orderStatus: 'pending' }, 'ticket_not_paid'],
    ['it refuses a ticket of a cancelled order', { orderStatus: 'cancelled' }, 'ticket_cancelled'],
    ['it refuses a voided ticket', { ticket: VOID }, 'ticket_cancelled'],
    ['it refuses a ticket that is already checked in', INSIDE, 'already_checked_in'],
    [
      'it refuses as cancelled a ticket that was checked in and then voided',
      { ...INSIDE, ticket: VOID },
      'ticket_cancelled',
    ],
    ['it admits a ticket that was scanned out before', { ...INSIDE, leftAt: AT }, undefined],
    ['it refuses a ticket that was scanned out only later', { ...INSIDE, leftAt: AFTER }, 'already_checked_in'],
    ['it refuses a ticket that is sealed for another session', other, 'ticket_forged'],
  ] as const)('%s', (_name, changes, code) => {
    expect(refusalFor(seen(changes), scan, 'open')?.code).toBe(code);
  });

  test('it refuses a code without a ticket', () => {
    expect(refusalFor(undefined, scan, 'open')?.code).toBe('ticket_forged');
  });

  test('it names the time and place of the first check-in', () => {
    expect(refusalFor(seen(INSIDE), scan, 'open')).toMatchObject({ first: INSIDE.admission });
  });

  test('it refuses a good ticket while the doors are closed, and names a ticket’s own fault first', () => {
    expect(refusalFor(seen({}), scan, 'ticket_too_early')?.code).toBe('ticket_too_early');
    expect(refusalFor(seen({ ticket: VOID }), scan, 'ticket_too_late')?.code).toBe('ticket_cancelled');
  });
});

describe('a scan at the exit', () => {
  const exit = { ...scan, direction: 'exit' } as const;
  test.each([
    ['it lets out a ticket holder who is inside', { ...INSIDE, allowsReentry: true }, undefined],
    ['it refuses an exit where re-entry is not allowed', INSIDE, 'reentry_not_allowed'],
    ['it refuses a ticket that never entered', { allowsReentry: true }, 'not_checked_in'],
    ['it refuses a ticket that already left', { ...INSIDE, allowsReentry: true, leftAt: BEFORE }, 'not_checked_in'],
    [
      'it refuses a ticket that entered only later',
      { admission: { ...INSIDE.admission, at: AFTER }, allowsReentry: true },
      'not_checked_in',
    ],
  ] as const)('%s', (_name, changes, code) => {
    expect(refusalFor(seen(changes), exit, 'ticket_too_late')?.code).toBe(code);
  });
});

describe('the doors of a session', () => {
  const times = { startsAt: instant(100), endsAt: instant(200) };
  const hours = { openMsBefore: 10, closeMsAfter: 20 };
  test.each([
    [89, 'ticket_too_early'],
    [90, 'open'],
    [220, 'open'],
    [221, 'ticket_too_late'],
  ] as const)('at %i ms they are %s', (now, doors) => {
    expect(doorsAt(instant(now), times, hours)).toBe(doors);
  });

  test('they are open when the session is unknown, has no end, or has no opening hours', () => {
    expect(doorsAt(instant(0), undefined, hours)).toBe('open');
    expect(doorsAt(instant(999), { ...times, endsAt: undefined }, hours)).toBe('open');
    expect(doorsAt(instant(0), times, { openMsBefore: undefined, closeMsAfter: undefined })).toBe('open');
  });
});

test('the time that a device claims is believed within bounds, and never in the future', () => {
  const now = instant(1_800_000_000_000);
  const claimed = (ms: number) => believableTime(instant(now + ms), now);
  expect(claimed(-1)).toBe(now - 1);
  expect(claimed(-MAX_SCAN_AGE_MS)).toBe(now - MAX_SCAN_AGE_MS);
  expect(claimed(-MAX_SCAN_AGE_MS - 1)).toBeUndefined();
  expect(claimed(MAX_CLOCK_AHEAD_MS)).toBe(now);
  expect(claimed(MAX_CLOCK_AHEAD_MS + 1)).toBeUndefined();
  expect(claimed(Number.NaN)).toBeUndefined();
});
