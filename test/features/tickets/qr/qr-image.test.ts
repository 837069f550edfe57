import { beforeAll, describe, expect, test } from 'vitest';
import { readQrCode } from '../../../../scripts/qr-reader.ts';
import { createQrDrawer } from '../../../../src/features/tickets/qr/qr-image.ts';
import { createTicketSealer } from '../../../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId, type UserId } from '../../../../src/kernel/ids.ts';

const [ANN, BEN] = [as<UserId>('ann'), as<UserId>('ben')];
let text: string;

beforeAll(async () => {
  const sealer = await createTicketSealer([Buffer.alloc(32, 1).toString('base64')]);
  text = await sealer.seal({
    ticketId: as<TicketId>('8e688506-02b1-49ed-9612-5472dd044744'),
    sessionId: as<SessionId>('293bed3f-c670-42f6-9e28-628cd6fec57a'),
  });
});

test('the picture is small, has one bit per pixel, and no data-URL prefix', async () => {
  const picture = await createQrDrawer()(text, ANN);
  const png = Buffer.from(picture, 'base64');
  const [width, height, bits] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24]];
  // Version 8 has 49 modules; with a quiet zone of 4 on either side, at 6 pixels each.
  expect([png.toString('latin1', 1, 4), width, height, bits]).toEqual(['PNG', 342, 342, 1]);
  expect(picture).toMatch(/^iVBORw0KGgo[\w+/]+=*$/);
});

test('another decoder reads the same text from the picture', async () => {
  const picture = await createQrDrawer()(text, ANN);
  expect(await readQrCode(Buffer.from(picture, 'base64'))).toBe(text);
  expect(await createQrDrawer()(text, BEN)).toBe(picture);
});

describe('qr-list: a list of 480 pictures', () => {
  const texts = Array.from({ length: 480 }, (_, at) => `TICKET ${at}`);

  test('it is drawn one picture a turn of the event loop, and kept', async () => {
    const draw = createQrDrawer();
    const turnsFor = async (drawn: Promise<unknown>) => {
      let turns = 0;
      let isDrawing = true;
      const turn = () => {
        turns += 1;
        if (isDrawing) setImmediate(turn);
      };
      setImmediate(turn);
      await drawn;
      isDrawing = false;
      return turns;
    };
    const all = () => Promise.all(texts.map((each) => draw(each, ANN)));
    const turns = await turnsFor(Promise.all([all(), all()]));
    expect(turns).toBeGreaterThanOrEqual(texts.length - 1);
    expect(turns).toBeLessThan(1.5 * texts.length);
    expect(await turnsFor(all())).toBeLessThan(5);
  });

  test('it delays another reader’s picture by one', async () => {
    const draw = createQrDrawer();
    let drawn = 0;
    const list = texts.map((each) =>
      draw(each, ANN).then(() => {
        drawn += 1;
      }),
    );
    await list[9];
    const before = drawn;
    await draw(text, BEN);
    expect(drawn - before).toBeLessThanOrEqual(2);
    await Promise.all(list);
  });
});
