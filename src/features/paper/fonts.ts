import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font } from 'fontkit';
import { unpackWoff } from './woff.ts';

/** A font that pages embed, cut down to the glyphs they use. */
export interface PageFont {
  readonly name: string;
  readonly source: Font;
  /** Whether it shapes scripts that run from right to left, and turns them; else they are drawn a character at a time. */
  readonly isShaping: boolean;
  covers(codePoint: number): boolean;
  /** Whether it can draw the text: shaping rules do not always get through rare sequences. */
  canShape(text: string): boolean;
  /** The width of a text that it can shape, in ems. */
  emsOf(text: string): number;
}

/**
 * In the order in which they are tried. Noto Sans has Latin, Greek, Cyrillic and Devanagari; the last one has a plain
 * glyph for nearly every character there is, so that a name in any script can be read.
 */
const files = () =>
  [
    ['latin', import.meta.resolve('@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf'), true],
    [
      'sinhala',
      import.meta.resolve('@expo-google-fonts/noto-sans-sinhala/400Regular/NotoSansSinhala_400Regular.ttf'),
      true,
    ],
    [
      'tamil',
      import.meta.resolve('@expo-google-fonts/noto-sans-tamil/400Regular/NotoSansTamil_400Regular.ttf'),
      true,
    ],
    [
      'arabic',
      import.meta.resolve('@expo-google-fonts/noto-sans-arabic/400Regular/NotoSansArabic_400Regular.ttf'),
      true,
    ],
    ['any', import.meta.resolve('@fontsource/unifontex/files/unifontex-latin-400-normal.woff'), false],
  ] as const;

let loaded: readonly PageFont[] | undefined;

/** The fonts of all pages, read when the first page is made and kept: to read their rules again takes 60 ms each. */
export function pageFonts(): readonly PageFont[] {
  loaded ??= files().map(([name, path, isShaping]) => {
    const file = readFileSync(fileURLToPath(path));
    const source = create(path.endsWith('.woff') ? unpackWoff(file) : file) as Font;
    return {
      name,
      source,
      isShaping,
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
