import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { as, type EventId } from '../../kernel/ids.ts';
import { principalOf } from '../../platform/http/authentication.ts';
import { problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import type { WrittenEntry } from './entry.ts';
import type { ListEntries } from './list-entries.ts';
import { AuditEntriesSchema, AuditParamsSchema, AuditQuerySchema } from './schemas.ts';

/** The audit trail over HTTP. */
export function auditRoutes(scope: HttpServer, trail: ListEntries): void {
  scope.get(
    '/api/order/audit/events/:eventId',
    {
      config: { permission: 'audit.event' },
      schema: {
        tags: ['Audit'],
        summary:
          'Actions of organisers and administrators on an event, newest first; for its organiser and administrators',
        params: AuditParamsSchema,
        querystring: AuditQuerySchema,
        response: { 200: AuditEntriesSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { limit, cursor } = request.query;
      const eventId = as<EventId>(request.params.eventId.toLowerCase());
      const { entries, nextCursor } = await trail.list(eventId, { limit, cursor }, principalOf(request));
      if (nextCursor !== undefined) reply.header('x-next-cursor', nextCursor);
      return entries.map(toWire);
    },
  );
}

function toWire(entry: WrittenEntry): Static<typeof AuditEntriesSchema>[number] {
  return {
    entry_id: entry.entryId,
    at: toRfc3339(entry.at),
    actor: entry.actor,
    action: entry.action,
    event_id: entry.about.eventId,
    session_id: entry.about.sessionId,
    order_id: entry.about.orderId ?? '',
    ticket_id: entry.ticketId ?? '',
    before: entry.before ?? null,
    after: entry.after,
  };
}
