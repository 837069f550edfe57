import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OK } from '../../kernel/http-status.ts';
import { as, type SessionId, type TicketId } from '../../kernel/ids.ts';
import { knownPrincipalOf, principalOf } from '../../platform/http/authentication.ts';
import { sendJsonText } from '../../platform/http/compressed.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Ticket, TicketSchema, type WireTicket } from '../tickets/index.ts';
import type { AllowReentry } from './allow-reentry.ts';
import type { CheckIn } from './check-in.ts';
import { countRefusals, toAnswers, toOfflineScan, toScanRequest, toWireBundle, toWireConflict } from './json.ts';
import type { ListConflicts } from './list-conflicts.ts';
import type { MakeBundle } from './make-bundle.ts';
import type { RefusalLog } from './refusal-log.ts';
import {
  BatchRequestSchema,
  BatchResponseSchema,
  BundleQuerySchema,
  BundleSchema,
  CheckInRequestSchema,
  CheckInResponseSchema,
  ConflictsQuerySchema,
  ConflictsSchema,
  DoorSettingsSchema,
  SessionParamsSchema,
} from './schemas.ts';
import type { TakeBatch } from './take-batch.ts';
import type { UndoCheckIn } from './undo-check-in.ts';

/** The use cases that the door's routes call. */
export interface DoorCases {
  readonly checkIn: CheckIn;
  readonly takeBatch: TakeBatch;
  readonly makeBundle: MakeBundle;
  readonly undoCheckIn: UndoCheckIn;
  readonly allowReentry: AllowReentry;
  readonly listConflicts: ListConflicts;
  readonly ticketJson: (ticket: Ticket) => WireTicket;
  /** Forged and invalid scans leave no other trace. */
  readonly refusedScans: RefusalLog;
  readonly refusedBundles: RefusalLog;
}

const TAGS = ['Door'];
const FORBIDDEN = 'forbidden';
/** Enough for a thousand scans with all their fields. */
const MAX_BATCH_BYTES = 1_048_576;

/** The door over HTTP. */
export function doorRoutes(scope: HttpServer, once: Once, cases: DoorCases): void {
  checkInRoute(scope, once, cases);
  batchRoute(scope, cases);
  bundleRoute(scope, cases);
  undoRoute(scope, once, cases);
  reentryRoute(scope, once, cases);
  conflictsRoute(scope, cases);
}

function checkInRoute(scope: HttpServer, once: Once, { checkIn, ticketJson, refusedScans }: DoorCases): void {
  scope.post(
    '/api/order/ticket/checkin',
    {
      config: {
        permission: 'ticket.check-in',
        refuses: [
          'ticket_forged',
          'ticket_superseded',
          'ticket_wrong_session',
          'ticket_cancelled',
          'ticket_not_paid',
          'ticket_too_early',
          'ticket_too_late',
          'already_checked_in',
          'not_checked_in',
          'reentry_not_allowed',
          'idempotency_key_reused',
          'request_in_flight',
        ],
      },
      onError: async (request, _reply, error) => note(refusedScans, request, { [codeOf(error)]: 1 }),
      schema: {
        tags: TAGS,
        summary: 'Admit the bearer of a QR code once, or scan them out; for scanners of the session',
        body: CheckInRequestSchema,
        headers: onceHeaders,
        response: { 200: CheckInResponseSchema, ...problems },
      },
    },
    async (request, reply) => {
      const scan = toScanRequest(request.body);
      const { direction } = scan;
      const body = (ticket: Ticket) => ({
        message: `${direction === 'entry' ? 'Welcome' : 'Goodbye'}: seat ${ticket.seatLabel}, ${ticket.tierName}.`,
        outcome: direction === 'entry' ? ('admitted' as const) : ('left' as const),
        seat: ticket.seatLabel,
        tier: ticket.tierName,
        note: ticket.note ?? '',
        ticket: ticketJson(ticket),
      });
      return once.answer(request, reply, { status: OK, body }, () => checkIn.checkIn(scan, principalOf(request)));
    },
  );
}

