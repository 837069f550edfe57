import { type Static, Type } from 'typebox';
import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
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
  readonly version: string;
  /** False from the moment the process is told to stop: load balancers then send nobody here. */
  readonly isServing: () => boolean;
}

const CHECK_TIMEOUT_MS = 900;
/** Consumers further behind than this are worth a look. */
const MAX_LAG_S = 30;
const OK = 200;
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
      },
    ],
  },
);

/** Liveness, which asks nobody, and readiness, which asks each server, side by side and bounded. */
export function healthRoutes(scope: HttpServer, options: HealthRoutesOptions): void {
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
      const [database, redis, kafka, identity, seating, stripe, outbox] = await Promise.all([
        ask(options.database),
        ask(options.redis),
        ask(options.kafka),
        ask(options.identity),
        ask(options.seating),
        ask(options.stripe),
        askOutbox(options),
      ]);
      // Without Redis or Kafka orders go on: PostgreSQL decides and the outbox waits. Without the others a part of the
      // service goes on, and no replica is better off than this one.
      const isUp = database.status === 'UP' && options.isServing();
      return reply.code(isUp ? OK : UNAVAILABLE).send({
        status: isUp ? 'UP' : 'DOWN',
        timestamp: toRfc3339(options.clock.now()),
        service: 'ms-ticketing',
        version: options.version,
        database,
        redis,
        kafka,
        identity,
        seating,
        stripe,
        outbox,
      });
    },
  );
}

async function ask(probe: HealthProbe): Promise<{ status: 'UP' | 'DOWN'; embedded: boolean }> {
  try {
    await probe.check(CHECK_TIMEOUT_MS);
    return { status: 'UP', embedded: probe.embedded };
  } catch {
    return { status: 'DOWN', embedded: probe.embedded };
  }
}

async function askOutbox({ outboxLag }: HealthRoutesOptions): Promise<Static<typeof OutboxSchema>> {
  const unknown = { status: 'DOWN' as const, waiting: 0, lag_seconds: 0 };
  const timeout = Promise.withResolvers<typeof unknown>();
  const timer = setTimeout(() => timeout.resolve(unknown), CHECK_TIMEOUT_MS);
  try {
    const known = outboxLag().then(({ waiting, seconds }) => ({
      status: seconds <= MAX_LAG_S ? ('UP' as const) : ('DOWN' as const),
      waiting,
      lag_seconds: seconds,
    }));
    return await Promise.race([known, timeout.promise]);
  } catch {
    return unknown;
  } finally {
    clearTimeout(timer);
  }
}
