/**
 * The texts in the QR codes that the earlier service sold: padded base64url of a random IV and an unauthenticated
 * ciphertext. This service never decrypts such a text. It recognises the text by its hash, which it took from the picture
 * that the earlier service stored. No Node-only imports: scanner pages use this file too.
 */

/** The usual length is 540 characters. A much shorter text could be something an attacker can guess, such as an id. */
const MIN_CHARS = 128;
const MAX_CHARS = 2_048;
const BASE64URL = /^[\w-]+={0,2}$/;
/** Half of a SHA-256, long enough that no second text can be found for any of a million hashes. */
const SHORT_HASH_BYTES = 16;

/**
 * The SHA-256 of a text that the earlier service may have written, or undefined for other texts. White space and line
 * ends that a scanner adds and padding that it drops do not change the hash. Lower case does: its letters are digits.
 */
export async function hashEarlierText(text: unknown): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (typeof text !== 'string' || text.length > MAX_CHARS) return undefined;
  const bare = text.replace(/[\t\r\n\ufeff]+/g, '').trim();
  if (bare.length < MIN_CHARS || !BASE64URL.test(bare)) return undefined;
  const bytes = new TextEncoder().encode(bare.replace(/=+$/, ''));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** A hash as it is written in a scanner's bundle: its first half in base64url without padding. */
export function toShortHash(hash: Uint8Array): string {
  return hash.slice(0, SHORT_HASH_BYTES).toBase64({ alphabet: 'base64url', omitPadding: true });
}
