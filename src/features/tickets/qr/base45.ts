/**
 * Base45, the alphabet that a QR code holds at 5.5 bits a character: https://www.rfc-editor.org/rfc/rfc9285
 * No Node-only imports: scanner pages use this file too.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const BASE = 45;
const PAIR_CHARS = 3;
const BYTE_VALUES = 256;
const PAIR_VALUES = 65_536;

/** Bytes as Base45 text: two bytes to three characters, a last single byte to two. */
export function encodeBase45(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    let value = isPair ? (bytes[at] ?? 0) * BYTE_VALUES + (bytes[at + 1] ?? 0) : (bytes[at] ?? 0);
    for (let digit = isPair ? PAIR_CHARS : 2; digit > 0; digit -= 1) {
      text += ALPHABET[value % BASE];
      value = Math.floor(value / BASE);
    }
  }
  return text;
}

/** The bytes of a Base45 text, or undefined if it is not valid Base45. */
export function decodeBase45(text: string): Uint8Array | undefined {
  if (text.length % PAIR_CHARS === 1) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += PAIR_CHARS) {
    const group = text.slice(at, at + PAIR_CHARS);
    const value = readGroup(group);
    const isPair = group.length === PAIR_CHARS;
    if (value === undefined || value >= (isPair ? PAIR_VALUES : BYTE_VALUES)) return undefined;
    if (isPair) bytes.push(Math.floor(value / BYTE_VALUES));
    bytes.push(value % BYTE_VALUES);
  }
  return Uint8Array.from(bytes);
}

function readGroup(group: string): number | undefined {
  let value = 0;
  for (let at = group.length - 1; at >= 0; at -= 1) {
    const digit = ALPHABET.indexOf(group[at] ?? '');
    if (digit < 0) return undefined;
    value = value * BASE + digit;
  }
  return value;
}
