import { as, type SessionId, type TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { withdrawEarlierCodes } from './earlier-codes.store.ts';
import type { TicketSealer } from './qr/sealer.ts';
import { goodTicketsAfter, type PrintedTicket } from './reissue.store.ts';

const PAGE = 500;
const FIRST = as<TicketId>('00000000-0000-0000-0000-000000000000');

/**
 * Yields every good ticket of one session, or of all sessions, with its QR text under the current key. The text depends
 * only on ticket and key, so each run gives the same, and holders who open their tickets see it as well. The codes that the
 * earlier service sold are withdrawn page by page, after the caller has taken the new texts, so an interrupted run can be
 * repeated.
 */
export async function* reissueCodes(
  executor: Executor,
  sealer: Pick<TicketSealer, 'seal'>,
  sessionId: SessionId | undefined,
): AsyncGenerator<ReturnType<typeof toReissued>> {
  for (let after: TicketId | undefined = FIRST; after !== undefined; ) {
    const page: PrintedTicket[] = await goodTicketsAfter(executor, after, sessionId, PAGE);
    for (const ticket of page) yield toReissued(ticket, await sealer.seal(ticket));
    const ticketIds = page.map(({ ticketId }) => ticketId);
    if (ticketIds.length > 0) await withdrawEarlierCodes(executor, ticketIds);
    after = ticketIds.at(-1);
  }
}

/** A ticket with the text of its QR code, as `npm run qr:reissue` writes it. */
function toReissued(ticket: PrintedTicket, qrText: string) {
  return {
    ticket_id: ticket.ticketId,
    order_id: ticket.orderId,
    session_id: ticket.sessionId,
    seat_label: ticket.seatLabel,
    tier_name: ticket.tierName,
    qr_text: qrText,
  };
}
