import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EventId, OrderId, SessionId, TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order } from '../orders/index.ts';
import type { SeatingServices } from '../seats/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { type Conflict, conflictsOf, saveReentry, undoCheckIn } from './doors.store.ts';
import { findAtDoor } from './scans.store.ts';

/** What an organiser does about the doors of his sessions; administrators may, too. Others get `forbidden`. */
export interface DoorOversight {
  /** Lets a ticket be scanned again. Throws `ticket_not_found`, `not_checked_in`. */
  undo(ticketId: TicketId, who: Principal): Promise<Ticket>;
  /** Says whether a session lets people in again who were scanned out. Throws `not_found`, `seating_unavailable`. */
  allowReentry(sessionId: SessionId, isAllowed: boolean, who: Principal): Promise<void>;
  /** Scans without a network that let somebody in who should not have been; newest first. */
  conflicts(sessionId: SessionId, page: ConflictsPage, who: Principal): Promise<Conflict[]>;
}

export interface ConflictsPage {
  readonly limit: number;
  /** The number of the last one of the page before. */
  readonly before: number | undefined;
}

export interface DoorOversightOptions {
  readonly database: Database;
  readonly seating: Pick<SeatingServices, 'ownsEvent' | 'ownsSession'>;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
  /** The catalogue's word about a session. */
  readonly findSession: (sessionId: SessionId) => Promise<{ readonly eventId: EventId } | undefined>;
  readonly recordAction: RecordAction;
  readonly clock: Clock;
  readonly currency: Currency;
}

export function createDoorOversight(options: DoorOversightOptions): DoorOversight {
  const { database, seating, findOrder, findSession, recordAction, clock } = options;

  async function demandSession(sessionId: SessionId, who: Principal): Promise<void> {
    if (who.isAdmin || (await seating.ownsSession(sessionId, who.userId))) return;
    throw new AppError('forbidden', 'This session is not yours.');
  }

  return {
    async undo(ticketId, who) {
      const seen = await findAtDoor(database, ticketId);
      const order = seen && (await findOrder(seen.ticket.orderId));
      if (!seen || !order) throw new AppError('ticket_not_found', 'There is no ticket with this id.');
      if (!who.isAdmin && !(await seating.ownsEvent(order.eventId, who.userId))) {
        throw new AppError('forbidden', 'This event is not yours.');
      }
      const undone = await database.transaction(async (tx) => {
        const ticket = await undoCheckIn(tx, ticketId, clock.now(), who.userId);
        if (!ticket) return undefined;
        const { eventId, sessionId, orderId } = order;
        const at = seen.admission && toRfc3339(seen.admission.at);
        await recordAction(tx, {
          actor: who.userId,
          action: 'check_in.undone',
          about: { eventId, sessionId, orderId },
          ticketId,
          before: { checked_in: true, checked_in_time: at ?? null },
          after: { checked_in: false },
        });
        tx.keepAnswer(ticket);
        return ticket;
      });
      if (!undone)
        throw new AppError('not_checked_in', 'Nobody is inside with this ticket: nothing to undo.');
      return undone;
    },
    async allowReentry(sessionId, isAllowed, who) {
      await demandSession(sessionId, who);
      const session = await findSession(sessionId);
      if (!session) throw new AppError('not_found', 'The catalogue has no such session.');
      const { eventId } = session;
      await database.transaction(async (tx) => {
        if (await saveReentry(tx, sessionId, isAllowed)) {
          await recordAction(tx, {
            actor: who.userId,
            action: 'door.changed',
            about: { eventId, sessionId },
            before: { allows_reentry: !isAllowed },
            after: { allows_reentry: isAllowed },
          });
        }
        tx.keepAnswer(undefined);
      });
    },
    async conflicts(sessionId, { limit, before }, who) {
      await demandSession(sessionId, who);
      return conflictsOf(database, sessionId, before, limit);
    },
  };
}
