import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Door, offline, openDoor, type SoldTicket } from '../support/door.ts';
import { until } from '../support/servers.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
});

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
type Entry = readonly [id: string, seat: string, tier: string, state: string];

async function stateIn(bundle: { body: { tickets: Entry[] } }, { ticketId }: SoldTicket) {
  return bundle.body.tickets.find(([id]) => id === ticketId)?.[3];
}

describe('a batch', () => {
  test('in which two devices admit the same ticket makes one scan right and the other a conflict, in either order of upload', async () => {
    for (const order of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const) {
      const ticket = await door.sellOne();
      const scans = {
        left: offline(ticket, 'left', { gate: 'North', scanned_at: minutesAgo(10) }),
        right: offline(ticket, 'right', { gate: 'South', scanned_at: minutesAgo(9) }),
      };
      const [first, second] = [await door.upload([scans[order[0]]]), await door.upload([scans[order[1]]])];
      expect(first.body.results).toMatchObject([{ outcome: 'admitted', ticket_id: ticket.ticketId, tier: 'VIP' }]);
      expect(second.body.results).toMatchObject([
        {
          outcome: 'conflict',
          code: 'already_checked_in',
          retry: false,
          first: { at: scans[order[0]].scanned_at, gate: scans[order[0]].gate, device_id: order[0] },
        },
      ]);
      // Repeated uploads give the same results.
      expect((await door.upload([scans[order[1]], scans[order[0]]])).body.results).toEqual([
        second.body.results[0],
        first.body.results[0],
      ]);
      expect(await door.history(ticket.ticketId)).toMatchObject([
        { outcome: 'admitted', device_id: order[0], is_offline: true },
        { outcome: 'refused', device_id: order[1], refusal: 'already_checked_in', first_device: order[0] },
      ]);
    }
  });

  test('uploaded at the same instant as another makes one scan of each ticket right and the other a conflict', async () => {
    const tickets = await door.sell(50);
    const [left, right] = await Promise.all([
      door.upload(tickets.map((ticket) => offline(ticket, 'left'))),
      door.upload(tickets.map((ticket) => offline(ticket, 'right')).toReversed(), door.otherScanner),
    ]);
    const ofRight = right.body.results.toReversed();
    for (const [at, { outcome }] of left.body.results.entries()) {
      expect([outcome, ofRight[at].outcome].toSorted()).toEqual(['admitted', 'conflict']);
    }
  });

  test('of one device is applied in the order of its scans, whatever their order in the request', async () => {
    const ticket = await door.sellOne();
    const scans = [3, 9, 6].map((minutes) => offline(ticket, 'one', { scanned_at: minutesAgo(minutes) }));
    const { body } = await door.upload(scans);
    expect(body.results.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'conflict',
      'admitted',
      'conflict',
    ]);
    const [row] = await door.app.sql<{ checked_in_time: Date }>(
      'SELECT checked_in_time FROM tickets WHERE ticket_id = $1',
      [ticket.ticketId],
    );
    expect(row?.checked_in_time.toISOString()).toBe(scans[1]?.scanned_at);
  });

  test('refuses a bad scan by itself, and accepts the others', async () => {
    const tickets = await door.sell(2);
    const [one, other] = tickets.map((ticket) => offline(ticket, 'one'));
    const bad: readonly (readonly [unknown, string])[] = [
      [{ ...one, nonce: randomUUID(), encrypted_qr: '' }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), encrypted_qr: 'A'.repeat(2_049) }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), encrypted_qr: '\u0000\u0001' }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), encrypted_qr: 'ABC' }, 'ticket_forged'],
      [{ ...one, nonce: randomUUID(), session_id: randomUUID() }, 'ticket_wrong_session'],
      [{ ...one, nonce: undefined }, 'invalid_request'],
      [{ ...one, nonce: 7 }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), scanned_at: 'noon' }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), scanned_at: '2026-02-31T00:00:00Z' }, 'invalid_request'],
      [{ ...one, nonce: randomUUID(), scanned_at: '2061-01-01T00:00:00Z' }, 'scan_time_refused'],
      [{ ...one, nonce: randomUUID(), scanned_at: minutesAgo(-6) }, 'scan_time_refused'],
      [{ ...one, nonce: randomUUID(), scanned_at: '2019-01-01T00:00:00Z' }, 'scan_time_refused'],
      [{ ...one, nonce: randomUUID(), scanned_at: minutesAgo(15 * 1_440) }, 'scan_time_refused'],
      [null, 'invalid_request'],
      [[], 'invalid_request'],
      ['scan', 'invalid_request'],
      [7, 'invalid_request'],
    ];
    const { status, body } = await door.upload([one, ...bad.map(([scan]) => scan), other]);
    expect(status).toBe(200);
    expect(body.results.at(0)).toMatchObject({ outcome: 'admitted', nonce: one?.nonce });
    expect(body.results.at(-1)).toMatchObject({ outcome: 'admitted', nonce: other?.nonce });
    expect(body.results.slice(1, -1).map(({ outcome, code }: Record<string, string>) => [outcome, code])).toEqual(
      bad.map(([, code]) => ['refused', code]),
    );
    for (const { ticketId } of tickets) expect(await door.history(ticketId)).toHaveLength(1);
  });

  test('records a scan slightly ahead of our clock as now', async () => {
    const ticket = await door.sellOne();
    const { body } = await door.upload([offline(ticket, 'fast', { scanned_at: minutesAgo(-2) })]);
    expect(body.results).toMatchObject([{ outcome: 'admitted' }]);
    const [{ scanned_at: scannedAt, received_at: receivedAt } = {}] = await door.history(ticket.ticketId);
    expect(scannedAt).toEqual(receivedAt);
  });

  test.each([
    ['none', []],
    ['more than a thousand', Array.from({ length: 1_001 }, () => 0)],
    ['a string instead of a list', 'scans'],
  ])('of %s is refused', async (_name, scans) => {
    const { status, body } = await door.upload(scans as unknown[]);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
  });

  test('of a thousand scans is accepted', async () => {
    const tickets = await door.sell(20);
    const scans = Array.from({ length: 1_000 }, (_, at) =>
      offline(tickets[at % 20] as SoldTicket, 'one', {
        scanned_at: minutesAgo(1_000 - at),
        gate: 'The gate at the north side of the hall, by the river, upstairs',
      }),
    );
    const { status, body } = await door.upload(scans);
    expect(status).toBe(200);
    const counted = Object.groupBy(body.results as { outcome: string }[], ({ outcome }) => outcome);
    expect([counted.admitted?.length, counted.conflict?.length]).toEqual([20, 980]);
  });

  test('of a caller who may not scan costs one question to the seating service, whatever its length', async () => {
    const { qrText } = await door.sellOne();
    const asked = () => door.platform.seating.calls.filter(({ path }) => path.includes('verify-role')).length;
    const before = asked();
    const { body } = await door.upload(
      Array.from({ length: 50 }, () => offline({ qrText }, 'x')),
      door.buyer,
    );
    expect(body.results.map(({ refusal }: { refusal: string }) => refusal)).toEqual(Array(50).fill('wrong_session'));
    expect(asked() - before).toBe(1);
  });

  test('logs how many of its scans were refused, and why', async () => {
    const ticket = await door.sellOne();
    door.app.log.length = 0;
    const years = offline(ticket, 'x', { scanned_at: '2001-01-01T00:00:00Z' });
    await door.upload([{}, years, { ...years, nonce: randomUUID() }, offline(ticket, 'x')]);
    expect(door.app.log.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 30, refused: { invalid_request: 1, scan_time_refused: 2 } }),
    );
  });

  test('of a caller who does not scan for the session changes nothing', async () => {
    const ticket = await door.sellOne();
    const { body } = await door.upload([offline(ticket, 'one')], door.organiser);
    expect(body.results).toMatchObject([
      { outcome: 'refused', code: 'ticket_wrong_session', refusal: 'wrong_session' },
    ]);
    expect(await door.history(ticket.ticketId)).toEqual([]);
  });

  test('can be sent again after the seating service was unavailable', async () => {
    const ticket = await door.sellOne();
    const newcomer = randomUUID();
    door.platform.seating.scanners.set(newcomer, new Set([door.platform.sessionId]));
    const token = await door.platform.token(newcomer);
    const scan = offline(ticket, 'one');
    door.platform.seating.isUnavailable = true;
    try {
      expect((await door.upload([scan], token)).body.results).toMatchObject([
        { outcome: 'refused', code: 'seating_unavailable', retry: true },
      ]);
    } finally {
      door.platform.seating.isUnavailable = false;
    }
    expect((await door.upload([scan], token)).body.results).toMatchObject([{ outcome: 'admitted' }]);
  });

  test('follows guests who leave and return', async () => {
    const path = `/api/order/scan/sessions/${door.platform.sessionId}/door`;
    const allow = (isAllowed: boolean) =>
      door.app.call('PUT', path, { token: door.organiser, body: { allows_reentry: isAllowed } });
    await allow(true);
    const ticket = await door.sellOne();
    const at = (minutes: number, direction: string) =>
      offline(ticket, 'one', { scanned_at: minutesAgo(minutes), direction });
    const { body } = await door.upload([at(2, 'entry'), at(9, 'entry'), at(5, 'exit'), at(4, 'exit'), at(7, 'entry')]);
    expect(body.results.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'admitted',
      'admitted',
      'left',
      'refused',
      'conflict',
    ]);
    await allow(false);
  });

  test('may hold any scans in any order, split and repeated in any way, and admits each ticket once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ticket: fc.nat(2), minutes: fc.integer({ min: 1, max: 60 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(fc.array(fc.nat(11), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }),
        async (made, batches) => {
          const tickets = await door.sell(3);
          const scans = made.map(({ ticket, minutes }, at) =>
            offline(tickets[ticket] as SoldTicket, `device-${at % 3}`, { scanned_at: minutesAgo(minutes) }),
          );
          const verdicts = new Map<unknown, unknown>();
          // Some scans come in some batches, some twice, and in the end all of them.
          for (const batch of [...batches, scans.map((_, at) => at)]) {
            const sent = batch.map((at) => scans[at % scans.length] as Record<string, unknown>);
            const { body } = await door.upload(sent);
            for (const [at, result] of body.results.entries()) {
              const { nonce } = sent[at] ?? {};
              if (verdicts.has(nonce)) expect(result).toEqual(verdicts.get(nonce));
              verdicts.set(nonce, result);
            }
          }
          const scanned = new Set(made.map(({ ticket }) => ticket));
          const outcomes = [...verdicts.values()].map((result) => (result as { outcome: string }).outcome);
          expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(scanned.size);
          expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(scans.length - scanned.size);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('conflicts', () => {
  test('are listed for the organiser, newest first, page by page, without online refusals', async () => {
    const other = await openDoor();
    const ticket = await other.sellOne();
    await other.scan(ticket.qrText, { gate: 'North' });
    await other.scan(ticket.qrText);
    const scans = [1, 2, 3].map((minutes) =>
      offline(ticket, 'one', { scanned_at: minutesAgo(minutes), gate: 'South' }),
    );
    await other.upload(scans);
    const cancelled = await other.sellOne();
    await other.app.call('DELETE', `/api/order/${cancelled.orderId}`, { token: other.admin });
    await other.upload([offline(cancelled, 'two')]);
    const list = (query: string) =>
      other.app.call('GET', `/api/order/scan/sessions/${other.platform.sessionId}/conflicts${query}`, {
        token: other.organiser,
      });
    const { body: all } = await list('');
    expect(all).toHaveLength(4);
    expect(all[0]).toMatchObject({ code: 'ticket_cancelled', ticket_id: cancelled.ticketId, first: null });
    expect(all.slice(1)).toMatchObject(
      [1, 2, 3].map(() => ({
        code: 'already_checked_in',
        ticket_id: ticket.ticketId,
        gate: 'South',
        device_id: 'one',
        first: { gate: 'North' },
      })),
    );
    const { body: page } = await list('?limit=3');
    expect((await list(`?limit=3&before=${page.at(-1).scan_id}`)).body).toEqual(all.slice(3));
    expect((await list('?limit=0')).status).toBe(400);
  });
});

describe('the bundle', () => {
  test('has what opens the codes, each valid ticket with its seat and state, and nothing of other sessions', async () => {
    const [fresh, used] = await door.sell(2);
    await door.scan(used?.qrText);
    await door.platform.place(door.buyer);
    const { status, headers, body } = await door.bundle();
    expect(status).toBe(200);
    expect(headers.get('content-encoding')).toBe('gzip');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ session_id: door.platform.sessionId, is_complete: true, allows_reentry: false });
    expect(body.keys).toEqual([
      { key_id: expect.any(Number), public_key: expect.any(String), sealing_key: expect.any(String) },
    ]);
    const entries = body.tickets as Entry[];
    expect(entries).toContainEqual([fresh?.ticketId, expect.stringMatching(/^L-/), 'VIP', 'valid']);
    expect(entries).toContainEqual([used?.ticketId, expect.stringMatching(/^L-/), 'VIP', 'inside']);
    const [counted] = await door.app.sql(
      `SELECT count(*)::int AS good FROM tickets t JOIN orders o USING (order_id)
        WHERE t.voided_at IS NULL AND o.status = 'completed'`,
    );
    expect(counted).toEqual({ good: entries.length });
  });

  test('is not compressed for a client that does not accept it', async () => {
    const path = `${door.app.url}/api/order/scan/sessions/${door.platform.sessionId}/bundle`;
    const ask = (encoding: string) =>
      fetch(path, { headers: { authorization: `Bearer ${door.scanner}`, 'accept-encoding': encoding } });
    for (const encoding of ['identity', 'gzip;q=0', 'br']) {
      const answer = await ask(encoding);
      expect(answer.headers.get('content-encoding')).toBeNull();
      expect(await answer.json()).toMatchObject({ is_complete: true });
    }
    expect((await ask('br, gzip')).headers.get('content-encoding')).toBe('gzip');
  });

  test('lists what changed since a version: tickets sold, admitted, undone and cancelled', async () => {
    const [entered, cancelled] = [await door.sellOne(), await door.sellOne()];
    let { version } = (await door.bundle()).body;
    const changed = async () => {
      const answer = await door.bundle(version);
      expect(answer.body.is_complete).toBe(false);
      version = answer.body.version;
      return answer;
    };
    await door.scan(entered.qrText);
    expect(await stateIn(await changed(), entered)).toBe('inside');
    await door.undo(entered.ticketId);
    expect(await stateIn(await changed(), entered)).toBe('valid');
    const sold = await door.sellOne();
    expect(await stateIn(await changed(), sold)).toBe('valid');
    await door.app.call('DELETE', `/api/order/${cancelled.orderId}`, { token: door.admin });
    expect(await stateIn(await changed(), cancelled)).toBe('void');
    await door.platform.place(door.buyer);
    // Entries are repeated while older transactions run elsewhere on the server, and no longer.
    await until('nothing changes any more', async () => (await changed()).body.tickets.length === 0);
  });

  test('lists what the organiser does to a ticket: complimentary, moved, voided', async () => {
    const { eventId, sessionId } = door.platform;
    const ask = (method: string, path: string, body?: unknown) =>
      door.app.call(method, `/api/order/ticket${path}`, {
        token: door.organiser,
        ...(body === undefined ? {} : { body }),
      });
    let { version } = (await door.bundle()).body;
    let given: { ticket_id: string; seat_label: string };
    /** Entries may also be repeated while older transactions run elsewhere on the server. */
    const changed = async () => {
      const { body } = await door.bundle(version);
      version = body.version;
      return (body.tickets as Entry[]).filter(([ticketId]) => ticketId === given.ticket_id);
    };
    const request = { event_id: eventId, session_id: sessionId, seat_id: randomUUID(), price: 0 };
    given = (await ask('POST', '', request)).body;
    expect(await changed()).toEqual([[given.ticket_id, given.seat_label, 'VIP', 'valid']]);
    const { body: moved } = await ask('PUT', `/${given.ticket_id}`, { seat_id: randomUUID() });
    expect(moved.seat_label).not.toBe(given.seat_label);
    expect(await changed()).toEqual([[given.ticket_id, moved.seat_label, 'VIP', 'valid']]);
    expect((await ask('DELETE', `/${given.ticket_id}`)).status).toBe(204);
    expect(await changed()).toEqual([[given.ticket_id, moved.seat_label, 'VIP', 'void']]);
  });

  test('misses nothing of transactions that commit in another order than they began', async () => {
    const [slow, quick] = await door.sell(2);
    const { version } = (await door.bundle()).body;
    const client = new pg.Client({ connectionString: door.app.dsn });
    await client.connect();
    await client.query('BEGIN');
    await client.query("UPDATE tickets SET seat_label = 'moved' WHERE ticket_id = $1", [slow?.ticketId]);
    await door.scan(quick?.qrText);
    const between = await door.bundle(version);
    expect(await stateIn(between, quick as SoldTicket)).toBe('inside');
    await client.query('COMMIT');
    await client.end();
    const after = await door.bundle(between.body.version);
    expect(after.body.tickets).toContainEqual([slow?.ticketId, 'moved', 'VIP', 'valid']);
  });

  test.each(['', '1', 'x', '1.1.1', '9999999999999999999.1.5', '7.1.-3', `1.1.${'9'.repeat(30)}`])(
    'since %j, which was never issued, is complete',
    async (since) => {
      const answer = await door.bundle(encodeURIComponent(since));
      if (since === '') expect(answer.status).toBe(400);
      else expect(answer.body).toMatchObject({ is_complete: true });
    },
  );

  test('since a version of a timeline that was rolled back is complete', async () => {
    const { version } = (await door.bundle()).body;
    const [system, timeline, through, session] = version.split('.');
    for (const other of [
      `${system}.${timeline}.${Number(through) + 1_000_000}.${session}`,
      `${system}.${Number(timeline) + 1}.${through}.${session}`,
      // A version of another session, and one of none.
      `${system}.${timeline}.${through}.00000000`,
      `${system}.${timeline}.${through}`,
    ]) {
      expect((await door.bundle(other)).body.is_complete).toBe(true);
    }
  });

  test('is refused to a caller who does not scan for the session, which is logged and changes nothing', async () => {
    const count = async () => (await door.app.sql('SELECT count(*) FROM scans'))[0];
    const before = await count();
    for (const token of [door.organiser, door.admin, door.buyer]) {
      door.app.log.length = 0;
      const answer = await door.bundle(undefined, token);
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(answer.text).not.toMatch(/key/i);
      const lines = door.app.log.map((line) => JSON.parse(line));
      expect(lines).toContainEqual(
        expect.objectContaining({ level: 40, sessionId: door.platform.sessionId, userId: expect.any(String) }),
      );
    }
    const path = '/api/order/scan/sessions/no-uuid/bundle';
    expect((await door.app.call('GET', path, { token: door.scanner })).status).toBe(400);
    expect(await count()).toEqual(before);
  });
});
