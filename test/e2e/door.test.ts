import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeBase45, encodeBase45 } from '../../src/features/tickets/qr/base45.ts';
import { createTicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { atEnd } from '../support/at-end.ts';
import { type Door, openDoor, QR_KEY } from '../support/door.ts';
import { startReplica } from '../support/races.ts';
import { close, listen } from '../support/servers.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
});

async function scansAndInside() {
  const [row] = await door.app.sql(
    'SELECT (SELECT count(*)::int FROM scans) AS scans, (SELECT count(*)::int FROM tickets WHERE checked_in) AS inside',
  );
  return row;
}

describe('a scan', () => {
  test('is answered with seat, tier and note, and recorded with its gate and device', async () => {
    const { ticketId, qrText, seatId } = await door.sellOne();
    await door.app.sql("UPDATE tickets SET holder_note = 'Comes with a wheelchair' WHERE ticket_id = $1", [ticketId]);
    const { status, body } = await door.scan(qrText, { gate: 'North', device_id: 's-1' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        outcome: 'admitted',
        seat: `L-${seatId.slice(0, 4)}`,
        tier: 'VIP',
        note: 'Comes with a wheelchair',
        ticket: { ticket_id: ticketId, checked_in: true, note: 'Comes with a wheelchair' },
      },
    });
    expect(await door.history(ticketId)).toMatchObject([
      { direction: 'entry', outcome: 'admitted', gate: 'North', device_id: 's-1', is_offline: false },
    ]);
    const [scan] = await door.history(ticketId);
    expect(scan?.scanned_at).toEqual(new Date(body.ticket.checked_in_time));
  });

  test('of a used ticket is refused with when and where it was used, in words for a screen', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const first = await door.scan(qrText, { gate: 'North' });
    const { status, body } = await door.scan(qrText, { gate: 'South' }, door.otherScanner);
    const { checked_in_time: at } = first.body.ticket;
    expect({ status, body }).toMatchObject({
      status: 409,
      body: {
        code: 'already_checked_in',
        refusal: 'already_checked_in',
        checked_in_time: at,
        checked_in_gate: 'North',
        message: `Already checked in at ${at}, gate North. Do not admit again.`,
      },
    });
    expect(await door.history(ticketId)).toMatchObject([
      { outcome: 'admitted' },
      { outcome: 'refused', refusal: 'already_checked_in', gate: 'South', first_gate: 'North' },
    ]);
  });

  test.each([
    ['of a cancelled order', 'ticket_cancelled', 'cancelled', 409],
    ['of a pending order', 'ticket_not_paid', 'not_paid', 409],
  ] as const)('%s is refused', async (_name, code, refusal, status) => {
    const { orderId, ticketId, qrText } = await door.sellOne();
    const was = code === 'ticket_cancelled' ? 'cancelled' : 'pending';
    if (was === 'cancelled') {
      await door.app.call('DELETE', `/api/order/${orderId}`, { token: door.admin });
    } else {
      const pending = await door.platform.place(door.buyer);
      const [ticket] = await door.app.sql<{ ticket_id: string }>('SELECT ticket_id FROM tickets WHERE order_id = $1', [
        pending,
      ]);
      const sealer = await createTicketSealer([QR_KEY]);
      const text = await sealer.seal({
        ticketId: as<TicketId>(ticket?.ticket_id ?? ''),
        sessionId: as<SessionId>(door.platform.sessionId),
      });
      expect(await door.scan(text)).toMatchObject({ status, body: { code, refusal } });
      return;
    }
    expect(await door.scan(qrText)).toMatchObject({ status, body: { code, refusal } });
    expect(await door.history(ticketId)).toMatchObject([{ outcome: 'refused', refusal: code }]);
  });

  test('at the door of another session is refused, and so is one by a caller who does not scan there', async () => {
    const { qrText } = await door.sellOne();
    const before = await scansAndInside();
    const stranger = await door.platform.token(randomUUID());
    for (const answer of [
      await door.scan(qrText, { session_id: randomUUID() }),
      await door.scan(qrText, {}, stranger),
      await door.scan(qrText, {}, door.organiser),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'ticket_wrong_session', refusal: 'wrong_session' } });
    }
    expect(await scansAndInside()).toEqual(before);
  });

  test.each([
    ['gate', ''],
    ['gate', 'x'.repeat(65)],
    ['gate', 'a\u0000b'],
    ['device_id', 7],
    ['nonce', 'short'],
    ['nonce', 'with a blank'],
    ['direction', 'sideways'],
  ])('with a bad %s is refused: %j', async (field, value) => {
    const { qrText } = await door.sellOne();
    expect(await door.scan(qrText, { [field]: value })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});

describe('the same nonce', () => {
  test('gets the first answer again, whatever happened in between', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const nonce = randomUUID();
    const first = await door.scan(qrText, { nonce, gate: 'North' });
    expect(first.status).toBe(200);
    const second = await door.scan(qrText, { nonce, gate: 'North' });
    expect({ status: second.status, body: second.body }).toEqual({ status: 200, body: first.body });
    expect((await door.undo(ticketId)).status).toBe(200);
    expect((await door.scan(qrText, { nonce, gate: 'North' })).body).toEqual(first.body);
    expect(await door.history(ticketId)).toMatchObject([{ outcome: 'admitted' }, { outcome: 'undone' }]);
  });

  test('also gets the first refusal again', async () => {
    const { ticketId, qrText } = await door.sellOne();
    await door.scan(qrText);
    const nonce = randomUUID();
    const first = await door.scan(qrText, { nonce });
    expect(first).toMatchObject({ status: 409, body: { code: 'already_checked_in' } });
    await door.undo(ticketId);
    expect(await door.scan(qrText, { nonce })).toMatchObject({ status: 409, body: first.body });
    expect(await door.scan(qrText, { nonce: randomUUID() })).toMatchObject({ status: 200 });
  });

  test('with another scan is refused', async () => {
    const [one, other] = await door.sell(2);
    const nonce = randomUUID();
    await door.scan(one?.qrText, { nonce });
    expect(await door.scan(other?.qrText, { nonce })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await door.history(other?.ticketId ?? '')).toEqual([]);
  });

  test('from another device is another scan: of two that count alike, one admits and one is refused', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const at = (device_id: string) => door.scan(qrText, { nonce: 'scan-0001', device_id });
    const answers = await Promise.all([at('one'), at('two')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await Promise.all([at('one'), at('two')])).map(({ text }) => text)).toEqual(
      answers.map(({ text }) => text),
    );
    // Devices without a name are known by their scanner.
    const other = await door.sellOne();
    expect((await door.scan(other.qrText, { nonce: 'scan-0001' })).status).toBe(200);
    expect((await door.scan(other.qrText, { nonce: 'scan-0001' }, door.otherScanner)).status).toBe(409);
    expect(await door.history(ticketId)).toHaveLength(2);
  });

  test('sent many times at once admits once, and says so each time', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const nonce = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => door.scan(qrText, { nonce })));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await door.history(ticketId)).toHaveLength(1);
  });

  test('is answered each time when it comes with a new Idempotency-Key', async () => {
    const { qrText } = await door.sellOne();
    const nonce = randomUUID();
    for (let time = 0; time < 2; time += 1) {
      const answer = await door.app.call('POST', '/api/order/ticket/checkin', {
        token: door.scanner,
        body: { encrypted_qr: qrText, nonce },
        headers: { 'idempotency-key': randomUUID() },
      });
      expect(answer.status).toBe(200);
    }
  });
});

