import type { SessionId, TicketId } from '../../../kernel/ids.ts';
import { decodeBase45, encodeBase45 } from './base45.ts';

/**
 * The layout of a QR text (design section 4). Base45 of:
 *
 * | bytes | what                                                                         |
 * |-------|------------------------------------------------------------------------------|
 * | 1     | version                                                                      |
 * | 1     | key id                                                                       |
 * | 16    | session id, not encrypted; authenticated with the two bytes before it         |
 * | 12    | nonce of AES-256-GCM, derived from the plaintext                              |
 * | 80    | encrypted: ticket id (16), Ed25519 signature over header and ticket id (64)   |
 * | 16    | GCM tag                                                                      |
 *
 * 126 bytes become 189 characters: a QR code of version 8 at error correction M.
 * No Node-only imports: scanner pages use this file too.
 */
export const VERSION = 1;
export const HEADER_BYTES = 18;
export const ID_BYTES = 16;
export const NONCE_BYTES = 12;
export const SIGNATURE_BYTES = 64;
export const TAG_BYTES = 16;
const SEALED_BYTES = ID_BYTES + SIGNATURE_BYTES + TAG_BYTES;
const TOTAL_BYTES = HEADER_BYTES + NONCE_BYTES + SEALED_BYTES;
/** Base45 turns two bytes into three characters. All our texts have this length; others are rejected at once. */
const TEXT_CHARS = (TOTAL_BYTES / 2) * 3;
/** White space and line ends that scanners, pages and mails may add. */
const MAX_ADDED_CHARS = 64;
const KEY_ID_AT = 1;
const SESSION_AT = 2;

export interface QrParts {
  readonly keyId: number;
  readonly sessionId: SessionId;
  readonly header: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/**
 * Splits one of our texts into its parts without opening it. Returns undefined for anything else, cheaply. Line ends, blanks
 * around the text and lower case do not matter.
 */
export function parseQrText(text: unknown): QrParts | undefined {
  const bare = typeof text === 'string' && text.length <= TEXT_CHARS + MAX_ADDED_CHARS ? restored(text) : '';
  if (bare.length !== TEXT_CHARS) return undefined;
  const bytes = decodeBase45(bare);
  if (bytes?.length !== TOTAL_BYTES || bytes[0] !== VERSION) return undefined;
  const header = bytes.slice(0, HEADER_BYTES);
  return {
    keyId: header[KEY_ID_AT] ?? 0,
    sessionId: toUuid(header.slice(SESSION_AT)) as SessionId,
    header,
    nonce: bytes.slice(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
    sealed: bytes.slice(HEADER_BYTES + NONCE_BYTES),
  };
}

/**
 * A text as it was written, if it was only cleaned up since. A blank is a Base45 digit: with some key ids each text begins
 * with one, which is lost when somebody trims it. No text ends with one.
 */
function restored(text: string): string {
  const bare = text.replace(/[\t\r\n\ufeff]+/g, '').replaceAll('\u00a0', ' ');
  const trimmed = bare.trim().replace(/[a-z]+/g, (letters) => letters.toUpperCase());
  return trimmed.length === TEXT_CHARS - 1 ? ` ${trimmed}` : trimmed;
}

export function formatQrText(header: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): string {
  return encodeBase45(join(header, nonce, sealed));
}

/** The unencrypted bytes before a ticket, which are authenticated with it. Throws as `fromUuid` does. */
export function headerOf(keyId: number, sessionId: SessionId): Uint8Array<ArrayBuffer> {
  return join(Uint8Array.of(VERSION, keyId), fromUuid(sessionId));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The 16 bytes of a canonical UUID. Throws a RangeError for other ids, because their QR text could never be opened. */
export function fromUuid(uuid: TicketId | SessionId): Uint8Array<ArrayBuffer> {
  if (!UUID.test(uuid)) throw new RangeError('only canonical UUIDs can be sealed');
  return Uint8Array.fromHex(uuid.replaceAll('-', ''));
}

/** The canonical UUID of 16 bytes. */
export function toUuid(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
