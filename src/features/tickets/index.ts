export type { EarlierCodes } from './earlier-codes.service.ts';
export type { TicketInQr } from './qr/opener.ts';
export { qrSquares } from './qr/qr-image.ts';
export type { ReadingKeyTexts, TicketSealer } from './qr/sealer.ts';
export { TICKET_COLUMNS, type TicketRow, toTicket } from './ticket.rows.ts';
export type { Ticket } from './ticket.rules.ts';
export { TICKET_EXAMPLE, TicketSchema, TicketsSchema } from './ticket.schemas.ts';
export type { TicketService, TicketView } from './ticket.service.ts';
export { toWireTicket, withNote } from './ticket.wire.ts';
