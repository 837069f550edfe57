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

function seen({
  ticket = {},
  ...changes
}: Partial<Omit<TicketAtDoor, 'ticket'>> & { ticket?: Partial<Ticket> }) {
  const base = builtTicket('A1', { ticketId: scan.ticketId, sessionId: scan.sessionId, issuedAt: BEFORE });
  const none = { admission: undefined, leftAt: undefined, allowsReentry: false };
  return { orderStatus: 'completed' as const, ...none, ...changes, ticket: { ...base, ...ticket } };
}

const other = { ticket: { sessionId: as<Scan['sessionId']>('other') } };

describe('at the entry', () => {
  test.each([
    ['a good one', {}, undefined],
    ['one of a pending order', { orderStatus: 'pending' }, 'ticket_not_paid'],
    ['one of a cancelled order', { orderStatus: 'cancelled' }, 'ticket_cancelled'],
    ['a voided one', { ticket: VOID }, 'ticket_cancelled'],
    ['one let in before', INSIDE, 'already_checked_in'],
    ['one let in before and then voided', { ...INSIDE, ticket: VOID }, 'ticket_cancelled'],
    ['one that was scanned out before', { ...INSIDE, leftAt: AT }, undefined],
    ['one that was scanned out later', { ...INSIDE, leftAt: AFTER }, 'already_checked_in'],
    ['one sealed for another session', other, 'ticket_forged'],
  ] as const)('%s', (_name, changes, code) => {
    expect(refusalFor(seen(changes), scan, 'open')?.code).toBe(code);
  });

  test('of no ticket at all', () => {
    expect(refusalFor(undefined, scan, 'open')?.code).toBe('ticket_forged');
  });

  test('says when and where the first one was', () => {
    expect(refusalFor(seen(INSIDE), scan, 'open')).toMatchObject({ first: INSIDE.admission });
  });

  test('doors that are closed refuse what else is good, and nothing hides behind them', () => {
    expect(refusalFor(seen({}), scan, 'ticket_too_early')?.code).toBe('ticket_too_early');
    expect(refusalFor(seen({ ticket: VOID }), scan, 'ticket_too_late')?.code).toBe('ticket_cancelled');
  });
});

describe('at the exit', () => {
  const exit = { ...scan, direction: 'exit' } as const;
  test.each([
    ['somebody inside', { ...INSIDE, allowsReentry: true }, undefined],
    ['where nobody returns', INSIDE, 'reentry_not_allowed'],
    ['nobody', { allowsReentry: true }, 'not_checked_in'],
    ['somebody who left', { ...INSIDE, allowsReentry: true, leftAt: BEFORE }, 'not_checked_in'],
    [
      'somebody who came later',
      { admission: { ...INSIDE.admission, at: AFTER }, allowsReentry: true },
      'not_checked_in',
    ],
  ] as const)('%s', (_name, changes, code) => {
    expect(refusalFor(seen(changes), exit, 'ticket_too_late')?.code).toBe(code);
  });
});

describe('doors', () => {
  const times = { startsAt: instant(100), endsAt: instant(200) };
  const hours = { openMsBefore: 10, closeMsAfter: 20 };
  test.each([
    [89, 'ticket_too_early'],
    [90, 'open'],
    [220, 'open'],
    [221, 'ticket_too_late'],
  ] as const)('at %i', (now, doors) => {
    expect(doorsAt(instant(now), times, hours)).toBe(doors);
  });

  test('of a session nobody knows, without an end, or without hours are open', () => {
    expect(doorsAt(instant(0), undefined, hours)).toBe('open');
    expect(doorsAt(instant(999), { ...times, endsAt: undefined }, hours)).toBe('open');
    expect(doorsAt(instant(0), times, { openMsBefore: undefined, closeMsAfter: undefined })).toBe('open');
  });
});

test('a device is believed within bounds, and never about our future', () => {
  const now = instant(1_800_000_000_000);
  const claimed = (ms: number) => believableTime(instant(now + ms), now);
  expect(claimed(-1)).toBe(now - 1);
  expect(claimed(-MAX_SCAN_AGE_MS)).toBe(now - MAX_SCAN_AGE_MS);
  expect(claimed(-MAX_SCAN_AGE_MS - 1)).toBeUndefined();
  expect(claimed(MAX_CLOCK_AHEAD_MS)).toBe(now);
  expect(claimed(MAX_CLOCK_AHEAD_MS + 1)).toBeUndefined();
  expect(claimed(Number.NaN)).toBeUndefined();
});
