import { describe, expect, onTestFinished, test } from 'vitest';
import { PictureReader } from '../../../src/features/tickets/picture-reader.ts';
import { earlierPicture, earlierText, REAL_PICTURE } from '../../support/earlier-codes.ts';

function opened(maxWaitMs?: number) {
  const reader = new PictureReader(maxWaitMs);
  onTestFinished(() => reader.rest());
  return reader;
}

describe('legacy-qr: the thread that reads pictures', () => {
  test('it reads one after the other, and returns nothing for a bad one', async () => {
    const reader = opened();
    await reader.start();
    const text = earlierText({ ticketId: 'a', orderId: 'b', seatId: 'c', seatLabel: 'A12' });
    const picture = await earlierPicture(text);
    for (const [given, read] of [
      [picture, text],
      [Buffer.from('nothing'), undefined],
      [REAL_PICTURE.subarray(0, 900), undefined],
      [picture, text],
    ] as const)
      expect(await reader.read(given)).toBe(read);
  });

  test('it starts again after a rest, and starting twice starts it once', async () => {
    const reader = opened();
    await reader.start();
    await reader.start();
    await reader.rest();
    await expect(reader.read(REAL_PICTURE)).rejects.toThrow('was not started');
    await reader.start();
    expect(await reader.read(REAL_PICTURE)).toBeDefined();
  });

  test('it is ended and reported as failed when it takes too long, and another may start', async () => {
    const reader = opened(1);
    await expect(reader.start()).rejects.toThrow('the thread that reads pictures failed');
    await expect(reader.read(REAL_PICTURE)).rejects.toThrow('was not started');
    await expect(reader.start()).rejects.toThrow('the thread that reads pictures failed');
  });

  test('it reports that it was ended while reading', async () => {
    const reader = opened();
    await reader.start();
    const reading = reader.read(REAL_PICTURE);
    const outcome = reading.then(
      () => 'read',
      (error: Error) => error.message,
    );
    await reader.rest();
    expect(['read', 'the thread that reads pictures failed']).toContain(await outcome);
  });
});
