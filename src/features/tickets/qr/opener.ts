import type { SessionId, TicketId } from '../../../kernel/ids.ts';
import { ID_BYTES, join, type QrParts, toUuid } from './qr-text.ts';

/** The keys that open the QR texts of a session. They cannot create one. */
export interface ReadingKeys {
  /** Ed25519, verifies the signature. */
  readonly publicKey: CryptoKey;
  /** AES-256-GCM of one session. */
  readonly sealingKey: CryptoKey;
}

export interface TicketInQr {
  readonly ticketId: TicketId;
  readonly sessionId: SessionId;
}

/**
 * Opens a QR text with a session's keys. Returns undefined unless the text was sealed for that session and signed by the
 * service. No Node-only imports: scanner pages use this file too.
 */
export async function openQr(parts: QrParts, keys: ReadingKeys): Promise<TicketInQr | undefined> {
  const opened = await decrypt(parts, keys.sealingKey);
  if (!opened) return undefined;
  const ticketBytes = opened.slice(0, ID_BYTES);
  const signature = opened.slice(ID_BYTES);
  const signed = join(parts.header, ticketBytes);
  const isGenuine = await crypto.subtle.verify('Ed25519', keys.publicKey, signature, signed);
  return isGenuine ? { ticketId: toUuid(ticketBytes) as TicketId, sessionId: parts.sessionId } : undefined;
}

async function decrypt(parts: QrParts, key: CryptoKey): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const algorithm = { name: 'AES-GCM', iv: parts.nonce, additionalData: parts.header };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, parts.sealed));
  } catch {
    // The only possible failure is a wrong tag: the text is forged or belongs to another session.
    return undefined;
  }
}
