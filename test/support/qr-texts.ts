import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Ticket } from './people/people.ts';

/** The text of a ticket's QR code, read from its picture as a scanner does. */
export function qrTextOf({ ticket_id, qr_code }: Pick<Ticket, 'ticket_id' | 'qr_code'>): Promise<string> {
  if (qr_code === undefined) throw new Error(`ticket ${ticket_id} has no QR code`);
  return readQrCode(Buffer.from(qr_code, 'base64'));
}
