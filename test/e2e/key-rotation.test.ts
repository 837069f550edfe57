import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { type Door, QR_KEY as OLD_KEY, openDoor } from '../support/door.ts';
import { startReplica } from '../support/races.ts';
import { reissue, runScript } from '../support/scripts.ts';
import type { TestApp } from '../support/test-app.ts';

const NEW_KEY = Buffer.alloc(32, 9).toString('base64');

let door: Door;
/** The same service with the new key in front of the list, and with the old one removed from it. */
let rotated: TestApp;
let closed: TestApp;

beforeAll(async () => {
  door = await openDoor();
  rotated = await startReplica(door.platform, { QR_SECRET_KEY: `${NEW_KEY},${OLD_KEY}` });
  closed = await startReplica(door.platform, { QR_SECRET_KEY: NEW_KEY });
});

const newKey = () => ({ POSTGRES_DSN: door.app.dsn, QR_SECRET_KEY: NEW_KEY });

const scanAt = (app: TestApp, qrText: unknown) =>
  app.call('POST', '/api/order/ticket/checkin', { token: door.scanner, body: { encrypted_qr: qrText } });

test('a printed ticket is still admitted after a rotation, and new codes are made with the new key', async () => {
  const { ticketId, qrText } = await door.sellOne();
  const shown = await rotated.call('GET', `/api/order/ticket/${ticketId}`, { token: door.buyer });
  const newText = await readQrCode(Buffer.from(shown.body.qr_code, 'base64'));
  expect(newText).not.toBe(qrText);
  expect((await scanAt(rotated, qrText)).status).toBe(200);
  // Two codes, one ticket.
  expect(await scanAt(rotated, newText)).toMatchObject({ status: 409, body: { code: 'already_checked_in' } });
});

test('a scanner without a network opens codes of both keys', async () => {
  const path = `/api/order/scan/sessions/${door.platform.sessionId}/bundle`;
  const keys = async (app: TestApp) => (await app.call('GET', path, { token: door.scanner })).body.keys;
  expect(await keys(rotated)).toEqual([...(await keys(closed)), ...(await keys(door.app))]);
});

test('a key removed from the list invalidates its codes, and qr:reissue makes new ones', async () => {
  const [one, other] = await door.sell(2);
  expect(await scanAt(closed, one?.qrText)).toMatchObject({
    status: 400,
    body: { code: 'ticket_forged', refusal: 'forged', message: expect.stringContaining('key that is no longer valid') },
  });
  const { tickets, err } = await reissue(newKey(), ['--session', door.platform.sessionId]);
  expect(err).toContain(`${tickets.length} tickets, sealed with key`);
  expect(err).not.toContain(NEW_KEY);
  const made = tickets.find(({ ticket_id }) => ticket_id === one?.ticketId);
  expect(made).toMatchObject({
    order_id: one?.orderId,
    session_id: door.platform.sessionId,
    seat_label: `L-${one?.seatId.slice(0, 4)}`,
    tier_name: 'VIP',
  });
  expect((await scanAt(closed, made.qr_text)).status).toBe(200);
  expect((await scanAt(closed, made.qr_text)).status).toBe(409);
  // The holder sees the same code.
  const shown = await closed.call('GET', `/api/order/ticket/${other?.ticketId}`, { token: door.buyer });
  const again = tickets.find(({ ticket_id }) => ticket_id === other?.ticketId);
  expect(await readQrCode(Buffer.from(shown.body.qr_code, 'base64'))).toBe(again.qr_text);
});

test('only good tickets are reissued', async () => {
  const pending = await door.platform.place(door.buyer);
  const cancelled = await door.sellOne();
  await door.app.call('DELETE', `/api/order/${cancelled.orderId}`, { token: door.admin });
  await door.sell(30);
  const { tickets } = await reissue(newKey());
  const good = await door.app.sql<{ ticket_id: string }>(
    `SELECT ticket_id FROM tickets JOIN orders USING (order_id)
      WHERE voided_at IS NULL AND status = 'completed' ORDER BY ticket_id`,
  );
  expect(tickets.map(({ ticket_id }) => ticket_id)).toEqual(good.map(({ ticket_id }) => ticket_id));
  expect(tickets.map(({ order_id }) => order_id)).not.toContain(pending);
  expect((await reissue(newKey(), ['--session', randomUUID()])).tickets).toEqual([]);
});

test.each([
  [{ QR_SECRET_KEY: '' }, [], 'QR_SECRET_KEY: must be set'],
  [{ QR_SECRET_KEY: NEW_KEY }, ['--session', 'tonight'], '--session: must be the id'],
])('qr:reissue names what is missing: %j %j', async (env, args, words) => {
  const said = await runScript('qr-reissue', { ...newKey(), ...env }, args);
  expect(said).toMatchObject({ code: 2, err: expect.stringContaining(words) });
});
