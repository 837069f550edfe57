import { type Static, Type } from 'typebox';
import { type Clock, MS_PER_SECOND, toRfc3339 } from '../../kernel/clock.ts';
import { OK } from '../../kernel/http-status.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { plainText, problems } from './schemas.ts';
import type { HttpServer } from './server.ts';

/** Asks one server whether it is there; rejects when it is not, within the time it is given. */
export interface HealthProbe {
  /** True for what stands in the process in place of a server. */
  readonly embedded: boolean;
  check(timeoutMs: number): Promise<void>;
}

export interface HealthRoutesOptions {
  readonly database: HealthProbe;
  readonly redis: HealthProbe;
  readonly kafka: HealthProbe;
  /** The issuer of tokens. */
  readonly identity: HealthProbe;
  /** Both seating services. */
  readonly seating: HealthProbe;
  readonly stripe: HealthProbe;
  /** How far publishing is behind; rejects when that cannot be known. */
  readonly outboxLag: () => Promise<{ readonly waiting: number; readonly seconds: number }>;
  readonly clock: Clock;
  /** How this machine's clock compares with the database's, whose time everything goes by. */
  readonly machineClock: () => { readonly isRight: boolean; readonly differenceSeconds: number };
  readonly version: string;
  /** False from the moment the process is told to stop: load balancers then send nobody here. */
  readonly isServing: () => boolean;
}

const CHECK_TIMEOUT_MS = 900;
/** Health is public: however often it is asked, the servers are asked this often. */
const KEPT_MS = 500;
/** Consumers further behind than this are worth a look. */
const MAX_LAG_S = 30;
const UNAVAILABLE = 503;

const StatusSchema = Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]);
const PartSchema = Type.Object({
  status: StatusSchema,
  embedded: Type.Boolean({ description: 'Whether it stands in the process in place of a server' }),
});
const OutboxSchema = Type.Object({
  status: StatusSchema,
  waiting: Type.Integer({ description: 'Messages committed and not published yet' }),
  lag_seconds: Type.Number({ description: 'Age of the oldest of them' }),
});
const ClockSchema = Type.Object({
  status: StatusSchema,
  difference_seconds: Type.Number({
    description: 'Clock of this machine less the clock of the database; DOWN beyond some seconds',
  }),
});
const HealthSchema = Type.Object(
  {
    status: StatusSchema,
    timestamp: Type.String(),
    service: Type.String(),
    version: Type.String(),
    database: PartSchema,
    redis: PartSchema,
    kafka: PartSchema,
    identity: PartSchema,
    seating: PartSchema,
    stripe: PartSchema,
    outbox: OutboxSchema,
    clock: ClockSchema,
  },
  {
    examples: [
      {
        status: 'UP',
        timestamp: '2026-11-24T03:17:15.905Z',
        service: 'ms-ticketing',
        version: '0.1.0',
        database: { status: 'UP', embedded: false },
        redis: { status: 'UP', embedded: true },
        kafka: { status: 'UP', embedded: true },
        identity: { status: 'UP', embedded: true },
        seating: { status: 'UP', embedded: true },
        stripe: { status: 'UP', embedded: true },
        outbox: { status: 'UP', waiting: 0, lag_seconds: 0 },
        clock: { status: 'UP', difference_seconds: 0.002 },
      },
    ],
  },
);

/** Liveness, which asks nobody, and readiness, which asks each server, side by side and bounded. */
export function healthRoutes(scope: HttpServer, options: HealthRoutesOptions): void {
  const look = keptFor(KEPT_MS, () => lookAt(options));
  scope.get(
    '/healthz',
    {
      config: { access: 'public', whileStopping: true },
      schema: {
        tags: ['Health'],
        summary: 'Whether the process lives',
        response: { 200: plainText('The process lives', 'OK'), ...problems },
      },
    },
    async (_request, reply) => reply.type('text/plain').send('OK'),
  );

  scope.get(
    '/api/order/health',
    {
      config: { access: 'public', whileStopping: true },
      schema: {
        tags: ['Health'],
        summary: 'Whether the service can do its work, and each server it needs',
        response: { 200: HealthSchema, 503: HealthSchema, ...problems },
      },
    },
    async (_request, reply) => {
      const parts = await look();
      // Without Redis or Kafka orders go on: PostgreSQL decides and the outbox waits. Without the others a part of the
      // service goes on, and no replica is better off than this one.
      const { isRight, differenceSeconds } = options.machineClock();
      const isUp = parts.database.status === 'UP' && isRight && options.isServing();
      return reply.code(isUp ? OK : UNAVAILABLE).send({
        status: isUp ? 'UP' : 'DOWN',
        timestamp: toRfc3339(options.clock.now()),
        service: 'ms-ticketing',
        version: options.version,
        ...parts,
        clock: { status: isRight ? 'UP' : 'DOWN', difference_seconds: roundedToMs(differenceSeconds) },
      });
    },
  );
}

function roundedToMs(seconds: number): number {
  return Math.round(seconds * MS_PER_SECOND) / MS_PER_SECOND;
}

/** What was found last, while it is not older than that; one look at a time, however many ask. It never rejects. */
function keptFor<Found>(ms: number, look: () => Promise<Found>): () => Promise<Found> {
  let last: { readonly at: number; readonly found: Promise<Found> } | undefined;
  return () => {
    const now = performance.now();
    if (!last || now - last.at >= ms) last = { at: now, found: look() };
    return last.found;
  };
}

async function lookAt(options: HealthRoutesOptions) {
  const [database, redis, kafka, identity, seating, stripe, outbox] = await Promise.all([
    ask(options.database),
    ask(options.redis),
    ask(options.kafka),
    ask(options.identity),
    ask(options.seating),
    ask(options.stripe),
    askOutbox(options),
  ]);
  return { database, redis, kafka, identity, seating, stripe, outbox };
}

type Asked = Static<typeof PartSchema>;

async function ask({ check, embedded }: HealthProbe): Promise<Asked> {
  const asked = check(CHECK_TIMEOUT_MS).then((): Asked => ({ status: 'UP', embedded }));
  return inTime<Asked>(asked, { status: 'DOWN', embedded });
}

type Outbox = Static<typeof OutboxSchema>;

async function askOutbox({ outboxLag }: HealthRoutesOptions): Promise<Outbox> {
  const known = outboxLag().then(
    ({ waiting, seconds }): Outbox => ({
      status: seconds <= MAX_LAG_S ? 'UP' : 'DOWN',
      waiting,
      lag_seconds: seconds,
    }),
  );
  return inTime(known, { status: 'DOWN', waiting: 0, lag_seconds: 0 });
}

/** What was found, or `otherwise` when that fails or takes too long. */
function inTime<Found>(found: Promise<Found>, otherwise: Found): Promise<Found> {
  return withTimeLimit(CHECK_TIMEOUT_MS, found, () => otherwise).catch(() => otherwise);
}
