import type { Clock } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { decideScan } from './decide-scan.ts';
import { type ReadCode, requireCurrentCode, requireScanner } from './read-code.ts';
import { toError } from './refusal.ts';
import { type Direction, type DoorHours, type Doors, doorsAt } from './scan.ts';
import type { SessionTimesCache } from './session-times.ts';

/** A scan as a device sends it. */
export interface ScanRequest {
  readonly qrText: string;
  /** The session that this door is for, if the device names one. */
  readonly door: SessionId | undefined;
  readonly direction: Direction;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
  readonly nonce: string | undefined;
}

export interface CheckInNeeds {
  readonly database: Database;
  readonly access: Access;
  readonly readCode: ReadCode;
  readonly times: SessionTimesCache;
  readonly hours: DoorHours;
  readonly clock: Clock;
}

/** Admits the bearer of a QR text once, or records that they leave. */
export class CheckIn {
  readonly #needs: CheckInNeeds;

  constructor(needs: CheckInNeeds) {
    this.#needs = needs;
  }

  /**
   * Throws `ticket_forged`, `ticket_superseded`, `ticket_wrong_session`, `ticket_cancelled`, `ticket_not_paid`,
   * `ticket_too_early`, `ticket_too_late`, `already_checked_in`. For an exit it throws `not_checked_in` and
   * `reentry_not_allowed`, and for a nonce of another scan `idempotency_key_reused`.
   */
  async checkIn({ qrText, door, ...request }: ScanRequest, who: Principal): Promise<Ticket> {
    const read = await this.#needs.readCode.read(qrText, door);
    const { ticketId, sessionId } = read;
    await requireScanner(this.#needs.access, sessionId, who);
    requireCurrentCode(read);
    const doors = await this.#doorsOf(sessionId);
    const at = this.#needs.clock.now();
    const scan = { ...request, ticketId, sessionId, at, receivedAt: at, isOffline: false, by: who.userId };
    const verdict = await decideScan(this.#needs.database, scan, doors);
    if (verdict.outcome === 'refused') throw toError(verdict);
    return verdict.ticket;
  }

  async #doorsOf(sessionId: SessionId): Promise<Doors> {
    const { openMsBefore, closeMsAfter } = this.#needs.hours;
    if (openMsBefore === undefined && closeMsAfter === undefined) return 'open';
    return doorsAt(this.#needs.clock.now(), await this.#needs.times.of(sessionId), this.#needs.hours);
  }
}
