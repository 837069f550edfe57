import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { as, type SessionId, type TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { knownPrincipalOf, principalOf } from '../../platform/http/authentication.ts';
import { sendJsonText } from '../../platform/http/compressed.ts';
import type { Once } from '../../platform/http/once.ts';
import { onceHeaders, problems, Uuid } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type Ticket, TicketSchema, toWireTicket, withNote } from '../tickets/index.ts';
import type { CheckIn } from './check-in.ts';
import { countRefusals, toAnswers, toOfflineScan, toWireBundle, toWireConflict } from './json.ts';
import type { MakeBundle } from './make-bundle.ts';
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
import type { DoorOversight } from './undo-check-in.ts';

export interface DoorRoutesOptions {
  readonly checkIn: CheckIn;
  readonly takeBatch: TakeBatch;
  readonly makeBundle: MakeBundle;
  readonly oversight: DoorOversight;
  readonly once: Once;
  readonly currency: Currency;
}

const TAGS = ['Door'];
const OK = 200;
const FORBIDDEN = 'forbidden';
/** A thousand scans, each with its text and what is said about it. */
const MAX_BATCH_BYTES = 1_048_576;

/** The door over HTTP. */
export function doorRoutes(scope: HttpServer, options: DoorRoutesOptions): void {
  checkInRoute(scope, options);
  batchRoute(scope, options);
  bundleRoute(scope, options);
  oversightRoutes(scope, options);
}

function checkInRoute(scope: HttpServer, { checkIn, once, currency }: DoorRoutesOptions): void {
  scope.post(
    '/api/order/ticket/checkin',
    {
      onError: async (request, _reply, error) => logRefusals(request, { [codeOf(error)]: 1 }),
      schema: {
        tags: TAGS,
        summary: 'Let the bearer of a QR code in, once; for scanners of the session',
        body: CheckInRequestSchema,
        headers: onceHeaders,
        response: { 200: CheckInResponseSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { encrypted_qr: qrText, session_id: door, direction = 'entry', gate, nonce } = request.body;
      const asked = {
        qrText,
        door: toSessionId(door),
        direction,
        gate,
        deviceId: request.body.device_id,
        nonce,
      };
      const body = (ticket: Ticket) => ({
        message: `${direction === 'entry' ? 'Welcome' : 'Goodbye'}: seat ${ticket.seatLabel}, ${ticket.tierName}.`,
        outcome: direction === 'entry' ? ('admitted' as const) : ('left' as const),
        seat: ticket.seatLabel,
        tier: ticket.tierName,
        note: ticket.note ?? '',
        ticket: withNote(toWireTicket(ticket, currency), ticket),
      });
      return once.answer(request, reply, { status: OK, body }, () => checkIn(asked, principalOf(request)));
    },
  );
}

function toSessionId(given: string | undefined): SessionId | undefined {
  return given === undefined ? undefined : as<SessionId>(given.toLowerCase());
}

function batchRoute(scope: HttpServer, { takeBatch }: DoorRoutesOptions): void {
  scope.post(
    '/api/order/scan/batch',
    {
      bodyLimit: MAX_BATCH_BYTES,
      onError: async (request, _reply, error) => logRefusals(request, { [codeOf(error)]: 1 }),
      schema: {
        tags: TAGS,
        summary: 'What scanners did without a network, in any order and any number of times',
        body: BatchRequestSchema,
        response: { 200: BatchResponseSchema, ...problems },
      },
    },
    async (request) => {
      const scans = request.body.scans.map(toOfflineScan);
      const good = scans.flatMap((scan) => ('error' in scan ? [] : [scan]));
      const results = toAnswers(scans, await takeBatch(good, principalOf(request)));
      logRefusals(request, countRefusals(results));
      return { results };
    },
  );
}

/** Tells of scans that were refused, how many with each code: of forged and bad ones nothing is kept but this. */
function logRefusals(request: FastifyRequest, refused: Readonly<Record<string, number>>): void {
  const who = knownPrincipalOf(request);
  if (!who || Object.keys(refused).length === 0) return;
  request.log.info({ refused, userId: who.userId }, 'scans were refused');
}

function codeOf(error: { readonly code?: string }): string {
  return error.code ?? 'internal';
}

function bundleRoute(scope: HttpServer, { makeBundle }: DoorRoutesOptions): void {
  scope.get(
    '/api/order/scan/sessions/:sessionId/bundle',
    {
      schema: {
        tags: TAGS,
        summary: 'What a scanner of the session needs to decide without a network, or what of it changed',
        params: SessionParamsSchema,
        querystring: BundleQuerySchema,
        response: { 200: BundleSchema, ...problems },
      },
    },
    async (request, reply) => {
      const who = principalOf(request);
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const bundle = await makeBundle(sessionId, request.query.since, who).catch(
        (error: { code?: unknown }) => {
          if (error.code === FORBIDDEN) {
            request.log.warn(
              { sessionId, userId: who.userId },
              'a bundle was asked for by somebody who does not scan',
            );
          }
          throw error;
        },
      );
      // No cache may keep keys.
      reply.header('cache-control', 'no-store');
      return sendJsonText(request, reply, toWireBundle(sessionId, bundle));
    },
  );
}

function oversightRoutes(scope: HttpServer, { oversight, once, currency }: DoorRoutesOptions): void {
  scope.delete(
    '/api/order/ticket/:ticketId/checkin',
    {
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
      const body = (ticket: Ticket) => withNote(toWireTicket(ticket, currency), ticket);
      return once.answer(request, reply, { status: OK, body }, () =>
        oversight.undo(ticketId, principalOf(request)),
      );
    },
  );

  scope.put(
    '/api/order/scan/sessions/:sessionId/door',
    {
      schema: {
        tags: TAGS,
        summary: 'How the doors of a session work; for its organiser and administrators',
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
        oversight.allowReentry(sessionId, isAllowed, principalOf(request)),
      );
    },
  );

  scope.get(
    '/api/order/scan/sessions/:sessionId/conflicts',
    {
      schema: {
        tags: TAGS,
        summary:
          'Scans without a network that let in who should not have been; for the organiser and administrators',
        params: SessionParamsSchema,
        querystring: ConflictsQuerySchema,
        response: { 200: ConflictsSchema, ...problems },
      },
    },
    async (request) => {
      const sessionId = as<SessionId>(request.params.sessionId.toLowerCase());
      const { limit, before } = request.query;
      const found = await oversight.conflicts(sessionId, { limit, before }, principalOf(request));
      return found.map(toWireConflict);
    },
  );
}
