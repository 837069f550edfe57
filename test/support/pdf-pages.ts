import { PDFiumLibrary } from '@hyzyla/pdfium';
import { readBarcodes } from 'zxing-wasm/reader';
import { prepareQrReader } from '../../src/features/tickets/qr/qr-reader.ts';

/** A page as PDFium draws it: four bytes a pixel. */
export interface Picture {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

export interface RenderedPage {
  readonly text: string;
  readonly picture: Picture;
}

export const PIXELS_PER_CM = 60;
const POINTS_PER_CM = 72 / 2.54;

/** The pages of a PDF, drawn by PDFium, and the text that it finds on them. */
export async function renderPages(pdf: Uint8Array): Promise<RenderedPage[]> {
  const library = await PDFiumLibrary.init();
  try {
    const document = await library.loadDocument(pdf);
    const pages: RenderedPage[] = [];
    for (const page of document.pages()) {
      const text = page.getText();
      const { data, width, height } = await page.render({
        scale: PIXELS_PER_CM / POINTS_PER_CM,
        render: async (options) => options.data,
      });
      pages.push({ text, picture: { data: new Uint8ClampedArray(data), width, height } });
    }
    document.destroy();
    return pages;
  } finally {
    library.destroy();
  }
}

/** The same picture as a printer without colour renders it: in grey, or only black and white. */
export function printed(picture: Picture, isBlackAndWhite: boolean): Picture {
  const data = new Uint8ClampedArray(picture.data);
  for (let at = 0; at < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
    const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
    data.fill(isBlackAndWhite ? (grey < 128 ? 0 : 255) : grey, at, at + 3);
  }
  return { ...picture, data };
}

/** The position and the text of a QR code, by ZXing; pixels. */
export interface FoundCode {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** The QR codes in a picture. */
export async function codesIn(picture: Picture): Promise<FoundCode[]> {
  await prepareQrReader();
  const found = await readBarcodes({ ...picture, colorSpace: 'srgb' } as Parameters<typeof readBarcodes>[0], {
    formats: ['QRCode'],
  });
  return found.map(({ text, position: { topLeft, topRight } }) => ({
    text,
    left: topLeft.x,
    top: topLeft.y,
    side: topRight.x - topLeft.x,
  }));
}
