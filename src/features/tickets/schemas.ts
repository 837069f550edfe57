import { Type } from 'typebox';
import { Uuid } from '../../platform/http/schemas.ts';

export const TICKET_EXAMPLE = {
  ticket_id: '8e688506-02b1-48ed-9612-5472dd044744',
  order_id: '8d564400-1273-4e3c-9b7d-cc3beccd2b27',
  seat_id: '011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0',
  seat_label: 'A12',
  colour: '#FFD700',
  tier_id: '33333333-3333-3333-3333-333333333333',
  tier_name: 'VIP',
  price_at_purchase: 150.5,
  issued_at: '2026-11-24T03:17:16.954Z',
  checked_in: false,
  checked_in_time: '0001-01-01T00:00:00Z',
};

export const TicketSchema = Type.Object(
  {
    ticket_id: Uuid('The ticket'),
    order_id: Uuid('The order it belongs to'),
    seat_id: Type.String({ description: 'Opaque id of the seat' }),
    seat_label: Type.String({ description: 'Label of the seat' }),
    colour: Type.String({ description: 'Colour of the price tier' }),
    tier_id: Uuid('The price tier'),
    tier_name: Type.String(),
    price_at_purchase: Type.Number({ description: 'Major units' }),
    issued_at: Type.String({ description: 'RFC 3339 in UTC' }),
    checked_in: Type.Boolean(),
    checked_in_time: Type.String({ description: '0001-01-01T00:00:00Z before the check-in' }),
    note: Type.Optional(Type.String({ description: 'The organiser’s note about the holder, if any' })),
    qr_code: Type.Optional(Type.String({ description: 'PNG in base64; only if the order is completed' })),
  },
  { examples: [TICKET_EXAMPLE] },
);

export const TicketsSchema = Type.Array(TicketSchema);

export const CountSchema = Type.Object({ total_count: Type.Integer() }, { examples: [{ total_count: 1208 }] });
