import type { Clock, Instant } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { ReadTicket, ScanRequest } from './check-in.ts';
import { believableTime, type Scan, type Verdict } from './scan.ts';
import type { Turnstile } from './turnstile.ts';

/** A scan that a device decided on without a network. */
export interface OfflineScan extends ScanRequest {
  readonly nonce: string;
  /** By the device's clock. */
  readonly claimedAt: Instant;
}

/** What became of an offline scan: a verdict on a genuine ticket, or why there is none. */
export type BatchAnswer =
  | { readonly outcome: 'judged'; readonly scan: Scan; readonly verdict: Verdict }
  | { readonly outcome: 'failed'; readonly error: AppError };

/**
 * Takes scans in any order and any number of times; an answer for each, at its place. One that is bad spoils no other.
 * Of two devices that let the same ticket in, the one that is heard first is right, and the other's is a conflict.
 */
export type TakeBatch = (scans: readonly OfflineScan[], who: Principal) => Promise<BatchAnswer[]>;

export interface BatchOptions {
  /** One for each batch. */
  readonly createReader: () => ReadTicket;
  readonly turnstile: Turnstile;
  readonly clock: Clock;
}

/** Tickets worked on at a time, so that a batch leaves connections to the doors. */
const TICKETS_AT_ONCE = 3;

interface Placed {
  readonly scan: Scan;
  readonly place: number;
}

export function createTakeBatch({ createReader, turnstile, clock }: BatchOptions): TakeBatch {
  async function open(offline: OfflineScan, readTicket: ReadTicket, who: Principal): Promise<Scan> {
    const receivedAt = clock.now();
    const at = believableTime(offline.claimedAt, receivedAt);
    if (at === undefined) {
      throw new AppError(
        'scan_time_refused',
        'This scan is in the future or over 14 days old. Mend the device’s clock.',
      );
    }
    const { ticketId, sessionId } = await readTicket(offline.qrText, offline.door, who);
    const { direction, gate, deviceId, nonce } = offline;
    return {
      ticketId,
      sessionId,
      direction,
      at,
      receivedAt,
      isOffline: true,
      by: who.userId,
      gate,
      deviceId,
      nonce,
    };
  }

  return async (scans, who) => {
    const readTicket = createReader();
    const answers: BatchAnswer[] = [];
    const opened: Placed[] = [];
    const settle = async (place: number, work: () => Promise<void>) => {
      await work().catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        answers[place] = { outcome: 'failed', error };
      });
    };
    await eachOf(scans.entries(), TICKETS_AT_ONCE, ([place, offline]) =>
      settle(place, async () => {
        opened.push({ place, scan: await open(offline, readTicket, who) });
      }),
    );
    // Each scan is a statement of its own: none holds a ticket while another is looked at.
    await eachOf(byTicket(opened), TICKETS_AT_ONCE, async (ofTicket) => {
      for (const { place, scan } of ofTicket) {
        await settle(place, async () => {
          answers[place] = { outcome: 'judged', scan, verdict: await turnstile(scan, 'open') };
        });
      }
    });
    return answers;
  };
}

/** The scans of each ticket in the order they were made. */
function byTicket(opened: readonly Placed[]): Iterable<Placed[]> {
  return Map.groupBy(
    opened.toSorted((a, b) => a.scan.at - b.scan.at || a.place - b.place),
    ({ scan }) => scan.ticketId,
  ).values();
}
