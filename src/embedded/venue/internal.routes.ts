import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Clock } from '../../kernel/clock.ts';
import type { UserId } from '../../kernel/ids.ts';
import { decidePreOrder, type PreOrderDecision } from './pre-order.rules.ts';
import type { SeatStates } from './seat-states.ts';
import type { VenueIndex } from './venue.index.ts';

/** What a pre-order is checked against. */
interface Sale {
  readonly clock: Clock;
  readonly index: VenueIndex;
  readonly states: SeatStates;
}

const SEATING = '/api/event-seating/internal/v1';
const MAX_SEATS = 1_000;
const MAX_EVENTS = 1_000;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const BAD_REQUEST = 400;

const Id = Type.String({ maxLength: 64 });
const PreOrderSchema = Type.Object({
  session_id: Id,
  event_id: Id,
  organization_id: Id,
  seat_ids: Type.Array(Id, { minItems: 1, maxItems: MAX_SEATS }),
  discount_id: Type.Optional(Type.Union([Id, Type.Null()])),
});
const EventOwnershipSchema = Type.Object({ eventId: Id, userId: Id });
const SessionOwnershipSchema = Type.Object({ sessionId: Id, userId: Id });
const OrganizationOwnershipSchema = Type.Object({ organizationId: Id, userId: Id });
const RoleSchema = Type.Object({ sessionId: Id, userId: Id, role: Type.String() });
const BatchSchema = Type.Object({ eventIds: Type.Array(Id, { maxItems: MAX_EVENTS }), userId: Id });

type Agreed = Extract<PreOrderDecision, { outcome: 'agreed' }>;

/** The internal API of the platform's services (contract section 4), for machine-to-machine tokens only. */
export function internalRoutes(
  scope: FastifyInstance,
  {
    isServiceToken,
    ownerId,
    scannerId,
    ...sale
  }: Sale & {
    readonly isServiceToken: (authorization: string | undefined) => Promise<boolean>;
    readonly ownerId: UserId;
    readonly scannerId: UserId;
  },
): void {
  const { index } = sale;

  scope.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (await isServiceToken(request.headers.authorization)) return;
    await reply.code(UNAUTHORIZED).send({ message: 'A machine-to-machine token is needed.' });
  });

  const validate = (path: string, side: 'query' | 'seating', answer: (agreed: Agreed) => unknown) =>
    scope.post<{ Body: Static<typeof PreOrderSchema> }>(
      `${path}/validate-pre-order`,
      { schema: { hide: true, body: PreOrderSchema } },
      async (request, reply) => {
        const decision = decide(request.body, sale, side);
        if (decision.outcome === 'refused') return reply.code(BAD_REQUEST).send({ message: decision.message });
        return reply.send(answer(decision));
      },
    );
  validate('/api/event-query/internal/v1', 'query', ({ seats, discount }) => ({
    seats: seats.map(({ id, label, tier }) => ({ seatId: id, label, tier })),
    discount: discount ?? null,
  }));
  validate(SEATING, 'seating', () => '');
  ownershipRoutes(scope, index, ownerId, scannerId);
}

/** Who owns an event, session or organisation, and who is a scanner. */
function ownershipRoutes(scope: FastifyInstance, index: VenueIndex, ownerId: UserId, scannerId: UserId): void {
  const hide = true;

  scope.get<{ Querystring: Static<typeof EventOwnershipSchema> }>(
    `${SEATING}/events/verify-ownership`,
    { schema: { hide, querystring: EventOwnershipSchema } },
    async ({ query }) => query.userId === ownerId && index.event(query.eventId) !== undefined,
  );

  scope.get<{ Querystring: Static<typeof SessionOwnershipSchema> }>(
    `${SEATING}/sessions/verify-ownership`,
    { schema: { hide, querystring: SessionOwnershipSchema } },
    async ({ query }) => query.userId === ownerId && index.session(query.sessionId) !== undefined,
  );

  scope.get<{ Querystring: Static<typeof OrganizationOwnershipSchema> }>(
    `${SEATING}/organizations/verify-ownership`,
    { schema: { hide, querystring: OrganizationOwnershipSchema } },
    async ({ query }) => query.userId === ownerId && query.organizationId === index.catalogue.organization.id,
  );

  scope.get<{ Querystring: Static<typeof RoleSchema> }>(
    `${SEATING}/sessions/verify-role`,
    { schema: { hide, querystring: RoleSchema } },
    async ({ query }) =>
      query.userId === scannerId && query.role === 'SCANNER' && index.session(query.sessionId) !== undefined,
  );

  scope.post<{ Body: Static<typeof BatchSchema> }>(
    `${SEATING}/events/verify-batch-ownership`,
    { schema: { hide, body: BatchSchema } },
    async ({ body }, reply) => {
      const ownsAll = body.userId === ownerId && body.eventIds.every((eventId) => index.event(eventId));
      if (ownsAll) return true;
      return reply.code(FORBIDDEN).send({ message: 'Not all of these events belong to this user.' });
    },
  );
}

function decide(
  body: Static<typeof PreOrderSchema>,
  { index, states, clock }: Sale,
  side: 'query' | 'seating',
): PreOrderDecision {
  const session = index.session(body.session_id);
  return decidePreOrder(
    body,
    {
      event: index.event(body.event_id),
      session,
      seatOf: (seatId) => index.seat(body.session_id, seatId),
      stateOf: (seat) => (session ? states.of(session.id, seat.id) : 'AVAILABLE'),
      now: clock.now(),
    },
    side,
  );
}
