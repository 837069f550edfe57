import { randomUUID } from 'node:crypto';
import { toBuffer } from 'qrcode';
import { beforeAll, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { createOfflineScanner, type ScannerBundle } from '../../src/features/tickets/qr/scanner.ts';
import { instant } from '../../src/kernel/clock.ts';
import { offline } from '../support/door.ts';
import { earlierPicture, earlierText, REAL_ORDER, REAL_PICTURE, REAL_TICKET } from '../support/earlier-codes.ts';
import {
  type EarlierTicket,
  type EarlierTickets,
  type EarlierTicketWithPicture,
  earlierTicket,
  earlierTickets,
} from '../support/earlier-service.ts';
import { newAdmin, newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { startReplica } from '../support/races.ts';
import { reissue } from '../support/scripts.ts';
import { until } from '../support/servers.ts';
import type { TestApp } from '../support/test-app.ts';

const QR_KEY = Buffer.alloc(32, 7).toString('base64');
const NEW_KEY = Buffer.alloc(32, 8).toString('base64');
/** Longer than a few turns of the reader. */
const MANY = 60;

const sessionId = randomUUID();
const otherSessionId = randomUUID();
const reissuedSessionId = randomUUID();
const offlineSessionId = randomUUID();
const copiedTicketId = randomUUID();
const buyerId = randomUUID();

interface Sold extends EarlierTicketWithPicture {
  readonly text: string;
}

let earlier: EarlierTickets;
let platform: PlatformApp;
let replica: TestApp;
let scanner: Person;
let otherScanner: Person;
let buyer: Person;
let admin: Person;

/** A ticket of the earlier service with a picture of its text. */
async function soldBefore(given: Partial<EarlierTicket> = {}): Promise<Sold> {
  const ticket = earlierTicket(sessionId, given);
  const text = earlierText(ticket);
  return { ...ticket, text, picture: await earlierPicture(text) };
}

const sold: Record<string, Sold> = {};
const many: Sold[] = [];
const unreadable: EarlierTicketWithPicture[] = [];

function ticketOf(name: string): Sold {
  const ticket = sold[name];
  if (!ticket) throw new Error(`the earlier service sold no ${name}`);
  return ticket;
}

/** Pictures that hold no text of the earlier service. */
async function strangePictures(): Promise<Buffer[]> {
  const bomb = Buffer.from(await earlierPicture('A'));
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  const damaged = Buffer.from(REAL_PICTURE);
  damaged.fill(0, 200, 900);
  return [
    Buffer.alloc(0),
    Buffer.from('89504e47', 'hex'),
    Buffer.from('not a picture'),
    REAL_PICTURE.subarray(0, 600),
    damaged,
    bomb,
    await toBuffer('https://example.com/ticket/1'),
    await toBuffer(randomUUID()),
    Buffer.concat([REAL_PICTURE, Buffer.alloc(100_000)]),
  ];
}

beforeAll(async () => {
  earlier = await earlierTickets(buyerId, randomUUID());
  const real = { ...earlierTicket(sessionId, { ticketId: REAL_TICKET, orderId: REAL_ORDER }), picture: REAL_PICTURE };
  for (const picture of await strangePictures()) unreadable.push({ ...earlierTicket(sessionId), picture });
  const given: Record<string, Partial<EarlierTicket>> = {
    wrapped: {},
    unpadded: {},
    forged: {},
    pending: { orderStatus: 'pending' },
    cancelled: { orderStatus: 'cancelled' },
    used: { isCheckedIn: true },
    elsewhere: { sessionId: otherSessionId },
    reissued: { sessionId: reissuedSessionId },
    kept: {},
    shown: {},
    offline: {},
    offlineReissued: { sessionId: offlineSessionId },
    voided: {},
  };
  for (const [name, more] of Object.entries(given)) sold[name] = await soldBefore(more);
  for (let count = 0; count < MANY; count += 1) many.push(await soldBefore());
  // The same picture is stored for two tickets.
  const copied = { ...ticketOf('shown'), ...earlierTicket(sessionId, { ticketId: copiedTicketId }) };
  await earlier.insert([real, ...unreadable, ...Object.values(sold), ...many, copied]);

  platform = await startPlatformApp(env());
  replica = await startReplica(platform, env());
  [scanner, otherScanner, buyer, admin] = await Promise.all([
    newPerson(platform),
    newPerson(platform),
    newPerson(platform, { id: buyerId }),
    newAdmin(platform),
  ]);
  platform.seating.scanners.set(scanner.id, new Set([sessionId, reissuedSessionId, offlineSessionId]));
  platform.seating.scanners.set(otherScanner.id, new Set([otherSessionId]));
  await until('every picture was read', async () => (await countOf('waiting')) === 0, 60_000);
});

/** Nothing is compared with Stripe, because these orders were free. */
function env({ dsn } = earlier) {
  return { POSTGRES_DSN: dsn, QR_SECRET_KEY: QR_KEY, RECONCILE_DAYS: '0' };
}

async function countOf(state: string): Promise<number> {
  const [row] = await platform.app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM earlier_codes WHERE state = $1',
    [state],
  );
  return row?.count ?? 0;
}

const scan = (text: string, app = platform.app, more: Record<string, unknown> = {}, who = scanner) =>
  who.via({ app }).tries.checkIn(text, more);

const stateOf = async (ticketId: string) =>
  (
    await platform.app.sql(
      'SELECT checked_in, (SELECT count(*)::int FROM scans s WHERE s.ticket_id = t.ticket_id) AS scans FROM tickets t WHERE ticket_id = $1',
      [ticketId],
    )
  )[0];

async function bundleOf(session: string, since?: string): Promise<ScannerBundle> {
  const query = since === undefined ? '' : `?since=${since}`;
  const { status, body } = await scanner.call('GET', `/api/order/scan/sessions/${session}/bundle${query}`);
  expect(status).toBe(200);
  return body;
}

async function reissueIn(session: string) {
  const env = { POSTGRES_DSN: platform.app.dsn, QR_SECRET_KEY: NEW_KEY };
  const { tickets, err } = await reissue(env, ['--session', session]);
  expect(err).toContain('Codes that the earlier service sold for them are refused from now on.');
  return tickets;
}

/** The text with one bit of its bytes flipped, as anyone can flip it who has it. */
function flipped(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'base64url');
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('base64url') + '='.repeat((4 - (Math.ceil((bytes.length * 8) / 6) % 4)) % 4);
}

