import { hashEarlierText, toShortHash } from './earlier-text.ts';
import { openQr, type ReadingKeys, type TicketInQr } from './opener.ts';
import { parseQrText, type QrParts } from './qr-text.ts';

/**
 * A scanner that decides without a network, for pages and apps: WebCrypto and nothing of Node.
 *
 *     const scanner = await createOfflineScanner(bundle);      // GET .../scan/sessions/{sessionId}/bundle
 *     const verdict = await scanner.scan(textOfTheQrCode);     // decides, and remembers the tickets it let in
 *     await scanner.update(changes);                           // GET .../bundle?since={scanner.version}
 *
 * What it decided goes to POST /api/order/scan/batch when the network is back. Nobody can make a ticket from a bundle:
 * it holds the key that opens codes and the public key that checks their signature.
 */
export interface OfflineScanner {
  /** For `since`. */
  readonly version: string;
  /**
   * Takes a newer bundle, whole or only what changed; a ticket that this scanner let in stays inside until the service has
   * received the scan. Rejects with an Error when it is of another session.
   */
  update(bundle: ScannerBundle): Promise<void>;
  /** Whether to let the bearer of this code in; whatever the text is, this never rejects. */
  scan(text: unknown): Promise<OfflineVerdict>;
}

/** The answer of the service, as it comes. */
export interface ScannerBundle {
  readonly session_id: string;
  readonly version: string;
  readonly is_complete: boolean;
  readonly keys: readonly {
    readonly key_id: number;
    readonly public_key: string;
    readonly sealing_key: string;
  }[];
  /** `[ticket id, seat, tier, state]`; a fifth is the hash of the code that the earlier service sold for it. */
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
   * `forged`: an earlier service's code, too, that is of another session, or was withdrawn or is not in the bundle yet: a
   * bundle knows it by its hash alone.
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
  /** Of the earlier service's code. */
  readonly hash: string | undefined;
}

interface Key extends ReadingKeys {
  readonly keyId: number;
}

/** A scanner with a complete bundle. Rejects with an Error when its keys are none. */
export async function createOfflineScanner(bundle: ScannerBundle): Promise<OfflineScanner> {
  const tickets = new Map<string, Listed>();
  /** Tickets by the hashes of the earlier service's codes. */
  const earlier = new Map<string, string>();
  /** Let in here, and not yet in a bundle. */
  const letIn = new Set<string>();
  let { version } = bundle;
  let keys: readonly Key[] = [];

  async function update(newer: ScannerBundle): Promise<void> {
    if (newer.session_id !== bundle.session_id) throw new Error('this bundle is of another session');
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

  /** The ticket of a text, or why there is none. */
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
      // From here to the end nothing waits, so two scans of a ticket cannot both find it unused.
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
