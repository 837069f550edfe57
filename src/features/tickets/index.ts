export type { EarlierCodes } from './earlier-codes.ts';
export { toWireTicket, withNote } from './json.ts';
export type { TicketInQr } from './qr/opener.ts';
export { qrSquares } from './qr/qr-image.ts';
export type { ReadingKeyTexts, TicketSealer } from './qr/sealer.ts';
export { TICKET_EXAMPLE, TicketSchema, TicketsSchema } from './schemas.ts';
export { TICKET_COLUMNS, type TicketRow, toTicket } from './ticket.rows.ts';
export type { Ticket } from './ticket.ts';
export type { TicketService, TicketView } from './view-tickets.ts';
