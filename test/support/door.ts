import { randomUUID } from 'node:crypto';
import { createTicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { seatsAt } from './fake-seating.ts';
import { newScanner, people } from './people/people.ts';
import { startPlatformApp } from './platform-app.ts';
import type { TestAppOptions } from './test-app.ts';

export const QR_KEY = Buffer.alloc(32, 7).toString('base64');
const CHECK_IN = '/api/order/ticket/checkin';
const MAX_SEATS = 10;

export interface SoldTicket {
  readonly orderId: string;
  readonly ticketId: string;
  readonly seatId: string;
  readonly qrText: string;
}

/** A service with a person on each side of the door. */
export type Door = Awaited<ReturnType<typeof openDoor>>;

export async function openDoor(
  env: Record<string, string> = {},
  options: TestAppOptions = {},
  overrides: Parameters<typeof startPlatformApp>[2] = {},
) {
  const platform = await startPlatformApp({ QR_SECRET_KEY: QR_KEY, ...env }, options, overrides);
  const { app, seating, sessionId } = platform;
  const sealer = await createTicketSealer([QR_KEY]);
  const { buyer, organiser, admin, scanner } = await people(platform);
  const otherScanner = await newScanner(platform);

  async function sellSome(count: number): Promise<SoldTicket[]> {
    const orderId = await buyer.place(seatsAt(seating, ...Array.from({ length: count }, () => 0)));
    const { tickets } = await buyer.checkOut(orderId);
    return Promise.all(
      tickets.map(async ({ ticket_id: ticketId, seat_id: seatId }) => ({
        orderId,
        ticketId,
        seatId,
        qrText: await sealer.seal({ ticketId: as<TicketId>(ticketId), sessionId: as<SessionId>(sessionId) }),
      })),
    );
  }

  /** Tickets of completed orders that cost nothing. */
  async function sell(count: number): Promise<SoldTicket[]> {
    const sold: SoldTicket[] = [];
    while (sold.length < count) sold.push(...(await sellSome(Math.min(MAX_SEATS, count - sold.length))));
    return sold;
  }

  return {
    platform,
    app,
    scanner: scanner.token,
    otherScanner: otherScanner.token,
    organiser: organiser.token,
    admin: admin.token,
    buyer: buyer.token,
    sell,
    async sellOne(): Promise<SoldTicket> {
      const [ticket] = await sell(1);
      if (!ticket) throw new Error('no ticket was sold');
      return ticket;
    },
    /** The body that a scanner's app posts. */
    scan: (qrText: unknown, more: Record<string, unknown> = {}, token = scanner.token) =>
      app.call('POST', CHECK_IN, { token, body: { encrypted_qr: qrText, ...more } }),
    /** The entry that it uploads for a scan made without a network. */
    upload: (scans: readonly unknown[], token = scanner.token) =>
      app.call('POST', '/api/order/scan/batch', { token, body: { scans } }),
    bundle: (since?: string, token = scanner.token) =>
      app.call('GET', `/api/order/scan/sessions/${sessionId}/bundle${since === undefined ? '' : `?since=${since}`}`, {
        token,
      }),
    undo: (ticketId: string) => app.call('DELETE', `/api/order/ticket/${ticketId}/checkin`, { token: organiser.token }),
    /** The scans of a ticket, in the order in which they were recorded. */
    history: (ticketId: string) => app.sql('SELECT * FROM scans WHERE ticket_id = $1 ORDER BY scan_id', [ticketId]),
  };
}

/** A scan as a device without a network keeps it. */
export function offline(
  ticket: Pick<SoldTicket, 'qrText'>,
  device: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    encrypted_qr: ticket.qrText,
    nonce: randomUUID(),
    device_id: device,
    scanned_at: new Date().toISOString(),
    ...more,
  };
}
