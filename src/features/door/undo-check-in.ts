import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Ticket, ViewTickets } from '../tickets/index.ts';
import { undoCheckIn } from './doors.store.ts';
import { findAtDoor } from './scans.store.ts';

export interface UndoCheckInNeeds {
  readonly database: Database;
  readonly access: Access;
  readonly tickets: Pick<ViewTickets, 'find'>;
  readonly recordAction: RecordAction;
  readonly clock: Clock;
}

export class UndoCheckIn {
  readonly #needs: UndoCheckInNeeds;

  constructor(needs: UndoCheckInNeeds) {
    this.#needs = needs;
  }

  /** For the organiser and administrators. Throws `ticket_not_found`, `forbidden`, `not_checked_in`. */
  async undo(ticketId: TicketId, who: Principal): Promise<Ticket> {
    const { ticket, holderId, eventId } = await this.#needs.tickets.find(ticketId);
    await this.#needs.access.require('ticket.undo-check-in', who, {
      owner: holderId,
      event: eventId,
      scannedAt: ticket.sessionId,
    });
    const seen = await findAtDoor(this.#needs.database, ticketId);
    const at = seen?.admission && toRfc3339(seen.admission.at);
    const undone = await this.#needs.database.transaction(async (tx) => {
      const outside = await undoCheckIn(tx, ticketId, this.#needs.clock.now(), who.userId);
      if (!outside) return undefined;
      await this.#needs.recordAction(tx, {
        actor: who.userId,
        action: 'check_in.undone',
        about: { eventId, sessionId: ticket.sessionId, orderId: ticket.orderId },
        ticketId,
        before: { checked_in: true, checked_in_time: at ?? null },
        after: { checked_in: false },
      });
      tx.keepAnswer(outside);
      return outside;
    });
    if (!undone) throw new AppError('not_checked_in', 'This ticket is not checked in, so there is nothing to undo.');
    return undone;
  }
}