describe('legacy-qr: at the door', () => {
  test('it admits a code that the earlier service’s own code made, once', async () => {
    const text = await readQrCode(REAL_PICTURE);
    expect(await scan(text)).toMatchObject({
      status: 200,
      body: { outcome: 'admitted', seat: 'A12', tier: 'VIP', ticket: { ticket_id: REAL_TICKET, checked_in: true } },
    });
    expect(await scan(text, replica)).toMatchObject({
      status: 409,
      body: { code: 'already_checked_in', refusal: 'already_checked_in' },
    });
    const scans = await platform.app.sql(
      'SELECT direction, outcome, refusal, is_offline FROM scans WHERE ticket_id = $1 ORDER BY scan_id',
      [REAL_TICKET],
    );
    expect(scans).toEqual([
      { direction: 'entry', outcome: 'admitted', refusal: null, is_offline: false },
      { direction: 'entry', outcome: 'refused', refusal: 'already_checked_in', is_offline: false },
    ]);
  });

  test('it ignores blanks and line ends around the text, and missing padding', async () => {
    expect((await scan(` \t${ticketOf('wrapped').text}\r\n`)).status).toBe(200);
    const { text } = ticketOf('unpadded');
    expect((await scan(text.replace(/=+$/, ''))).status).toBe(200);
    expect((await scan(text)).body.code).toBe('already_checked_in');
  });

  test('it refuses a code with any bit flipped, and the same ticket encrypted again', async () => {
    const ticket = ticketOf('forged');
    expect(flipped(flipped(ticket.text, 9), 9)).toBe(ticket.text);
    const bits = Buffer.from(ticket.text, 'base64url').length * 8;
    for (let bit = 0; bit < bits; bit += 97) {
      expect(await scan(flipped(ticket.text, bit)), `bit ${bit}`).toMatchObject({
        status: 400,
        body: { code: 'ticket_forged', refusal: 'forged' },
      });
    }
    expect((await scan(earlierText(ticket))).body.code).toBe('ticket_forged');
    expect(await stateOf(ticket.ticketId)).toEqual({ checked_in: false, scans: 0 });
    expect((await scan(ticket.text)).status).toBe(200);
  });

  test.each([
    ['pending', 409, 'ticket_not_paid'],
    ['cancelled', 409, 'ticket_cancelled'],
    ['used', 409, 'already_checked_in'],
    ['elsewhere', 403, 'ticket_wrong_session'],
  ])('a ticket that is %s gets its usual refusal', async (name, status, code) => {
    expect(await scan(ticketOf(name).text)).toMatchObject({ status, body: { code } });
  });

  test('a ticket of another session is refused at this session’s door, and admitted by its own scanner', async () => {
    const { text } = ticketOf('elsewhere');
    const at = (door: string) => scan(text, platform.app, { session_id: door }, otherScanner);
    expect(await at(sessionId)).toMatchObject({ status: 403, body: { code: 'ticket_wrong_session' } });
    expect((await at(otherSessionId)).status).toBe(200);
  });

  test('a ticket that was voided since is refused', async () => {
    const { orderId, text } = ticketOf('voided');
    await admin.cancel(orderId);
    expect(await scan(text)).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
  });

  test('the holder gets our code, and the ticket is admitted once, by either of the two codes', async () => {
    const tickets = many.slice(0, 12);
    const winners = await Promise.all(
      tickets.map(async ({ ticketId, text }) => {
        const ours = await qrTextOf(await buyer.ticket(ticketId));
        expect(ours).not.toBe(text);
        const answers = await Promise.all([scan(text), scan(ours, replica), scan(text, replica), scan(ours)]);
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409]);
        expect(await stateOf(ticketId)).toEqual({ checked_in: true, scans: 4 });
        return answers.findIndex(({ status }) => status === 200);
      }),
    );
    expect(winners).toHaveLength(tickets.length);
  });

  test('a picture that two tickets share admits one person', async () => {
    const { text } = ticketOf('shown');
    expect((await scan(text)).status).toBe(200);
    expect((await scan(text)).body.code).toBe('already_checked_in');
  });
});

