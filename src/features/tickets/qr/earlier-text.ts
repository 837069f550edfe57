/**
 * The texts in the QR codes that the earlier service sold: base64url, with padding, of a random IV and a ciphertext that
 * nothing authenticates. Such a text is never opened here. It is known by its hash, which was taken from the picture that
 * the earlier service stored. Without Node-only imports: a scanner's page uses this file, too.
 */

/** 540 characters are usual. A shorter text could hold something that others know, and so could be made by them. */
const MIN_CHARS = 128;
const MAX_CHARS = 2_048;
const BASE64URL = /^[\w-]+={0,2}$/;
/** Half of a SHA-256: nobody finds another text for one of a million hashes of this length. */
const SHORT_HASH_BYTES = 16;

/**
 * The SHA-256 of a text that the earlier service may have made; undefined for anything else. Blanks and line ends that a
 * scanner adds, and padding that it drops, change nothing.
 */
export async function hashEarlierText(text: unknown): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (typeof text !== 'string' || text.length > MAX_CHARS) return undefined;
  const bare = text.trim();
  if (bare.length < MIN_CHARS || !BASE64URL.test(bare)) return undefined;
  const bytes = new TextEncoder().encode(bare.replace(/=+$/, ''));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** A hash as a scanner's bundle spells it: its first half in base64url without padding. */
export function toShortHash(hash: Uint8Array): string {
  return hash.slice(0, SHORT_HASH_BYTES).toBase64({ alphabet: 'base64url', omitPadding: true });
}
