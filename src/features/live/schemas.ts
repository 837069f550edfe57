import { Type } from 'typebox';
import { Uuid } from '../../platform/http/schemas.ts';

const MAX_TOKEN_CHARS = 16_384;

/** The id of a sent event, which is a position of the feed. */
const LastEventId = (description: string) =>
  Type.Optional(Type.String({ pattern: '^\\d{1,15}$', description, examples: ['4711'] }));

export const EventParamsSchema = Type.Object({ eventID: Uuid('The event') });
export const OrganizationParamsSchema = Type.Object({ organizationID: Uuid('The organisation') });

export const StreamQuerySchema = Type.Object({
  access_token: Type.Optional(
    Type.String({
      maxLength: MAX_TOKEN_CHARS,
      description:
        'The access token, for a browser’s EventSource, which cannot send headers. Accepted only on these routes and never logged',
    }),
  ),
  lastEventId: LastEventId('The same as the header Last-Event-ID, for a page that opens a new EventSource'),
});

export const StreamHeadersSchema = Type.Object({
  'last-event-id': LastEventId(
    'The last id that the client has seen. The events after it come first. They are kept for an hour; if some are missing, a `gap` event comes first',
  ),
});

const EXAMPLE = `event: connected
data: {"status":"connected","eventID":"3471e132-69f2-4764-ac79-e5ad57111483"}
id: 4711
retry: 2000

event: checkout
data: {"OrderID":"8d564400-1273-4e3c-9b7d-cc3beccd2b27","Status":"completed","Price":301}
id: 4712

event: stats
data: {"eventID":"3471e132-69f2-4764-ac79-e5ad57111483","orders":12,"tickets":25,"revenue":3612.5}
id: 4712

`;

export const eventStream = {
  description: 'Server-sent events until the token expires or the user is no longer the organiser',
  content: { 'text/event-stream': { schema: Type.String({ examples: [EXAMPLE] }) } },
} as const;
