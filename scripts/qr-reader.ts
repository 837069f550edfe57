import { readBarcodes } from 'zxing-wasm/reader';
import { prepareQrReader } from '../src/features/tickets/qr/qr-reader.ts';

/** The text of the QR code in a PNG, read by ZXing, which is independent of our own code. Throws when there is none. */
export async function readQrCode(png: Uint8Array): Promise<string> {
  await prepareQrReader();
  const [found] = await readBarcodes(png, { formats: ['QRCode'] });
  if (!found?.isValid) throw new Error('there is no readable QR code in the image');
  return found.text;
}
