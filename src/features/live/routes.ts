import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { as, type EventId, type OrganizationId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { openEventStream } from '../../platform/http/event-stream.ts';
import { problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { Permission } from '../access/index.ts';
import type { LiveStreams } from './live-streams.ts';
import {
  EventParamsSchema,
  eventStream,
  OrganizationParamsSchema,
  StreamHeadersSchema,
  StreamQuerySchema,
} from './schemas.ts';
import type { SalesScope } from './scope.ts';

/** The options of a route that answers with a stream. */
function streamRoute<Params extends TSchema>(permission: Permission, summary: string, params: Params) {
  return {
    config: {
      tokenInQuery: true,
      permission,
      refuses: ['too_many_streams', 'streams_full'],
    } satisfies FastifyContextConfig,
    // A HEAD request would open a stream without a reader.
    exposeHeadRoute: false,
    schema: {
      tags: ['Live sales'],
      summary,
      params,
      querystring: StreamQuerySchema,
      headers: StreamHeadersSchema,
      response: { 200: eventStream, ...problems },
    },
  };
}

/** Live sales as server-sent events (contract section 1). */
export function liveRoutes(scope: HttpServer, live: LiveStreams): void {
  scope.get(
    '/api/order/sse/checkouts/event/:eventID',
    streamRoute(
      'live.event',
      'Orders of an event as they complete; for its organiser and administrators',
      EventParamsSchema,
    ),
    async (request, reply) => {
      const id = as<EventId>(request.params.eventID.toLowerCase());
      return stream(live, { kind: 'event', id }, request, reply);
    },
  );

  scope.get(
    '/api/order/sse/checkouts/organization/:organizationID',
    streamRoute(
      'live.organization',
      'Orders of all events of an organisation as they complete; for its organiser and administrators',
      OrganizationParamsSchema,
    ),
    async (request, reply) => {
      const id = as<OrganizationId>(request.params.organizationID.toLowerCase());
      return stream(live, { kind: 'organization', id }, request, reply);
    },
  );
}

async function stream(
  live: LiveStreams,
  scope: SalesScope,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const header = request.headers as Static<typeof StreamHeadersSchema>;
  const query = request.query as Static<typeof StreamQuerySchema>;
  const lastEventId = header['last-event-id'] ?? query.lastEventId;
  await live.open(
    { scope, who: principalOf(request), lastEventId: lastEventId === undefined ? undefined : Number(lastEventId) },
    (onClose) => openEventStream(reply, onClose),
  );
  return reply;
}
