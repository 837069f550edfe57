import { Type } from 'typebox';
import { Uuid } from '../../platform/http/schemas.ts';

const MAX_TOKEN_CHARS = 16_384;

/** An id of our events: a position of the feed. */
const LastEventId = (description: string) =>
  Type.Optional(Type.String({ pattern: '^\\d{1,15}$', description, examples: ['4711'] }));

export const EventParamsSchema = Type.Object({ eventID: Uuid('The event') });
export const OrganizationParamsSchema = Type.Object({ organizationID: Uuid('The organisation') });

export const StreamQuerySchema = Type.Object({
  access_token: Type.Optional(
    Type.String({
      maxLength: MAX_TOKEN_CHARS,
      description:
        'The access token, for a browser’s EventSource, which sends no header; only here, and never logged',
    }),
  ),
  lastEventId: LastEventId(
    'The same as the header, for a page that opens a new EventSource, which sends none',
  ),
});

export const StreamHeadersSchema = Type.Object({
  'last-event-id': LastEventId(
    'The id last seen: what followed it comes first, without a gap for an hour; then a `gap` event says so',
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
  description: 'Server-sent events, until the token or the ownership ends',
  content: { 'text/event-stream': { schema: Type.String({ examples: [EXAMPLE] }) } },
} as const;
