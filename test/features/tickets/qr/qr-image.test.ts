import { beforeAll, expect, test } from 'vitest';
import { readQrCode } from '../../../../scripts/qr-reader.ts';
import { createQrDrawer } from '../../../../src/features/tickets/qr/qr-image.ts';
import { createTicketSealer } from '../../../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../../../src/kernel/ids.ts';

let text: string;

beforeAll(async () => {
  const sealer = await createTicketSealer([Buffer.alloc(32, 1).toString('base64')]);
  text = await sealer.seal({
    ticketId: as<TicketId>('8e688506-02b1-49ed-9612-5472dd044744'),
    sessionId: as<SessionId>('293bed3f-c670-42f6-9e28-628cd6fec57a'),
  });
});

test('the picture is small, has one bit per pixel, and no data-URL prefix', () => {
  const png = Buffer.from(createQrDrawer()(text), 'base64');
  const [width, height, bits] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24]];
  // Version 8 has 49 modules; with a quiet zone of 4 on either side, at 6 pixels each.
  expect([png.toString('latin1', 1, 4), width, height, bits]).toEqual(['PNG', 342, 342, 1]);
  expect(createQrDrawer()(text)).toMatch(/^iVBORw0KGgo[\w+/]+=*$/);
});

test('another decoder reads the same text from the picture', async () => {
  const picture = createQrDrawer()(text);
  expect(await readQrCode(Buffer.from(picture, 'base64'))).toBe(text);
  expect(createQrDrawer()(text)).toBe(picture);
});
