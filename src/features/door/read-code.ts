import { AppError } from '../../kernel/errors.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Access } from '../access/index.ts';
import type { EarlierCodes, TicketInQr, TicketSealer } from '../tickets/index.ts';

/** The ticket of a genuine code. A withdrawn code does not admit, because a newer one was issued. */
export interface ReadTicket extends TicketInQr {
  readonly isWithdrawn: boolean;
}

const FORGED = {
  not_a_ticket: 'This is not one of our QR codes. Do not admit.',
  unknown_key: 'This QR code was made with a key that is no longer valid. Send the holder to the box office.',
  forged: 'This QR code is forged or damaged. Do not admit.',
  unread:
    'This QR code is unknown. Codes that the earlier service sold are still being read: scan it again in a few minutes, and do not admit until then.',
} as const;

/** Reads QR texts of this service and of the earlier one. */
export class ReadCode {
  readonly #sealer: Pick<TicketSealer, 'open'>;
  readonly #earlierCodes: Pick<EarlierCodes, 'find'>;

  constructor(sealer: Pick<TicketSealer, 'open'>, earlierCodes: Pick<EarlierCodes, 'find'>) {
    this.#sealer = sealer;
    this.#earlierCodes = earlierCodes;
  }

  /** The ticket of a text, scanned at the door of a session. Throws `ticket_forged`, `ticket_wrong_session`. */
  async read(qrText: string, door: SessionId | undefined): Promise<ReadTicket> {
    const ticket = await this.#open(qrText);
    if (door !== undefined && door !== ticket.sessionId) {
      throw new AppError(
        'ticket_wrong_session',
        'This ticket is for another session. Send the holder to the right door.',
      );
    }
    return ticket;
  }

  async #open(qrText: string): Promise<ReadTicket> {
    const opened = await this.#sealer.open(qrText);
    if (opened.outcome === 'opened') return { ...opened, isWithdrawn: false };
    if (opened.reason !== 'not_a_ticket') throw new AppError('ticket_forged', FORGED[opened.reason]);
    const earlier = await this.#earlierCodes.find(qrText);
    if (earlier.outcome === 'known') return earlier;
    throw new AppError('ticket_forged', FORGED[earlier.outcome === 'unread' ? 'unread' : 'not_a_ticket']);
  }
}

/** Requires a scanner of the ticket's session. Throws `ticket_wrong_session`, `seating_unavailable`. */
export async function requireScanner(access: Access, sessionId: SessionId, who: Principal): Promise<void> {
  const role = await access.roleFor('ticket.check-in', who, { scannedAt: sessionId });
  if (role === undefined) {
    throw new AppError('ticket_wrong_session', 'This ticket is for a session that you do not scan for.');
  }
}

/** Throws `ticket_superseded` for a withdrawn code. */
export function requireCurrentCode({ isWithdrawn }: ReadTicket): void {
  if (!isWithdrawn) return;
  throw new AppError(
    'ticket_superseded',
    'A newer QR code was issued for this ticket. Do not admit with this one; ask for the new one.',
  );
}
