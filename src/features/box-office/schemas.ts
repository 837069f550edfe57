import { Type } from 'typebox';
import { PLAIN_TEXT, Uuid } from '../../platform/http/schemas.ts';
import { SeatIdSchema } from '../orders/index.ts';

const MAX_NOTE_CHARS = 300;
const MAX_LABEL_CHARS = 64;

const NoteSchema = Type.String({
  maxLength: MAX_NOTE_CHARS,
  ...PLAIN_TEXT,
  description: 'About the holder: for the organiser, the holder and the door',
});

export const TicketIssueSchema = Type.Object(
  {
    event_id: Uuid('The event', '3471e132-69f2-4764-ac79-e5ad57111483'),
    session_id: Uuid('One of its sessions', '293bed3f-c670-42f6-9e28-628cd6fec57a'),
    seat_id: SeatIdSchema,
    tier_id: Type.Optional(Uuid('The seat’s tier; another than it is of is refused')),
    price: Type.Number({
      minimum: 0,
      description: 'Major units: 0 for a complimentary ticket, else what was taken in cash',
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

/** A part that is absent stays as it is; the other parts of a ticket are refused, each with its reason. */
export const TicketAmendSchema = Type.Object(
  {
    seat_id: Type.Optional(SeatIdSchema),
    seat_label: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_LABEL_CHARS,
        ...PLAIN_TEXT,
        description: 'What is written on the ticket; with another seat it is that one’s unless it is given',
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
  refund: Type.Boolean({
    default: false,
    description: 'Whether what was paid for the ticket is given back; cash is handed over by the caller',
  }),
});

export const TicketParamsSchema = Type.Object({ ticketId: Uuid('The ticket') });