describe('legacy-qr: after a new code is issued', () => {
  test('it refuses the earlier code as superseded at its session’s door and as of another session elsewhere, and admits the new code', async () => {
    const { ticketId, text } = ticketOf('reissued');
    const written = await reissueIn(reissuedSessionId);
    const made = written.find((line) => line.ticket_id === ticketId);
    expect(await scan(text)).toMatchObject({ status: 409, body: { code: 'ticket_superseded', refusal: 'superseded' } });
    expect((await scan(text, platform.app, {}, otherScanner)).body.code).toBe('ticket_wrong_session');
    expect(await stateOf(ticketId)).toEqual({ checked_in: false, scans: 0 });
    const rotated = await startReplica(platform, { ...env(), QR_SECRET_KEY: NEW_KEY });
    expect((await scan(made.qr_text, rotated)).status).toBe(200);
    // Tickets of other sessions keep their codes.
    expect((await scan(ticketOf('kept').text)).status).toBe(200);
  });
});

describe('legacy-qr: reading the pictures', () => {
  test('it marks each picture as good or unreadable, and does not retry an unreadable one', async () => {
    const rows = await platform.app.sql<{ ticket_id: string; state: string; attempts: number }>(
      'SELECT ticket_id, state, attempts FROM earlier_codes',
    );
    const inState = (state: string) => rows.filter((row) => row.state === state).map((row) => row.ticket_id);
    const [copy, ...others] = inState('unreadable').filter((id) => !unreadable.some(({ ticketId }) => ticketId === id));
    expect(others).toEqual([]);
    expect([copiedTicketId, ticketOf('shown').ticketId]).toContain(copy);
    expect(inState('unreadable')).toHaveLength(unreadable.length + 1);
    expect(inState('good').length + inState('withdrawn').length).toBe(many.length + Object.keys(sold).length + 1);
    expect(rows.filter(({ attempts }) => attempts !== 1)).toEqual([]);
    expect(await platform.app.app.turn('earlierCodes')).toBe(false);
  });

  test('it logs the numbers once, without any ticket or text', async () => {
    const lines = platform.app.log.filter((line) => line.includes('QR codes of the earlier service'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        level: 40,
        good: many.length + Object.keys(sold).length + 1,
        unreadable: unreadable.length + 1,
        withdrawn: 0,
      }),
    ]);
    const all = platform.app.log.join('');
    for (const { ticketId } of unreadable) expect(all).not.toContain(ticketId);
    expect(all).not.toContain(ticketOf('kept').text.slice(0, 40));
  });
});

