import type { SessionId, TicketId } from '../../../kernel/ids.ts';
import { ID_BYTES, join, type QrParts, toUuid } from './qr-text.ts';

/** All that a scanner of a session needs, and nothing that could make a ticket. */
export interface ReadingKeys {
  /** Ed25519, to check the signature. */
  readonly publicKey: CryptoKey;
  /** AES-256-GCM of one session. */
  readonly sealingKey: CryptoKey;
}

export interface TicketInQr {
  readonly ticketId: TicketId;
  readonly sessionId: SessionId;
}

/**
 * Opens the parts of a QR text with a session's keys: undefined unless it was sealed for that session and signed by
 * the service. Without Node-only imports: a scanner's page uses this file, too.
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
    // A tag that does not fit is the only failure there is: the text is forged or for another session.
    return undefined;
  }
}
