import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

/** The text of the QR code in a PNG, read by ZXing: not by our own code. Throws when there is none. */
export async function readQrCode(png: Uint8Array): Promise<string> {
  await prepareQrReader();
  const [found] = await readBarcodes(png, { formats: ['QRCode'] });
  if (!found?.isValid) throw new Error('there is no readable QR code in the picture');
  return found.text;
}

/** Gives ZXing its program by hand: left alone, the package would fetch it from the network. */
export async function prepareQrReader(): Promise<void> {
  const wasm = fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm'));
  const wasmBinary = new Uint8Array(await readFile(wasm)).buffer;
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
}
