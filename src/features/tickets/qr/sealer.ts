import { LRUCache } from 'lru-cache';
import type { SessionId, TicketId } from '../../../kernel/ids.ts';
import { deriveRootKeys, deriveSessionKeys, type RootKeys, type SessionKeys } from './keys.ts';
import { openQr, type TicketInQr } from './opener.ts';
import { formatQrText, fromUuid, headerOf, join, NONCE_BYTES, parseQrText } from './qr-text.ts';

export type Opened =
  | ({ readonly outcome: 'opened'; readonly keyId: number } & TicketInQr)
  | { readonly outcome: 'refused'; readonly reason: 'not_a_ticket' | 'unknown_key' | 'forged' };

/** Writes and opens the texts in QR codes. */
export interface TicketSealer {
  /** The id of the key that seals. A ticket with another key id was printed before the keys were rotated. */
  readonly currentKeyId: number;
  /** The text of a ticket, always the same for the same ticket. Rejects with a RangeError if an id is not a UUID. */
  seal(ticket: { readonly ticketId: TicketId; readonly sessionId: SessionId }): Promise<string>;
  /** Opens any text. Never rejects. */
  open(text: string): Promise<Opened>;
  /** The keys that open a session's texts, for each valid secret. They cannot create a text. */
  readingKeys(sessionId: SessionId): Promise<ReadingKeyTexts[]>;
}

/** Keys for a scanner of one session, in base64url without padding. */
export interface ReadingKeyTexts {
  readonly keyId: number;
  /** Ed25519, 32 bytes. */
  readonly publicKey: string;
  /** AES-256-GCM, 32 bytes. */
  readonly sealingKey: string;
}

/** Sessions whose keys are cached, for each secret. */
const MAX_CACHED_SESSIONS = 10_000;

interface KeyRing {
  readonly root: RootKeys;
  readonly ofSession: (sessionId: SessionId) => Promise<SessionKeys>;
}

/**
 * A sealer with the secrets of `QR_SECRET_KEY`: the first one seals, all of them open. Rejects if a secret is not base64
 * of 32 bytes.
 */
export async function createTicketSealer(secretsBase64: readonly string[]): Promise<TicketSealer> {
  const rings = await Promise.all(secretsBase64.map(createKeyRing));
  const [current] = rings;
  if (!current) throw new Error('QR_SECRET_KEY: at least one key is required.');
  return {
    currentKeyId: current.root.keyId,
    seal: (ticket) => seal(ticket.ticketId, ticket.sessionId, current),
    async open(text) {
      const parts = parseQrText(text);
      if (!parts) return { outcome: 'refused', reason: 'not_a_ticket' };
      const candidates = rings.filter((ring) => ring.root.keyId === parts.keyId);
      if (candidates.length === 0) return { outcome: 'refused', reason: 'unknown_key' };
      for (const { root, ofSession } of candidates) {
        const { sealingKey } = await ofSession(parts.sessionId);
        const ticket = await openQr(parts, { publicKey: root.publicKey, sealingKey });
        if (ticket) return { outcome: 'opened', keyId: root.keyId, ...ticket };
      }
      return { outcome: 'refused', reason: 'forged' };
    },
    readingKeys: (sessionId) => Promise.all(rings.map((ring) => readingKeysOf(ring, sessionId))),
  };
}

async function readingKeysOf({ root, ofSession }: KeyRing, sessionId: SessionId): Promise<ReadingKeyTexts> {
  const { sealingKey } = await ofSession(sessionId);
  return { keyId: root.keyId, publicKey: await exported(root.publicKey), sealingKey: await exported(sealingKey) };
}

async function exported(key: CryptoKey): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey('raw', key));
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
}

async function createKeyRing(secretBase64: string): Promise<KeyRing> {
  const root = await deriveRootKeys(secretBase64);
  const keys = new LRUCache<SessionId, SessionKeys>({
    max: MAX_CACHED_SESSIONS,
    ignoreFetchAbort: true,
    fetchMethod: (sessionId) => deriveSessionKeys(root, sessionId),
  });
  return { root, ofSession: (sessionId) => keys.forceFetch(sessionId) };
}

async function seal(ticketId: TicketId, sessionId: SessionId, { root, ofSession }: KeyRing): Promise<string> {
  const { sealingKey, nonceKey } = await ofSession(sessionId);
  const header = headerOf(root.keyId, sessionId);
  const ticket = fromUuid(ticketId);
  const signature = await crypto.subtle.sign('Ed25519', root.signingKey, join(header, ticket));
  const plaintext = join(ticket, new Uint8Array(signature));
  // A derived nonce gives the same text for the same ticket, and never repeats for two plaintexts by accident.
  const nonce = new Uint8Array(await crypto.subtle.sign('HMAC', nonceKey, plaintext)).slice(0, NONCE_BYTES);
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: header };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, sealingKey, plaintext));
  return formatQrText(header, nonce, sealed);
}
