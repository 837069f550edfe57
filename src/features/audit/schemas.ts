import { Type } from 'typebox';
import { Uuid } from '../../platform/http/schemas.ts';
import { AUDIT_ACTIONS } from './entry.ts';

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const EVENT = '3471e132-69f2-4764-ac79-e5ad57111483';

const StateSchema = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]));

export const AuditParamsSchema = Type.Object({ eventId: Uuid('The event', EVENT) });

export const AuditQuerySchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
  cursor: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`x-next-cursor` of the previous page. Pages stay correct while entries are added',
    }),
  ),
});

export const AuditEntriesSchema = Type.Array(
  Type.Object(
    {
      entry_id: Type.Integer({ description: 'Increases with time' }),
      at: Type.String({ description: 'RFC 3339 in UTC' }),
      actor: Uuid('The user who did it'),
      action: Type.Enum([...AUDIT_ACTIONS]),
      event_id: Uuid('The event', EVENT),
      session_id: Uuid('The session'),
      order_id: Type.String({ description: 'Empty if the action was about the whole session' }),
      ticket_id: Type.String({ description: 'Empty if the action was about the whole order' }),
      before: Type.Union([StateSchema, Type.Null()], {
        description: 'State before the action; null if nothing existed',
      }),
      after: StateSchema,
    },
    {
      examples: [
        {
          entry_id: 17,
          at: '2026-11-24T03:17:16.954Z',
          actor: 'aa59a6f4-b86c-4fdf-8440-3cb190b40159',
          action: 'ticket.changed',
          event_id: EVENT,
          session_id: '293bed3f-c670-42f6-9e28-628cd6fec57a',
          order_id: '8d564400-1273-4e3c-9b7d-cc3beccd2b27',
          ticket_id: '8e688506-02b1-48ed-9612-5472dd044744',
          before: { seat_label: 'A12' },
          after: { seat_label: 'A14' },
        },
      ],
    },
  ),
);