test('many tickets, each scanned by two scanners on two replicas at the same instant, are each admitted once', async () => {
  const replica = await startReplica(door.platform, { QR_SECRET_KEY: QR_KEY });
  const tickets = await door.sell(60);
  const winners = { here: 0, there: 0 };
  for (const { qrText } of tickets) {
    const body = { encrypted_qr: qrText };
    const [here, there] = await Promise.all([
      door.scan(qrText),
      replica.call('POST', '/api/order/ticket/checkin', { token: door.otherScanner, body }),
    ]);
    expect([here.status, there.status].toSorted()).toEqual([200, 409]);
    winners[here.status === 200 ? 'here' : 'there'] += 1;
  }
  expect(winners.here + winners.there).toBe(tickets.length);
  const [counted] = await door.app.sql(
    `SELECT count(*) FILTER (WHERE outcome = 'admitted')::int AS admitted, count(*)::int AS scans
       FROM scans WHERE ticket_id = ANY ($1::uuid[])`,
    [tickets.map(({ ticketId }) => ticketId)],
  );
  expect(counted).toEqual({ admitted: 60, scans: 120 });
});

test('a scan does not wait for a lock on its order or on another ticket', async () => {
  const [one, other] = await door.sell(2);
  const held = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: door.app.dsn });
  await client.connect();
  const holding = (async () => {
    await client.query('BEGIN');
    await client.query('SELECT FROM orders WHERE order_id = $1 FOR UPDATE', [one?.orderId]);
    await client.query('SELECT FROM tickets WHERE ticket_id = $1 FOR UPDATE', [other?.ticketId]);
    locked.resolve();
    await held.promise;
    await client.query('ROLLBACK');
    await client.end();
  })();
  await locked.promise;
  expect((await door.scan(one?.qrText)).status).toBe(200);
  held.resolve();
  await holding;
});

