import { as, type SessionId, type TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { withdrawEarlierCodes } from './earlier-codes.store.ts';
import type { TicketSealer } from './qr/sealer.ts';
import { goodTicketsAfter, type PrintedTicket } from './reissue.store.ts';

/** A ticket with the text of its QR code under the current key. */
export interface ReissuedTicket extends PrintedTicket {
  readonly qr_text: string;
}

const PAGE = 500;
const FIRST = as<TicketId>('00000000-0000-0000-0000-000000000000');

/**
 * Every good ticket with its new QR text, of one session or of all. The text follows from ticket and key, so each time
 * gives the same, and holders who look their tickets up see it anyhow. A code that the earlier service sold for a ticket is
 * withdrawn after the caller has taken the page with its new text, so a run that stops can be repeated.
 */
export async function* reissueCodes(
  executor: Executor,
  sealer: Pick<TicketSealer, 'seal'>,
  sessionId: SessionId | undefined,
): AsyncGenerator<ReissuedTicket> {
  for (let after: TicketId | undefined = FIRST; after !== undefined; ) {
    const page: PrintedTicket[] = await goodTicketsAfter(executor, after, sessionId, PAGE);
    for (const ticket of page) {
      const ids = { ticketId: ticket.ticket_id, sessionId: ticket.session_id };
      yield { ...ticket, qr_text: await sealer.seal(ids) };
    }
    if (page.length > 0) {
      await withdrawEarlierCodes(
        executor,
        page.map(({ ticket_id: ticketId }) => ticketId),
      );
    }
    after = page.at(-1)?.ticket_id;
  }
}
