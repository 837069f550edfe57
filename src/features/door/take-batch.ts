import type { Instant } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { CheckInNeeds, ScanRequest } from './check-in.ts';
import { decideScan } from './decide-scan.ts';
import { type ReadTicket, requireCurrentCode, requireScanner } from './read-code.ts';
import { believableTime, type Scan, type Verdict } from './scan.ts';

/** A scan that a device decided without a network. */
export interface OfflineScan extends ScanRequest {
  readonly nonce: string;
  /** The time of the scan by the device's clock. */
  readonly claimedAt: Instant;
}

/** The answer to an offline scan: a verdict on a genuine ticket, or the error. */
export type BatchAnswer =
  | { readonly outcome: 'decided'; readonly scan: Scan; readonly verdict: Verdict }
  | { readonly outcome: 'failed'; readonly error: AppError };

export type TakeBatchNeeds = Pick<CheckInNeeds, 'database' | 'access' | 'readCode' | 'clock'>;

/** Tickets processed in parallel, few enough that a batch leaves database connections to the doors. */
const TICKETS_AT_ONCE = 3;

/** A scan whose code was read, with its index in the batch. */
interface Placed {
  readonly place: number;
  readonly scan: Scan;
  readonly code: ReadTicket;
}

/**
 * Accepts offline scans in any order and any number of times. An invalid scan does not affect the others. If two devices
 * admitted the same ticket, the scan that is received first stands and the other one is a conflict.
 */
export class TakeBatch {
  readonly #needs: TakeBatchNeeds;

  constructor(needs: TakeBatchNeeds) {
    this.#needs = needs;
  }

  /** One answer for each scan, at the same index. */
  async take(scans: readonly OfflineScan[], who: Principal): Promise<BatchAnswer[]> {
    const answers: BatchAnswer[] = [];
    const read: Placed[] = [];
    await eachOf(scans.entries(), TICKETS_AT_ONCE, ([place, offline]) =>
      answerFailure(answers, [place], async () => {
        read.push({ place, ...(await this.#read(offline, who)) });
      }),
    );
    const allowed: Placed[] = [];
    const bySession = Map.groupBy(read, ({ scan }) => scan.sessionId);
    await eachOf(bySession, TICKETS_AT_ONCE, ([sessionId, ofSession]) =>
      this.#allow(sessionId, ofSession, who, allowed, answers),
    );
    // Each scan is its own statement, so no ticket stays locked while another scan is decided.
    await eachOf(byTicket(allowed), TICKETS_AT_ONCE, async (ofTicket) => {
      for (const { place, scan } of ofTicket) {
        await answerFailure(answers, [place], async () => {
          const verdict = await decideScan(this.#needs.database, scan, 'open');
          answers[place] = { outcome: 'decided', scan, verdict };
        });
      }
    });
    return answers;
  }

  async #read(offline: OfflineScan, who: Principal): Promise<Omit<Placed, 'place'>> {
    const { qrText, door, claimedAt, ...request } = offline;
    const receivedAt = this.#needs.clock.now();
    const at = believableTime(claimedAt, receivedAt);
    if (at === undefined) {
      throw new AppError(
        'scan_time_refused',
        'This scan is in the future or over 14 days old. Check the device’s clock.',
      );
    }
    const code = await this.#needs.readCode.read(qrText, door);
    const { ticketId, sessionId } = code;
    return { code, scan: { ...request, ticketId, sessionId, at, receivedAt, isOffline: true, by: who.userId } };
  }

  /** Checks access once for all scans of a session. */
  async #allow(
    sessionId: SessionId,
    ofSession: readonly Placed[],
    who: Principal,
    allowed: Placed[],
    answers: BatchAnswer[],
  ): Promise<void> {
    const places = ofSession.map(({ place }) => place);
    await answerFailure(answers, places, async () => {
      await requireScanner(this.#needs.access, sessionId, who);
      for (const placed of ofSession) {
        await answerFailure(answers, [placed.place], async () => {
          requireCurrentCode(placed.code);
          allowed.push(placed);
        });
      }
    });
  }
}

/** Does the work; if it throws an `AppError`, that error becomes the answer of the scans at these indexes. */
async function answerFailure(
  answers: BatchAnswer[],
  places: readonly number[],
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    for (const place of places) answers[place] = { outcome: 'failed', error };
  }
}

/** The scans of each ticket in the order of their times. */
function byTicket(placed: readonly Placed[]): Iterable<Placed[]> {
  return Map.groupBy(
    placed.toSorted((a, b) => a.scan.at - b.scan.at || a.place - b.place),
    ({ scan }) => scan.ticketId,
  ).values();
}
