import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SessionInfo } from '../../../src/features/catalogue/index.ts';
import { contentOf, toCalendar } from '../../../src/features/paper/calendar.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { completedOrder } from '../../support/built-orders.ts';
import { builtSession } from '../../support/built-sessions.ts';
import { faultsByLibical, HAS_LIBICAL } from '../../support/libical.ts';

const NOW = instant(Date.parse('2026-11-24T12:00:00Z'));
const SESSION = builtSession();
const LINK = 'https://talk.example/1?a=1,2;b#x';

const fileOf = (changes: Partial<SessionInfo> = {}, revision = 1) =>
  toCalendar(completedOrder(), { ...SESSION, ...changes }, revision, NOW);

/** The lines of the file, with folded ones joined again (RFC 5545, 3.1). */
const linesOf = (file: string) => file.replaceAll('\r\n ', '').split('\r\n');

const SESSIONS: [string, Partial<SessionInfo>][] = [
  ['a session with all its facts', { venue: { ...SESSION.venue, onlineLink: LINK } }],
  ['one without an end', { endsAt: undefined }],
  ['one that ends before it starts', { endsAt: instant(0) }],
  ['one without a place', { venue: { name: '', address: undefined, onlineLink: undefined } }],
  ['one with a link that is no web address', { venue: { ...SESSION.venue, onlineLink: 'javascript:alert(1)' } }],
  ['one whose names are calendar syntax', { title: 'A;b,\\\r\nMETHOD:REQUEST\r\nEND:VEVENT "c"\u0000' }],
  ['one with a long name', { title: 'Ω'.repeat(500) }],
];

describe.each(SESSIONS)('ics-method: the file of %s', (_name, changes) => {
  test('it is no message: it has no METHOD and what a message alone may or must have', () => {
    const names = linesOf(fileOf(changes)).map((line) => line.split(/[:;]/)[0]);
    for (const name of ['METHOD', 'ORGANIZER', 'ATTENDEE', 'REQUEST-STATUS']) expect(names).not.toContain(name);
  });

  test('it has what RFC 5545 requires once, in order', () => {
    const lines = linesOf(fileOf(changes));
    const count = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).length;
    for (const name of ['PRODID', 'VERSION', 'UID', 'DTSTAMP', 'DTSTART', 'SEQUENCE', 'SUMMARY', 'STATUS']) {
      expect(count(name), name).toBe(1);
    }
    expect(lines.slice(0, 2)).toEqual(['BEGIN:VCALENDAR', 'VERSION:2.0']);
    expect(lines.slice(-3)).toEqual(['END:VEVENT', 'END:VCALENDAR', '']);
  });

  test.runIf(HAS_LIBICAL)('libical finds no fault in it', () => {
    expect(faultsByLibical(fileOf(changes))).toBe(0);
  });
});

test.runIf(HAS_LIBICAL)('ics-method: libical finds the fault of a message without an organiser', () => {
  const message = fileOf().replace('BEGIN:VEVENT', 'METHOD:PUBLISH\r\nBEGIN:VEVENT');
  expect(faultsByLibical(message)).toBeGreaterThan(0);
});

describe('ics-online: the file of a session', () => {
  test('it has both the name and the link of an online session', () => {
    const lines = linesOf(fileOf({ venue: { name: 'Online', address: undefined, onlineLink: LINK } }));
    expect(lines).toContain('LOCATION:Online\\, https://talk.example/1?a=1\\,2\\;b#x');
    expect(lines).toContain('URL;VALUE=URI:https://talk.example/1?a=1%2C2%3Bb#x');
  });

  test('it has name, address and link of a session in both places', () => {
    const lines = linesOf(fileOf({ venue: { ...SESSION.venue, onlineLink: 'https://talk.example/1' } }));
    expect(lines).toContain('LOCATION:Harbour Hall\\, 1 Quay Street\\, Colombo\\, https://talk.example/1');
  });

  test('it offers no link that is not a web address', () => {
    const lines = linesOf(fileOf({ venue: { ...SESSION.venue, onlineLink: 'javascript:alert(1)' } }));
    expect(lines.filter((line) => line.startsWith('URL'))).toEqual([]);
  });
});

test('time-zone-of-machine: the file is the same in every zone of the machine', () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  const files = ['UTC', 'Asia/Colombo', 'America/St_Johns'].map((zone) => {
    vi.stubEnv('TZ', zone);
    return fileOf();
  });
  expect(new Set(files).size).toBe(1);
  expect(files[0]).toContain('DTSTART:20261215T193000Z');
});

test.each<[string, Partial<SessionInfo>]>([
  ['title', { title: 'Tides' }],
  ['start', { startsAt: instant(0) }],
  ['end', { endsAt: undefined }],
  ['venue', { venue: { ...SESSION.venue, name: 'Town Hall' } }],
  ['address', { venue: { ...SESSION.venue, address: undefined } }],
  ['link', { venue: { ...SESSION.venue, onlineLink: LINK } }],
])('ics-sequence: another %s is another content', (_name, changes) => {
  expect(contentOf({ ...SESSION, ...changes })).not.toBe(contentOf(SESSION));
  expect(linesOf(fileOf(changes, 7))).toContain('SEQUENCE:7');
});
