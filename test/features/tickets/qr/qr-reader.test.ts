import { randomBytes, randomUUID } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { toBuffer } from 'qrcode';
import { beforeAll, describe, expect, test } from 'vitest';
import { isSmallPng, prepareQrReader, readPicture } from '../../../../src/features/tickets/qr/qr-reader.ts';
import { earlierPicture, earlierText, REAL_PICTURE } from '../../../support/earlier-codes.ts';

beforeAll(prepareQrReader);

describe('legacy-qr: the text in a picture', () => {
  test('it is read from the picture that the earlier service’s own code made', async () => {
    const text = await readPicture(REAL_PICTURE);
    expect(text).toMatch(/^[\w-]{539}=$/);
  });

  test('it is read from pictures of any ticket, also when a long label makes a larger code', async () => {
    const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(label, async (seatLabel) => {
        const ids = { ticketId: randomUUID(), orderId: randomUUID(), seatId: randomUUID() };
        const text = earlierText({ ...ids, seatLabel });
        expect(await readPicture(await earlierPicture(text))).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  test('it is missing from a damaged picture or one that is none, and the reader never rejects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        expect(await readPicture(bytes)).toBeUndefined();
        expect(await readPicture(Buffer.concat([REAL_PICTURE.subarray(0, 33), bytes]))).toBeUndefined();
      }),
    );
    for (let cut = 0; cut < REAL_PICTURE.length - 600; cut += 101) {
      expect(await readPicture(REAL_PICTURE.subarray(0, cut)), `cut at ${cut}`).toBeUndefined();
    }
    // The reader still reads the next picture.
    expect(await readPicture(REAL_PICTURE)).toBeDefined();
  });

  test('it is not read from a picture that claims to be huge, which is not unpacked', async () => {
    const huge = Buffer.from(
      await earlierPicture(earlierText({ ticketId: '', orderId: '', seatId: '', seatLabel: '' })),
    );
    expect(isSmallPng(huge)).toBe(true);
    huge.writeUInt32BE(1_025, 16);
    expect(isSmallPng(huge)).toBe(false);
    expect(await readPicture(huge)).toBeUndefined();
    expect(isSmallPng(deflateSync(randomBytes(100)))).toBe(false);
    expect(isSmallPng(await toBuffer('A', { width: 1_024 }))).toBe(true);
  });
});
