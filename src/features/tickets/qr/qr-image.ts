import { LRUCache } from 'lru-cache';
import { create } from 'qrcode';
import { encodePng, type Squares } from './png.ts';

/** Pixels per module: readable from a phone at arm's length, and still a small file. */
const PIXELS_PER_MODULE = 6;
/** White modules around the code, as ISO/IEC 18004 requires. */
const QUIET_ZONE_MODULES = 4;
/** Cached pictures, about 2 kB each. Buyers look at the same tickets more than once. */
const MAX_CACHED_PICTURES = 5_000;

/** Draws a text as a QR code: a PNG in base64 without a data-URL prefix. The same text always gives the same bytes. */
export type DrawQr = (text: string) => string;

/** A drawer that caches the most recent pictures. */
export function createQrDrawer(): DrawQr {
  const pictures = new LRUCache<string, string>({ max: MAX_CACHED_PICTURES, memoMethod: draw });
  return (text) => pictures.memo(text);
}

function draw(text: string): string {
  return encodePng(qrSquares(text), PIXELS_PER_MODULE, QUIET_ZONE_MODULES).toString('base64');
}

/** The squares of a QR code without its white border. Throws if the text has characters outside the alphanumeric mode. */
export function qrSquares(text: string): Squares {
  const { modules } = create([{ data: text, mode: 'alphanumeric' }], { errorCorrectionLevel: 'M' });
  return { size: modules.size, isBlack: (row, column) => modules.get(row, column) === 1 };
}
