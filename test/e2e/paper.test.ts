import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codesIn, type FoundCode, PIXELS_PER_CM, type Picture, printed, renderPages } from '../support/pdf-pages.ts';
import { onSaleAt, type People, type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';

let platform: PlatformApp;
let all: People;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp({ TIME_ZONE: 'Asia/Colombo' });
  all = await people(platform);
  buyer = all.buyer;
});

beforeEach(() => {
  platform.seating.isUnavailable = false;
});

/** A file of the API, as bytes. */
async function download(path: string, token = buyer.token) {
  const response = await fetch(platform.app.url + path, { headers: { authorization: `Bearer ${token}` } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  const body = type.includes('json') ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
  return { status: response.status, headers: response.headers, bytes, body };
}

/** A completed order of the buyer, for a session of its own when the session matters. */
async function sold(seats: number, session: Record<string, unknown> = {}) {
  const isOwn = Object.keys(session).length > 0;
  const [sessionId, eventId] = isOwn ? [randomUUID(), randomUUID()] : [platform.sessionId, platform.eventId];
  const known = platform.seating.sessions.get(platform.sessionId);
  if (isOwn) platform.seating.sessions.set(sessionId, { title: 'x', ...known, id: sessionId, eventId, ...session });
  const onSale = onSaleAt({ event_id: eventId, session_id: sessionId, organization_id: platform.organizationId });
  const seatIds = Array.from({ length: seats }, () => randomUUID());
  const { orderId } = await buyer.via({ onSale }).buy(seatIds);
  return { orderId, sessionId, tickets: await buyer.tickets(orderId) };
}

async function pagesOf(path: string, token = buyer.token) {
  const { status, headers, bytes } = await download(path, token);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/pdf');
  return renderPages(bytes);
}

/** The quiet zone around a code, in its modules, on its narrowest side. */
function quietSquares(picture: Picture, { left, top, side }: FoundCode, squares: number): number {
  const square = side / squares;
  const isWhite = (x: number, y: number) =>
    (picture.data[(Math.round(y) * picture.width + Math.round(x)) * 4] ?? 0) > 250;
  let quiet = 0;
  for (let ring = 0.5; ring < 6; ring += 1) {
    const offset = ring * square;
    const along = Array.from({ length: squares }, (_, at) => (at + 0.5) * square);
    const points = along.flatMap((at): [number, number][] => [
      [left + at, top - offset],
      [left + at, top + side + offset],
      [left - offset, top + at],
      [left + side + offset, top + at],
    ]);
    if (!points.every(([x, y]) => isWhite(x, y))) break;
    quiet += 1;
  }
  return quiet;
}

describe('the tickets of an order as a PDF', () => {
  test('have a page for each ticket, with event, place, time with its zone, seat and tier', async () => {
    const { orderId, tickets } = await sold(3);
    const pages = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    expect(pages).toHaveLength(3);
    for (const [at, { text }] of pages.entries()) {
      for (const words of [
        'Tides of Light',
        'Wednesday 16 December 2026, 01:00 (Asia/Colombo, GMT+05:30)',
        'Harbour Hall',
        '1 Quay Street, Colombo',
        tickets[at]?.seat_label,
        'VIP',
        tickets[at]?.ticket_id,
        orderId,
      ]) {
        expect(text).toContain(words);
      }
    }
  });

  test('have the QR codes of the tickets, readable in colour, in grey, and in black and white', async () => {
    const { orderId, tickets } = await sold(2);
    const expected = await Promise.all(tickets.map(qrTextOf));
    const pages = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    for (const print of [
      (picture: Picture) => picture,
      (picture: Picture) => printed(picture, false),
      (picture: Picture) => printed(picture, true),
    ]) {
      const read = await Promise.all(pages.map(async ({ picture }) => codesIn(print(picture))));
      expect(read.map((codes) => codes.map(({ text }) => text))).toEqual(expected.map((text) => [text]));
    }
  });

  test('are black on white, with large codes and their quiet zones', async () => {
    const { orderId } = await sold(1);
    const [page] = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    const { picture } = page ?? { picture: { data: new Uint8ClampedArray(), width: 0, height: 0 } };
    let coloured = 0;
    for (let at = 0; at < picture.data.length; at += 4) {
      if (picture.data[at] !== picture.data[at + 1] || picture.data[at] !== picture.data[at + 2]) coloured += 1;
    }
    expect({ coloured, ...{ width: picture.width / PIXELS_PER_CM } }).toEqual({
      coloured: 0,
      width: expect.closeTo(21, 0),
    });
    const [code] = await codesIn(picture);
    expect((code?.side ?? 0) / PIXELS_PER_CM).toBeGreaterThan(4);
    const { create } = await import('qrcode');
    const { size } = create([{ data: code?.text ?? '', mode: 'alphanumeric' }], { errorCorrectionLevel: 'M' }).modules;
    expect(code && quietSquares(picture, code, size)).toBeGreaterThanOrEqual(4);
  });

  test('leave out voided tickets', async () => {
    const { orderId, tickets } = await sold(2);
    const [voided, kept] = tickets;
    await all.organiser.void(String(voided?.ticket_id));
    const pages = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    expect(pages.map(({ text }) => text)).toEqual([expect.stringContaining(kept?.ticket_id ?? '')]);
    expect(await download(`/api/order/ticket/${voided?.ticket_id}.pdf`)).toMatchObject({
      status: 409,
      body: { code: 'ticket_cancelled' },
    });
  });

  test('are cached nowhere', async () => {
    const { orderId } = await sold(1);
    const { headers } = await download(`/api/order/${orderId}/tickets.pdf`);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(headers.get('content-disposition')).toBe(`inline; filename="tickets-${orderId}.pdf"`);
  });
});

describe('one ticket as a PDF', () => {
  test('is for its holder and the organiser, and not for a scanner', async () => {
    const { tickets } = await sold(2);
    const path = `/api/order/ticket/${tickets[0]?.ticket_id}.pdf`;
    for (const { token } of [buyer, all.organiser]) expect(await pagesOf(path, token)).toHaveLength(1);
    expect(await download(path, all.scanner.token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('printing is refused', () => {
  test('for an order that is not paid', async () => {
    const orderId = await buyer.place();
    const [ticket] = await buyer.tickets(orderId);
    for (const path of [`${orderId}/tickets.pdf`, `${orderId}/tickets.ics`, `ticket/${ticket?.ticket_id}.pdf`]) {
      expect(await download(`/api/order/${path}`)).toMatchObject({ status: 409, body: { code: 'ticket_not_paid' } });
    }
  });

  test('for an order that was cancelled', async () => {
    const { orderId, tickets } = await sold(1);
    await all.admin.cancel(orderId);
    for (const path of [`${orderId}/tickets.pdf`, `${orderId}/tickets.ics`, `ticket/${tickets[0]?.ticket_id}.pdf`]) {
      expect(await download(`/api/order/${path}`)).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
    }
  });

  test.each([`${randomUUID()}/tickets.pdf`, `${randomUUID()}/tickets.ics`, `ticket/${randomUUID()}.pdf`])(
    'for an unknown id: %s',
    async (path) => expect((await download(`/api/order/${path}`)).status).toBe(404),
  );

  test.each(['x/tickets.pdf', 'ticket/x.pdf', 'ticket/.pdf'])('for an invalid id: %s', async (path) => {
    expect([400, 404]).toContain((await download(`/api/order/${path}`)).status);
  });
});

describe('names', () => {
  test.each<[string, string, string]>([
    ['Sinhala and Tamil', 'ආලෝකයේ රළ', 'ஒளியின் அலைகள்'],
    ['Arabic and Hebrew', 'مسرح الميناء', 'קולנוע 12'],
    ['Devanagari and Cyrillic', 'क्षत्रिय श्री', 'Ночь в опере'],
    ['Chinese and Korean', '東京都渋谷区', '한국어'],
    ['emoji and signs that are no letters', 'Party 🎉👨‍👩‍👧 ☎', '∑ ✓ ½'],
    ['characters that are invalid', 'a\u0000b\u0007c\ud800d\ufffe', '\u202eevil\u2066'],
    ['a name without an end', 'long '.repeat(2_000), 'x'.repeat(5_000)],
  ])('in %s leave the ticket readable', async (_name, title, venue) => {
    const { orderId } = await sold(1, { title, venueDetails: { name: venue, address: null } });
    const [page] = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    expect(page?.text).toContain(orderId);
    expect(page && (await codesIn(page.picture))).toHaveLength(1);
  });

  test('in Latin, Greek and Cyrillic can be copied from the page', async () => {
    const { orderId } = await sold(1, { title: 'Ωμέγα Ночь Déjà vu' });
    const [page] = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    expect(page?.text).toContain('Ωμέγα Ночь Déjà vu');
  });
});

describe('the catalogue', () => {
  const callsFor = (sessionId: string) =>
    platform.seating.calls.filter(({ path }) => path === `/query/v1/sessions/${sessionId}/basic-info`).length;

  test('is asked once by many concurrent prints', async () => {
    const { orderId, sessionId } = await sold(1, { title: 'Once' });
    // Placing the order asked for the session's event and organisation.
    const before = callsFor(sessionId);
    const answers = await Promise.all(Array.from({ length: 10 }, () => download(`/api/order/${orderId}/tickets.pdf`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(callsFor(sessionId)).toBe(before + 1);
    platform.seating.isUnavailable = true;
    expect((await download(`/api/order/${orderId}/tickets.pdf`)).status).toBe(200);
  });

  test('is reported as unavailable when the session is not cached yet', async () => {
    const { orderId } = await sold(1, { title: 'Away' });
    platform.seating.isUnavailable = true;
    const answer = await download(`/api/order/${orderId}/tickets.pdf`);
    expect(answer).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('is reported as unavailable when its answer makes no sense', async () => {
    const { orderId } = await sold(1, { title: 'Odd', startTime: 'tomorrow' });
    expect(await download(`/api/order/${orderId}/tickets.pdf`)).toMatchObject({
      status: 503,
      body: { code: 'seating_unavailable' },
    });
  });

  test('may have dropped the session, and the ticket still has the code that admits', async () => {
    const { orderId, sessionId, tickets } = await sold(1, { title: 'Gone' });
    platform.seating.sessions.delete(sessionId);
    const [page] = await pagesOf(`/api/order/${orderId}/tickets.pdf`);
    expect(page?.text).toContain(tickets[0]?.seat_label);
    expect(page && (await codesIn(page.picture))).toHaveLength(1);
    expect(await download(`/api/order/${orderId}/tickets.ics`)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  });
});

describe('the calendar file', () => {
  /** Its lines, with folded ones joined again (RFC 5545, 3.1). */
  async function linesOf(orderId: string): Promise<string[]> {
    const { status, headers, bytes } = await download(`/api/order/${orderId}/tickets.ics`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/calendar; charset=utf-8']);
    const text = new TextDecoder().decode(bytes);
    for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    return text.replaceAll('\r\n ', '').split('\r\n');
  }

  test('has the session of the order, in UTC', async () => {
    const { orderId, tickets } = await sold(2);
    const lines = await linesOf(orderId);
    expect(lines[0]).toBe('BEGIN:VCALENDAR');
    // The last line ends with a line break, too.
    expect(lines.slice(-2)).toEqual(['END:VCALENDAR', '']);
    expect(lines).toEqual(
      expect.arrayContaining([
        'VERSION:2.0',
        'SEQUENCE:1',
        `UID:order-${orderId}@ms-ticketing`,
        expect.stringMatching(/^DTSTAMP:\d{8}T\d{6}Z$/),
        'DTSTART:20261215T193000Z',
        'DTEND:20261215T220000Z',
        'SUMMARY:Tides of Light',
        'LOCATION:Harbour Hall\\, 1 Quay Street\\, Colombo',
        'STATUS:CONFIRMED',
        `DESCRIPTION:Seats: ${tickets[0]?.seat_label} (VIP)\\, ${tickets[1]?.seat_label} (VIP)\\nOrder ${orderId}`,
      ]),
    );
  });

  test('treats a name as text and never as calendar syntax', async () => {
    const title = 'Night; of, \\ "wonders"\r\nEND:VEVENT\r\nBEGIN:VALARM';
    const { orderId } = await sold(1, { title });
    const lines = await linesOf(orderId);
    expect(lines.filter((line) => line === 'END:VEVENT')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('BEGIN:'))).toEqual(['BEGIN:VCALENDAR', 'BEGIN:VEVENT']);
    expect(lines.find((line) => line.startsWith('SUMMARY:'))).toMatch(
      /^SUMMARY:Night\\; of\\, \\\\ "wonders"\\nEND:VEVENT/,
    );
  });

  test('has no control characters, and starts with the session, also when its end is before its start', async () => {
    const { orderId } = await sold(1, { title: 'A\u0000\u0007\u0085B', endTime: '2026-12-14T00:00:00Z' });
    const lines = await linesOf(orderId);
    expect(lines).toEqual(expect.arrayContaining(['SUMMARY:AB', 'DTSTART:20261215T193000Z']));
    expect(lines.filter((line) => line.startsWith('DTEND'))).toEqual([]);
  });

  test('has no end for a session without one, and the link for a session online', async () => {
    const { orderId } = await sold(1, {
      title: 'Talk',
      endTime: null,
      venueDetails: { name: '', onlineLink: 'https://talk.example/1' },
    });
    const lines = await linesOf(orderId);
    expect(lines.filter((line) => line.startsWith('DTEND'))).toEqual([]);
    expect(lines).toContain('LOCATION:https://talk.example/1');
  });
});
