import { hashEarlierText, toShortHash } from './earlier-text.ts';
import { openQr, type ReadingKeys, type TicketInQr } from './opener.ts';
import { parseQrText, type QrParts } from './qr-text.ts';

/**
 * A scanner that decides without a network, for pages and apps. It needs WebCrypto and nothing of Node.
 *
 *     const scanner = await createOfflineScanner(bundle);      // GET .../scan/sessions/{sessionId}/bundle
 *     const verdict = await scanner.scan(textOfTheQrCode);     // decides, and remembers admitted tickets
 *     await scanner.update(changes);                           // GET .../bundle?since={scanner.version}
 *
 * Send its decisions to POST /api/order/scan/batch when the network is back. A bundle cannot be used to create tickets:
 * it holds the key that opens codes and the public key that verifies their signature.
 */
export interface OfflineScanner {
  /** The value for `since`. */
  readonly version: string;
  /**
   * Applies a newer bundle, either complete or with changes only. A ticket that this scanner admitted stays inside until
   * the service has received the scan. Rejects with an Error for a bundle of another session.
   */
  update(bundle: ScannerBundle): Promise<void>;
  /** Decides whether to admit the bearer of this code. Never rejects, whatever the text is. */
  scan(text: unknown): Promise<OfflineVerdict>;
}

/** The JSON of the service's response. */
export interface ScannerBundle {
  readonly session_id: string;
  readonly version: string;
  readonly is_complete: boolean;
  readonly keys: readonly {
    readonly key_id: number;
    readonly public_key: string;
    readonly sealing_key: string;
  }[];
  /** `[ticket id, seat, tier, state]`, and a fifth element if the earlier service sold a code for it: the code's hash. */
  readonly tickets: readonly (readonly string[])[];
}

export type OfflineVerdict =
  | {
      readonly outcome: 'admitted';
      readonly ticketId: string;
      readonly seat: string;
      readonly tier: string;
    }
  /**
   * `forged` also covers codes of the earlier service that belong to another session, were withdrawn or are not in the
   * bundle yet, because a bundle holds only the hashes of its own codes.
   * `not_listed`: genuine, but sold after this bundle was made, or cancelled before. Update, then scan again.
   */
  | {
      readonly outcome: 'refused';
      readonly refusal: 'forged' | 'wrong_session' | 'cancelled' | 'already_checked_in' | 'not_listed';
    };

interface Listed {
  readonly seat: string;
  readonly tier: string;
  readonly state: string;
  /** The hash of the earlier service's code. */
  readonly hash: string | undefined;
}

interface Key extends ReadingKeys {
  readonly keyId: number;
}

/** Creates a scanner from a complete bundle. Rejects with an Error if its keys are invalid. */
export async function createOfflineScanner(bundle: ScannerBundle): Promise<OfflineScanner> {
  const tickets = new Map<string, Listed>();
  /** Tickets by the hashes of the earlier service's codes. */
  const earlier = new Map<string, string>();
  /** Tickets admitted here that no bundle shows as inside yet. */
  const letIn = new Set<string>();
  let { version } = bundle;
  let keys: readonly Key[] = [];

  async function update(newer: ScannerBundle): Promise<void> {
    if (newer.session_id !== bundle.session_id) throw new Error('this bundle belongs to another session');
    keys = await Promise.all(newer.keys.map(importKey));
    if (newer.is_complete) {
      tickets.clear();
      earlier.clear();
    }
    for (const [ticketId = '', seat = '', tier = '', state = '', hash] of newer.tickets) {
      if (state === 'inside' || state === 'void') letIn.delete(ticketId);
      const before = tickets.get(ticketId)?.hash;
      if (before !== undefined) earlier.delete(before);
      if (hash !== undefined) earlier.set(hash, ticketId);
      tickets.set(ticketId, { seat, tier, state: letIn.has(ticketId) ? 'inside' : state, hash });
    }
    version = newer.version;
  }

  /** The ticket id in a text, or the refusal. */
  async function open(text: unknown): Promise<string | OfflineVerdict> {
    const parts = parseQrText(text);
    if (!parts) return (await openEarlier(text)) ?? refused('forged');
    if (parts.sessionId !== bundle.session_id) return refused('wrong_session');
    return (await openWithAny(parts, keys))?.ticketId ?? refused('forged');
  }

  async function openEarlier(text: unknown): Promise<string | undefined> {
    if (earlier.size === 0) return undefined;
    const hash = await hashEarlierText(text);
    return hash && earlier.get(toShortHash(hash));
  }

  await update(bundle);
  return {
    get version() {
      return version;
    },
    update,
    async scan(text) {
      const ticketId = await open(text);
      if (typeof ticketId !== 'string') return ticketId;
      // No await from here on, so two scans of a ticket cannot both find it unused.
      const listed = tickets.get(ticketId);
      if (!listed) return refused('not_listed');
      if (listed.state === 'void') return refused('cancelled');
      if (listed.state === 'inside') return refused('already_checked_in');
      tickets.set(ticketId, { ...listed, state: 'inside' });
      letIn.add(ticketId);
      return { outcome: 'admitted', ticketId, seat: listed.seat, tier: listed.tier };
    },
  };
}

async function openWithAny(parts: QrParts, keys: readonly Key[]): Promise<TicketInQr | undefined> {
  for (const key of keys) {
    const opened = key.keyId === parts.keyId ? await openQr(parts, key) : undefined;
    if (opened) return opened;
  }
  return undefined;
}

async function importKey(key: ScannerBundle['keys'][number]): Promise<Key> {
  const publicBytes = Uint8Array.fromBase64(key.public_key, { alphabet: 'base64url' });
  const sealingBytes = Uint8Array.fromBase64(key.sealing_key, { alphabet: 'base64url' });
  return {
    keyId: key.key_id,
    publicKey: await crypto.subtle.importKey('raw', publicBytes, 'Ed25519', false, ['verify']),
    sealingKey: await crypto.subtle.importKey('raw', sealingBytes, 'AES-GCM', false, ['decrypt']),
  };
}

function refused(refusal: Extract<OfflineVerdict, { outcome: 'refused' }>['refusal']): OfflineVerdict {
  return { outcome: 'refused', refusal };
}