describe('an exit', () => {
  test('is refused for a session without re-entry', async () => {
    const { qrText } = await door.sellOne();
    await door.scan(qrText);
    expect(await door.scan(qrText, { direction: 'exit' })).toMatchObject({
      status: 409,
      body: { code: 'reentry_not_allowed' },
    });
  });

  test('allows one more entry where the organiser permits re-entry', async () => {
    const path = `/api/order/scan/sessions/${door.platform.sessionId}/door`;
    const allow = (isAllowed: boolean) =>
      door.app.call('PUT', path, { token: door.organiser, body: { allows_reentry: isAllowed } });
    expect(await allow(true)).toMatchObject({ status: 200, body: { allows_reentry: true } });
    const { ticketId, qrText } = await door.sellOne();
    const exit = () => door.scan(qrText, { direction: 'exit' });
    expect(await exit()).toMatchObject({ status: 409, body: { code: 'not_checked_in' } });
    for (let time = 0; time < 2; time += 1) {
      expect((await door.scan(qrText)).status).toBe(200);
      expect((await door.scan(qrText)).body.code).toBe('already_checked_in');
      expect(await exit()).toMatchObject({ status: 200, body: { outcome: 'left' } });
      expect((await exit()).body.code).toBe('not_checked_in');
    }
    // Of an exit and an entry at once, each happens once.
    await door.scan(qrText);
    for (const again of [exit, () => door.scan(qrText)]) {
      const answers = await Promise.all(Array.from({ length: 10 }, again));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
    await exit();
    expect((await door.undo(ticketId)).body.code).toBe('not_checked_in');
    const outcomes = (await door.history(ticketId)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(4);
    expect(outcomes.filter((outcome) => outcome === 'left')).toHaveLength(4);
    await allow(false);
  });
});

test('the door settings of an organiser are in the audit trail when they change something', async () => {
  const { sessionId, eventId } = door.platform;
  for (const allows_reentry of [false, true, true, false]) {
    await door.app.call('PUT', `/api/order/scan/sessions/${sessionId}/door`, {
      token: door.organiser,
      body: { allows_reentry },
    });
  }
  const path = `/api/order/audit/events/${eventId}?limit=2`;
  const { body } = await door.app.call('GET', path, { token: door.organiser });
  const entry = { action: 'door.changed', session_id: sessionId, order_id: '', ticket_id: '' };
  expect(body).toMatchObject([
    { ...entry, before: { allows_reentry: true }, after: { allows_reentry: false } },
    { ...entry, before: { allows_reentry: false }, after: { allows_reentry: true } },
  ]);
  expect(body[1].actor).toBe(body[0].actor);
});

test('a refused scan is logged without the scanned text', async () => {
  const logged = () => door.app.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'scans were refused');
  for (const [qrText, code] of [
    ['', 'FST_ERR_VALIDATION'],
    ['\u0000\u0001', 'FST_ERR_VALIDATION'],
    ['FORGED'.repeat(9), 'ticket_forged'],
    ['x'.repeat(2_000_000), 'FST_ERR_CTP_BODY_TOO_LARGE'],
  ]) {
    door.app.log.length = 0;
    await door.scan(qrText, {}, door.otherScanner);
    expect(logged()).toMatchObject([{ level: 30, refused: { [code as string]: 1 }, userId: expect.any(String) }]);
    expect(door.app.log.join('')).not.toContain('FORGEDFORGED');
  }
});

describe('undoing a check-in', () => {
  test('makes the ticket valid again, and is in the audit trail', async () => {
    const { ticketId, orderId, qrText } = await door.sellOne();
    const first = await door.scan(qrText);
    const { status, body } = await door.undo(ticketId);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { ticket_id: ticketId, checked_in: false, checked_in_time: '0001-01-01T00:00:00Z' },
    });
    expect(
      await door.app.sql('SELECT action, order_id, before, after FROM audit_trail WHERE ticket_id = $1', [ticketId]),
    ).toEqual([
      {
        action: 'check_in.undone',
        order_id: orderId,
        before: { checked_in: true, checked_in_time: first.body.ticket.checked_in_time },
        after: { checked_in: false },
      },
    ]);
    expect((await door.scan(qrText)).status).toBe(200);
  });

  test('of an unused or an unknown ticket changes nothing', async () => {
    const { ticketId } = await door.sellOne();
    expect(await door.undo(ticketId)).toMatchObject({ status: 409, body: { code: 'not_checked_in' } });
    expect(await door.undo(randomUUID())).toMatchObject({ status: 404, body: { code: 'ticket_not_found' } });
    expect(await door.history(ticketId)).toEqual([]);
  });
});

