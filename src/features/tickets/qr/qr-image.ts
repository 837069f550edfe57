import { toBuffer } from 'qrcode';

/** Pixels a module is drawn with: readable from a phone held at arm's length, and still a small file. */
const PIXELS_PER_MODULE = 6;
/** White modules around it, as ISO/IEC 18004 asks for. */
const QUIET_ZONE_MODULES = 4;

/** The QR code of a text as PNG, base64 without a data-URL prefix; the same bytes for the same text. */
export async function qrPngBase64(text: string): Promise<string> {
  const png = await toBuffer([{ data: text, mode: 'alphanumeric' }], {
    type: 'png',
    errorCorrectionLevel: 'M',
    scale: PIXELS_PER_MODULE,
    margin: QUIET_ZONE_MODULES,
  });
  return png.toString('base64');
}
