import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font } from 'fontkit';
import { unpackWoff } from './woff.ts';

type Features = string[] | Record<string, boolean>;

/** A font that PDFs embed, reduced to the glyphs they use. */
export interface PageFont {
  readonly name: string;
  readonly source: Font;
  covers(codePoint: number): boolean;
  /** Whether it can shape the text. Shaping fails for some rare sequences. */
  canShape(text: string): boolean;
  /** Whether it lays out a text that it can shape from right to left by itself. */
  reverses(text: string): boolean;
  /** The OpenType features with which it is drawn, for the PDF library. */
  features(): Features;
  /** Width in ems of a text that the font can shape. */
  emsOf(text: string): number;
}

/**
 * The fonts in the order in which they are tried. Noto Sans has Latin, Greek, Cyrillic and Devanagari. The last font has a
 * plain glyph for nearly every Unicode character, so that names in any script are readable.
 */
const files = () => ({
  latin: import.meta.resolve('@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf'),
  sinhala: import.meta.resolve('@expo-google-fonts/noto-sans-sinhala/400Regular/NotoSansSinhala_400Regular.ttf'),
  tamil: import.meta.resolve('@expo-google-fonts/noto-sans-tamil/400Regular/NotoSansTamil_400Regular.ttf'),
  arabic: import.meta.resolve('@expo-google-fonts/noto-sans-arabic/400Regular/NotoSansArabic_400Regular.ttf'),
  any: import.meta.resolve('@fontsource/unifontex/files/unifontex-latin-400-normal.woff'),
});

let loaded: readonly PageFont[] | undefined;

/** All fonts, loaded once with the first page. Loading a font again would take 60 ms. */
export function pageFonts(): readonly PageFont[] {
  loaded ??= Object.entries(files()).map(([name, path]) => {
    const file = readFileSync(fileURLToPath(path));
    const source = create(path.endsWith('.woff') ? unpackWoff(file) : file) as Font;
    keepCodePoints(source);
    // An empty list makes the PDF library shape a text as a whole and not word by word. Without `ccmp` an Arabic letter stays
    // one glyph: a dot of its own could not be copied. The font library fills the object, so each call has its own.
    const features = (): Features => (name === 'arabic' ? { ccmp: false } : []);
    const layout = (text: string) => source.layout(text, features());
    return {
      name,
      source,
      features,
      covers: (codePoint) => source.hasGlyphForCodePoint(codePoint),
      canShape: (text) => isShaped(() => layout(text)),
      reverses: (text) => name !== 'any' && layout(text).direction === 'rtl',
      emsOf: (text) => layout(text).advanceWidth / source.unitsPerEm,
    };
  });
  return loaded;
}

/** The font library keeps a glyph without its characters if a PDF first embedded it as a part of another glyph. */
function keepCodePoints(font: Font): void {
  const getGlyph = font.getGlyph.bind(font);
  font.getGlyph = (id, characters = []) => {
    const glyph = getGlyph(id, characters);
    if (glyph && characters.length > 0) glyph.codePoints = characters;
    return glyph;
  };
}

function isShaped(shape: () => unknown): boolean {
  try {
    shape();
    return true;
  } catch {
    return false;
  }
}
