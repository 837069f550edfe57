import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font } from 'fontkit';
import { unpackWoff } from './woff.ts';

/** A font that PDFs embed, reduced to the glyphs they use. */
export interface PageFont {
  readonly name: string;
  readonly source: Font;
  /** Whether the font shapes and reverses right-to-left text itself. */
  readonly isShaping: boolean;
  covers(codePoint: number): boolean;
  /** Whether it can shape the text. Shaping fails for some rare sequences. */
  canShape(text: string): boolean;
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
    return {
      name,
      source,
      isShaping: name !== 'any',
      covers: (codePoint) => source.hasGlyphForCodePoint(codePoint),
      canShape: (text) => isShaped(source, text),
      emsOf: (text) => source.layout(text, []).advanceWidth / source.unitsPerEm,
    };
  });
  return loaded;
}

function isShaped(font: Font, text: string): boolean {
  try {
    font.layout(text, []);
    return true;
  } catch {
    return false;
  }
}
