import { Type } from 'typebox';
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
  readonly clock: Clock;
  readonly version: string;
  /** False from the moment the process is told to stop: load balancers then send nobody here. */
  readonly isServing: () => boolean;
}

const CHECK_TIMEOUT_MS = 900;
const OK = 200;
const UNAVAILABLE = 503;

const StatusSchema = Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]);
const PartSchema = Type.Object({
  status: StatusSchema,
  embedded: Type.Boolean({ description: 'Whether it stands in the process in place of a server' }),
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
      },
    ],
  },
);

/** Liveness, which asks nobody, and readiness, which asks each server, side by side and bounded. */
export function healthRoutes(scope: HttpServer, options: HealthRoutesOptions): void {
  scope.get(
    '/healthz',
    {
      config: { access: 'public' },
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
      config: { access: 'public' },
      schema: {
        tags: ['Health'],
        summary: 'Whether the service can do its work, and each server it needs',
        response: { 200: HealthSchema, 503: HealthSchema, ...problems },
      },
    },
    async (_request, reply) => {
      const [database, redis, kafka] = await Promise.all([
        ask(options.database),
        ask(options.redis),
        ask(options.kafka),
      ]);
      // Without Redis or Kafka orders go on: PostgreSQL decides and the outbox waits.
      const isUp = database.status === 'UP' && options.isServing();
      return reply.code(isUp ? OK : UNAVAILABLE).send({
        status: isUp ? 'UP' : 'DOWN',
        timestamp: toRfc3339(options.clock.now()),
        service: 'ms-ticketing',
        version: options.version,
        database,
        redis,
        kafka,
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