describe('legacy-qr: without a network', () => {
  const outcomeOf = async (scanning: Awaited<ReturnType<typeof createOfflineScanner>>, text: string) => {
    const verdict = await scanning.scan(text);
    return verdict.outcome === 'refused' ? verdict.refusal : verdict.outcome;
  };

  test('a scanner admits once by the bundle, refuses a flipped bit, and its upload is accepted', async () => {
    const { ticketId, text } = ticketOf('offline');
    const device = await createOfflineScanner(await bundleOf(sessionId));
    expect(await outcomeOf(device, flipped(text, 300))).toBe('forged');
    expect(await outcomeOf(device, ticketOf('elsewhere').text)).toBe('forged');
    expect(await outcomeOf(device, `${text}\r\n`)).toBe('admitted');
    expect(await outcomeOf(device, text)).toBe('already_checked_in');
    const upload = () =>
      scanner.call('POST', '/api/order/scan/batch', {
        scans: [0, 1].map((at) => offline({ qrText: text }, `device-${at}`, { nonce: `offline-${at}` })),
      });
    const results = (await upload()).body.results.map(({ outcome }: { outcome: string }) => outcome);
    expect(results.toSorted()).toEqual(['admitted', 'conflict']);
    expect(await stateOf(ticketId)).toEqual({ checked_in: true, scans: 2 });
  });

  test('a withdrawn code leaves the bundle with the next changes, and its ticket stays', async () => {
    const { ticketId, text } = ticketOf('offlineReissued');
    const bundle = await bundleOf(offlineSessionId);
    const device = await createOfflineScanner(bundle);
    await reissueIn(offlineSessionId);
    const changes = await bundleOf(offlineSessionId, bundle.version);
    expect(changes.is_complete).toBe(false);
    expect(changes.tickets).toEqual([[ticketId, 'A12', 'VIP', 'valid']]);
    await device.update(changes);
    expect(await outcomeOf(device, text)).toBe('forged');
    expect((await bundleOf(offlineSessionId)).tickets).toEqual([[ticketId, 'A12', 'VIP', 'valid']]);
  });
});

describe('legacy-qr: several replicas and a crashed process', () => {
  test('two replicas read each picture once between them, and one of them logs the numbers', async () => {
    const own = await earlierTickets(buyerId, randomUUID());
    await own.insert(await Promise.all(Array.from({ length: MANY }, () => soldBefore())));
    const replicas = await Promise.all([1, 2].map(() => startReplica(platform, env(own))));
    const { log } = replicas[0] ?? platform.app;
    expect(log.filter((line) => line.includes('QR codes of the earlier service'))).toEqual([]);
    const work = async ({ app }: TestApp) => {
      while (await app.turn('earlierCodes'));
    };
    await Promise.all(replicas.map(work));
    await Promise.all(replicas.map(work));
    const rows = await replicas[0]?.sql('SELECT DISTINCT state, attempts FROM earlier_codes');
    expect(rows).toEqual([{ state: 'good', attempts: 1 }]);
    const lines = replicas.flatMap((each) => each.log).filter((line) => line.includes('QR codes of the earlier'));
    expect(lines).toHaveLength(1);
  });

  test('it leaves a picture to its reader for a minute, then reads it alone, and stops after three attempts', async () => {
    const own = await earlierTickets(buyerId, randomUUID());
    const tickets = await Promise.all(Array.from({ length: 3 }, () => soldBefore()));
    const texts = tickets.map(({ text }) => text);
    await own.insert(tickets);
    let now = Date.now();
    const app = await startReplica(platform, env(own), { clock: { now: () => instant(now) } });
    // The state that three crashed processes leave: the last one crashed on a picture that had crashed two others.
    const attempts = [3, 1, 1];
    for (const [at, { ticketId }] of tickets.entries()) {
      await app.sql('UPDATE earlier_codes SET attempts = $2, claimed_until = $3 WHERE ticket_id = $1', [
        ticketId,
        attempts[at],
        new Date(now + 60_000),
      ]);
    }
    expect(await app.app.turn('earlierCodes')).toBe(false);
    expect(await scan(texts[1] ?? '', app)).toMatchObject({
      status: 400,
      body: { code: 'ticket_forged', message: expect.stringContaining('still being read') },
    });
    now += 60_000;
    while (await app.app.turn('earlierCodes'));
    const rows = await app.sql<{ ticket_id: string; state: string; attempts: number }>(
      'SELECT ticket_id, state, attempts FROM earlier_codes',
    );
    const of = (at: number) => rows.find(({ ticket_id }) => ticket_id === tickets[at]?.ticketId);
    expect(of(0)).toMatchObject({ state: 'unreadable', attempts: 4 });
    expect(of(1)).toMatchObject({ state: 'good', attempts: 2 });
    expect(of(2)).toMatchObject({ state: 'good', attempts: 2 });
    expect((await scan(texts[1] ?? '', app)).status).toBe(200);
    expect(await scan(texts[0] ?? '', app)).toMatchObject({
      status: 400,
      body: { code: 'ticket_forged', message: expect.stringContaining('not one of our QR codes') },
    });
  });
});