describe('the door refuses a QR text that is not the ticket’s:', () => {
  // The sealer's own tests flip every bit.
  test('with a bit of any byte flipped, any part missing, or anything appended', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const before = await scansAndInside();
    const bytes = decodeBase45(qrText) ?? new Uint8Array();
    const flipped = Array.from(bytes, (byte, at) => encodeBase45(bytes.with(at, byte ^ (1 << (at % 8)))));
    const cut = Array.from({ length: qrText.length }, (_, at) => qrText.slice(0, at));
    const tails = Array.from({ length: qrText.length - 1 }, (_, at) => qrText.slice(at + 1));
    const texts = [...flipped, ...cut, ...tails, `${qrText}0`, qrText + qrText];
    expect(texts.length).toBeGreaterThan(500);
    for (let at = 0; at < texts.length; at += 20) {
      const answers = await Promise.all(texts.slice(at, at + 20).map((text) => door.scan(text)));
      for (const { status, body } of answers) {
        // A flipped bit of the session id makes it a session that this caller does not scan for, which is checked before the signature.
        expect([400, 403]).toContain(status);
        expect(['ticket_forged', 'invalid_request', 'ticket_wrong_session']).toContain(body.code);
      }
    }
    expect(await scansAndInside()).toEqual(before);
    expect(await door.history(ticketId)).toEqual([]);
    expect((await door.scan(qrText)).status).toBe(200);
  });

  test('of another session, of a withdrawn key, of no ticket, or already used', async () => {
    const { ticketId, qrText } = await door.sellOne();
    const [sealer, withdrawn] = await Promise.all([
      createTicketSealer([QR_KEY]),
      createTicketSealer([Buffer.alloc(32, 8).toString('base64')]),
    ]);
    const ids = { ticketId: as<TicketId>(ticketId), sessionId: as<SessionId>(door.platform.sessionId) };
    const elsewhere = as<SessionId>(randomUUID());
    const everywhere = await door.platform.token(randomUUID());
    const { sub } = JSON.parse(Buffer.from(everywhere.split('.')[1] ?? '', 'base64url').toString());
    door.platform.seating.scanners.set(sub, new Set([door.platform.sessionId, elsewhere]));
    const refusals = [
      [await sealer.seal({ ...ids, sessionId: elsewhere }), 'ticket_forged', everywhere],
      [await withdrawn.seal(ids), 'ticket_forged', door.scanner],
      [await sealer.seal({ ...ids, ticketId: as<TicketId>(randomUUID()) }), 'ticket_forged', door.scanner],
    ] as const;
    for (const [text, code, token] of refusals) {
      expect(await door.scan(text, {}, token)).toMatchObject({ status: 400, body: { code, refusal: 'forged' } });
    }
    expect(await door.history(ticketId)).toEqual([]);
    expect((await door.scan(qrText)).status).toBe(200);
    expect((await door.scan(qrText)).status).toBe(409);
  });

  test.each([
    ['empty', ''],
    ['of 2,049 characters', 'A'.repeat(2_049)],
    ['huge', 'A'.repeat(70_000)],
    ['binary', '\u0080\u009f\u0001'],
    ['broken by a NUL', 'A\u0000B'],
    ['half a character', '\ud800'],
    ['of another kind', 'https://example.com/ticket/1'],
    ['only in the right alphabet', 'A'.repeat(189)],
    ['a number', 7],
    ['null', null],
    ['a list', ['A']],
  ])('%s', async (_name, text) => {
    const before = await scansAndInside();
    const { status, body } = await door.scan(text);
    expect([400, 413]).toContain(status);
    expect(['invalid_request', 'ticket_forged', 'body_too_large']).toContain(body.code);
    expect(await scansAndInside()).toEqual(before);
  });
});