function batchRoute(scope: HttpServer, { takeBatch, refusedScans }: DoorCases): void {
  scope.post(
    '/api/order/scan/batch',
    {
      config: { permission: 'ticket.check-in', refuses: ['scan_time_refused'] },
      bodyLimit: MAX_BATCH_BYTES,
      onError: async (request, _reply, error) => note(refusedScans, request, { [codeOf(error)]: 1 }),
      schema: {
        tags: TAGS,
        summary: 'Upload scans made without a network, in any order and any number of times',
        body: BatchRequestSchema,
        response: { 200: BatchResponseSchema, ...problems },
      },
    },
    async (request) => {
      const scans = request.body.scans.map(toOfflineScan);
      const valid = scans.flatMap((scan) => ('error' in scan ? [] : [scan]));
      const results = toAnswers(scans, await takeBatch.take(valid, principalOf(request)), scope.errors);
      note(refusedScans, request, countRefusals(results));
      return { results };
    },
  );
}

function note(refusals: RefusalLog, request: FastifyRequest, refused: Readonly<Record<string, number>>): void {
  const who = knownPrincipalOf(request);
  if (who) refusals.note(request.log, who.userId, refused);
}

function codeOf(error: { readonly code?: string }): string {
  return error.code ?? 'internal';
}

function bundleRoute(scope: HttpServer, { makeBundle, refusedBundles }: DoorCases): void {
  scope.get(
    '/api/order/scan/sessions/:sessionId/bundle',
    {
      config: { permission: 'door.bundle', refuses: ['ticket_wrong_session', 'exports_busy'] },
      schema: {
        tags: TAGS,
        summary:
          'Data that a scanner needs to decide without a network, complete or only the changes; for scanners of the session',
        params: SessionParamsSchema,
        querystring: BundleQuerySchema,
        response: { 200: BundleSchema, ...problems },
      },
    },
    async (request, reply) => {
      const who = principalOf(request);
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const bundle = await makeBundle.make(sessionId, request.query.since, who).catch((error: { code?: unknown }) => {
        if (error.code === FORBIDDEN) refusedBundles.note(request.log, who.userId, { [FORBIDDEN]: 1 }, { sessionId });
        throw error;
      });
      // The bundle holds keys, which no cache may store.
      reply.header('cache-control', 'no-store');
      return sendJsonText(request, reply, toWireBundle(sessionId, bundle));
    },
  );
}

function undoRoute(scope: HttpServer, once: Once, { undoCheckIn, ticketJson }: DoorCases): void {
  scope.delete(
    '/api/order/ticket/:ticketId/checkin',
    {
      config: { permission: 'ticket.undo-check-in', refuses: ['ticket_not_found', 'not_checked_in'] },
      schema: {
        tags: TAGS,
        summary: 'Undo a check-in, so that the ticket admits again; for the organiser and administrators',
        params: Type.Object({ ticketId: Uuid('The ticket') }),
        headers: onceHeaders,
        response: { 200: TicketSchema, ...problems },
      },
    },
    async (request, reply) => {
      const ticketId = as<TicketId>(request.params.ticketId.toLowerCase());
      return once.answer(request, reply, { status: OK, body: ticketJson }, () =>
        undoCheckIn.undo(ticketId, principalOf(request)),
      );
    },
  );
}

function reentryRoute(scope: HttpServer, once: Once, { allowReentry }: DoorCases): void {
  scope.put(
    '/api/order/scan/sessions/:sessionId/door',
    {
      config: { permission: 'door.set-up', refuses: ['not_found'] },
      schema: {
        tags: TAGS,
        summary: 'Set whether a session allows re-entry; for its organiser and administrators',
        params: SessionParamsSchema,
        body: DoorSettingsSchema,
        headers: onceHeaders,
        response: { 200: DoorSettingsSchema, ...problems },
      },
    },
    async (request, reply) => {
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const { allows_reentry: isAllowed } = request.body;
      const body = () => ({ allows_reentry: isAllowed });
      return once.answer(request, reply, { status: OK, body }, () =>
        allowReentry.allow(sessionId, isAllowed, principalOf(request)),
      );
    },
  );
}

function conflictsRoute(scope: HttpServer, { listConflicts }: DoorCases): void {
  scope.get(
    '/api/order/scan/sessions/:sessionId/conflicts',
    {
      config: { permission: 'door.conflicts' },
      schema: {
        tags: TAGS,
        summary:
          'Offline scans that admitted a ticket the service would have refused; for the organiser and administrators',
        params: SessionParamsSchema,
        querystring: ConflictsQuerySchema,
        response: { 200: ConflictsSchema, ...problems },
      },
    },
    async (request) => {
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const { limit, before } = request.query;
      const found = await listConflicts.list(sessionId, before, limit, principalOf(request));
      return found.map(toWireConflict);
    },
  );
}
