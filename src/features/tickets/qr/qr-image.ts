import { LRUCache } from 'lru-cache';
import { create } from 'qrcode';
import { encodePng, type Squares } from './png.ts';

/** Pixels a module is drawn with: readable from a phone held at arm's length, and still a small file. */
const PIXELS_PER_MODULE = 6;
/** White modules around it, as ISO/IEC 18004 asks for. */
const QUIET_ZONE_MODULES = 4;
/** Pictures remembered, at about 2 kB each: a buyer looks at the same tickets more than once. */
const MAX_CACHED_PICTURES = 5_000;

/** Draws the QR code of a text as PNG, base64 without a data-URL prefix; the same bytes for the same text. */
export type DrawQr = (text: string) => string;

/** A drawer that remembers the pictures asked for last. */
export function createQrDrawer(): DrawQr {
  const pictures = new LRUCache<string, string>({ max: MAX_CACHED_PICTURES });
  return (text) => {
    const known = pictures.get(text);
    if (known !== undefined) return known;
    const picture = draw(text);
    pictures.set(text, picture);
    return picture;
  };
}

function draw(text: string): string {
  return encodePng(qrSquares(text), PIXELS_PER_MODULE, QUIET_ZONE_MODULES).toString('base64');
}

/** The squares of a QR code, without the white around it. Throws when the text is none of ours. */
export function qrSquares(text: string): Squares {
  const { modules } = create([{ data: text, mode: 'alphanumeric' }], { errorCorrectionLevel: 'M' });
  return { size: modules.size, isBlack: (row, column) => modules.get(row, column) === 1 };
}