describe('the hours of the doors', () => {
  const HOUR_MS = 3_600_000;
  /** The hours when no variable sets them. */
  const usual = { QR_SECRET_KEY: QR_KEY, DOORS_OPEN_HOURS: '', DOORS_CLOSE_HOURS: '' };
  const at = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();
  const session = (start: number, end: number | undefined) => ({
    id: door.platform.sessionId,
    eventId: door.platform.eventId,
    organizationId: door.platform.organizationId,
    title: 'Tides of Light',
    startTime: at(start),
    endTime: end === undefined ? null : at(end),
    venueDetails: { name: 'Harbour Hall' },
  });

  test.each([
    ['more than a day before', 25, 28, 'ticket_too_early', 'too_early'],
    ['less than a day before', 23, 26, undefined, undefined],
    ['during the session', -1, 2, undefined, undefined],
    ['less than a day after', -26, -23, undefined, undefined],
    ['more than a day after', -28, -25, 'ticket_too_late', 'too_late'],
    ['long after a session without an end', -1_000, undefined, undefined, undefined],
  ] as const)('%s', async (_name, start, end, code, refusal) => {
    door.platform.seating.sessions.set(door.platform.sessionId, session(start, end));
    const replica = await startReplica(door.platform, usual);
    const { ticketId, qrText } = await door.sellOne();
    const nonce = randomUUID();
    const body = { encrypted_qr: qrText, nonce };
    const scan = () => replica.call('POST', '/api/order/ticket/checkin', { token: door.scanner, body });
    const answer = await scan();
    if (code) expect(answer).toMatchObject({ status: 409, body: { code, refusal } });
    else expect(answer.status).toBe(200);
    expect((await scan()).body).toEqual(answer.body);
    expect(await door.history(ticketId)).toMatchObject([{ outcome: code ? 'refused' : 'admitted' }]);
    const { body: bundle } = await replica.call('GET', `/api/order/scan/sessions/${door.platform.sessionId}/bundle`, {
      token: door.scanner,
    });
    const listed = door.platform.seating.sessions.get(door.platform.sessionId);
    expect(bundle).toMatchObject({ starts_at: listed?.startTime, ends_at: listed?.endTime ?? '' });
  });

  test('follow the variables', async () => {
    door.platform.seating.sessions.set(door.platform.sessionId, session(2, 3));
    const replica = await startReplica(door.platform, { ...usual, DOORS_OPEN_HOURS: '1.5' });
    const { qrText } = await door.sellOne();
    const scan = { token: door.scanner, body: { encrypted_qr: qrText } };
    const answer = await replica.call('POST', '/api/order/ticket/checkin', scan);
    expect(answer.body.code).toBe('ticket_too_early');
  });

  /** Scans a new ticket on a replica with this catalogue. */
  async function scanWith(catalogue: string) {
    const replica = await startReplica(door.platform, { ...usual, EVENT_QUERY_SERVICE_URL: catalogue });
    const { qrText } = await door.sellOne();
    const scan = { token: door.scanner, body: { encrypted_qr: qrText } };
    return replica.call('POST', '/api/order/ticket/checkin', scan);
  }

  test('refuse no ticket while the catalogue is unavailable', async () => {
    expect((await scanWith('http://127.0.0.1:1')).status).toBe(200);
  });

  test('refuse no ticket while the catalogue is slow, whose answer is still awaited after the scan', async () => {
    let open = 0;
    const server = createServer((_request, response) => {
      open += 1;
      response.once('close', () => {
        open -= 1;
      });
    });
    const url = await listenUntilEnd(server);
    expect((await scanWith(`${url}/query`)).status).toBe(200);
    // The call ends after four seconds; the scan has not waited for that.
    expect(open).toBe(1);
  });
});

/** The address of a server that runs until the end of the file. */
async function listenUntilEnd(server: Server): Promise<string> {
  const url = await listen(server);
  atEnd(() => close(server));
  return url;
}
