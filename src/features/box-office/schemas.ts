import { Type } from 'typebox';
import { PLAIN_TEXT, Uuid } from '../../platform/http/schemas.ts';
import { SeatIdSchema } from '../orders/index.ts';

const MAX_NOTE_CHARS = 300;
const MAX_LABEL_CHARS = 64;

const NoteSchema = Type.String({
  maxLength: MAX_NOTE_CHARS,
  ...PLAIN_TEXT,
  description: 'A note about the holder, which the organiser, the holder and scanners can read',
});

export const TicketIssueSchema = Type.Object(
  {
    event_id: Uuid('The event', '3471e132-69f2-4764-ac79-e5ad57111483'),
    session_id: Uuid('One of its sessions', '293bed3f-c670-42f6-9e28-628cd6fec57a'),
    seat_id: SeatIdSchema,
    tier_id: Type.Optional(Uuid('The expected tier of the seat; the request is refused when the seat has another')),
    price: Type.Number({
      minimum: 0,
      description: 'Major units: 0 for a complimentary ticket, otherwise the cash received',
    }),
    note: Type.Optional(NoteSchema),
  },
  {
    examples: [
      {
        event_id: '3471e132-69f2-4764-ac79-e5ad57111483',
        session_id: '293bed3f-c670-42f6-9e28-628cd6fec57a',
        seat_id: '011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0',
        tier_id: '33333333-3333-3333-3333-333333333333',
        price: 0,
        note: 'Guest of the band',
      },
    ],
  },
);

/** A field that is absent is not changed. Other fields of a ticket are refused, each with its reason. */
export const TicketAmendSchema = Type.Object(
  {
    seat_id: Type.Optional(SeatIdSchema),
    seat_label: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_LABEL_CHARS,
        ...PLAIN_TEXT,
        description: 'Label on the ticket; when only the seat changes, the new seat’s label',
      }),
    ),
    note: Type.Optional(NoteSchema),
  },
  {
    minProperties: 1,
    additionalProperties: true,
    examples: [{ seat_id: '011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0', note: 'Needs a ramp' }],
  },
);

export const TicketVoidQuerySchema = Type.Object({
  refund: Type.Boolean({ default: false, description: 'Whether the ticket is refunded; the caller hands cash back' }),
});

export const TicketParamsSchema = Type.Object({ ticketId: Uuid('The ticket') });
