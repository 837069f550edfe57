import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { create } from 'qrcode';
import { FairTurns } from '../../../kernel/fair-turns.ts';
import type { UserId } from '../../../kernel/ids.ts';
import { encodePng, type Squares } from './png.ts';

/** Pixels per module: readable from a phone at arm's length, and still a small file. */
const PIXELS_PER_MODULE = 6;
/** White modules around the code, as ISO/IEC 18004 requires. */
const QUIET_ZONE_MODULES = 4;
/** Cached pictures, about 2 kB each. Buyers look at the same tickets more than once. */
const MAX_CACHED_PICTURES = 5_000;

/**
 * Draws a text as a QR code: a PNG in base64 without a data-URL prefix. The same text always gives the same bytes. Readers take
 * turns picture by picture, so a reader of many waits for the others and not they for them.
 */
export type DrawQr = (text: string, reader: UserId) => Promise<string>;

/** A drawer that keeps the most recent pictures. Concurrent requests for a picture share its drawing. */
export function createQrDrawer(): DrawQr {
  const turns = new FairTurns<UserId>();
  const pictures = new LRUCache<string, string, UserId>({
    max: MAX_CACHED_PICTURES,
    ignoreFetchAbort: true,
    fetchMethod: (text, _known, { context: reader }) =>
      turns.run(reader, async () => {
        // A picture takes two milliseconds: between two of them the process does everything else that is due.
        await setImmediate();
        return draw(text);
      }),
  });
  return (text, reader) => pictures.forceFetch(text, { context: reader });
}

function draw(text: string): string {
  return encodePng(qrSquares(text), PIXELS_PER_MODULE, QUIET_ZONE_MODULES).toString('base64');
}

/** The squares of a QR code without its white border. Throws if the text has characters outside the alphanumeric mode. */
export function qrSquares(text: string): Squares {
  const { modules } = create([{ data: text, mode: 'alphanumeric' }], { errorCorrectionLevel: 'M' });
  return { size: modules.size, isBlack: (row, column) => modules.get(row, column) === 1 };
}
