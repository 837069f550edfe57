import type { SessionId } from '../../../kernel/ids.ts';
import { fromUuid, join } from './qr-text.ts';

/**
 * The keys of QR texts, all derived from one secret by HKDF-SHA-256 (RFC 5869). Each has its own label, so that no key
 * reveals anything about another. No Node-only imports.
 */
const LABELS = {
  keyId: 'ms-ticketing qr v1 key id',
  signing: 'ms-ticketing qr v1 signing',
  sealing: 'ms-ticketing qr v1 sealing of session ',
  nonce: 'ms-ticketing qr v1 nonce of session ',
} as const;

const SECRET_BYTES = 32;
const KEY_BITS = 256;
const ED25519 = { name: 'Ed25519' } as const;
/** The bytes before the 32 secret bytes of an Ed25519 key in PKCS #8: https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const PKCS8_PREFIX = Uint8Array.fromHex('302e020100300506032b657004220420');

/** The keys of one secret that are the same for all sessions. */
export interface RootKeys {
  readonly keyId: number;
  readonly secret: CryptoKey;
  readonly signingKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** The keys of one session. Scanners receive only the sealing key. */
export interface SessionKeys {
  readonly sealingKey: CryptoKey;
  readonly nonceKey: CryptoKey;
}

/** Derives the keys of a secret. Throws, without quoting the secret, if it is not base64 of 32 bytes. */
export async function deriveRootKeys(secretBase64: string): Promise<RootKeys> {
  const secret = await crypto.subtle.importKey('raw', decodeSecret(secretBase64), 'HKDF', false, ['deriveBits']);
  const [keyId = 0] = await derive(secret, label(LABELS.keyId));
  const seed = await derive(secret, label(LABELS.signing));
  const signingKey = await crypto.subtle.importKey('pkcs8', join(PKCS8_PREFIX, seed), ED25519, true, ['sign']);
  const { x = '' } = await crypto.subtle.exportKey('jwk', signingKey);
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x };
  const publicKey = await crypto.subtle.importKey('jwk', publicJwk, ED25519, true, ['verify']);
  return { keyId, secret, signingKey, publicKey };
}

export async function deriveSessionKeys({ secret }: RootKeys, sessionId: SessionId): Promise<SessionKeys> {
  const session = fromUuid(sessionId);
  const sealing = await derive(secret, join(label(LABELS.sealing), session));
  const nonce = await derive(secret, join(label(LABELS.nonce), session));
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  return {
    sealingKey: await crypto.subtle.importKey('raw', sealing, 'AES-GCM', true, ['encrypt', 'decrypt']),
    nonceKey: await crypto.subtle.importKey('raw', nonce, hmac, false, ['sign']),
  };
}

async function derive(secret: CryptoKey, info: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, secret, KEY_BITS));
}

function label(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decodeSecret(base64: string): Uint8Array<ArrayBuffer> {
  const bytes = tryDecode(base64);
  if (bytes?.length !== SECRET_BYTES) throw new Error('QR_SECRET_KEY: each key must be base64 of 32 bytes.');
  return bytes;
}

function tryDecode(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return undefined;
  }
}
