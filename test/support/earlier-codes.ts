import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { toBuffer } from 'qrcode';

/** A key of the earlier service. The service never has it, so any key will do. */
const EARLIER_KEY = Buffer.alloc(32, 5).toString('base64');
/** The contents that the picture was sold with. */
export const REAL_TICKET = '8e688506-02b1-48ed-9612-5472dd044744';
export const REAL_ORDER = '8d564400-1273-4e3c-9b7d-cc3beccd2b27';
/** A picture that the earlier service's own code made. */
export const REAL_PICTURE = await readFile(new URL('pictures/earlier-service.png', import.meta.url));

const PICTURE_PX = 256;
const IV_BYTES = 16;

/** The text that the earlier service puts into a ticket's code: different each time, and not authenticated. */
export function earlierText(ticket: Readonly<Record<'ticketId' | 'orderId' | 'seatId' | 'seatLabel', string>>): string {
  const iv = randomBytes(IV_BYTES);
  const key = createHash('sha256').update(EARLIER_KEY).digest();
  const cipher = createCipheriv('aes-256-cfb', key, iv);
  const json = JSON.stringify({
    TicketID: ticket.ticketId,
    OrderID: ticket.orderId,
    SeatID: ticket.seatId,
    SeatLabel: ticket.seatLabel,
    Colour: '#FFD700',
    TierID: '33333333-3333-3333-3333-333333333333',
    TierName: 'VIP',
    QRCode: null,
    PriceAtPurchase: 150.5,
    IssuedAt: '2026-11-24T03:17:16.95404681Z',
    CheckedIn: false,
    CheckedInTime: '0001-01-01T00:00:00Z',
  });
  return Buffer.concat([iv, cipher.update(json), cipher.final()])
    .toString('base64url')
    .replace(/$/, (_end, at: number) => '='.repeat((4 - (at % 4)) % 4));
}

/** The picture of a text, as large as the earlier service draws it. */
export function earlierPicture(text: string): Promise<Buffer> {
  return toBuffer(text, { errorCorrectionLevel: 'M', width: PICTURE_PX });
}
