import { LRUCache } from 'lru-cache';
import { type Static, Type } from 'typebox';
import { type Clock, MS_PER_SECOND, toRfc3339 } from '../../kernel/clock.ts';
import { OK } from '../../kernel/http-status.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { plainText, problems } from './schemas.ts';
import type { HttpServer } from './server.ts';
import { HEALTH_PARTS, type HealthPart, ofEachPart } from './starting.ts';

/** A check of one server. */
export interface HealthProbe {
  /** True for a stand-in in the process. */
  readonly embedded: boolean;
  /** Rejects when the server is not available within `timeoutMs`. */
  check(timeoutMs: number): Promise<void>;
}

type HealthProbes = Readonly<Record<HealthPart, HealthProbe>>;

/** The state of this replica beside its servers. */
interface Replica {
  /** How far publishing is behind; rejects when that cannot be determined. */
  readonly outboxLag: () => Promise<{ readonly waiting: number; readonly seconds: number }>;
  readonly clock: Clock;
  /** The difference between this machine's clock and the database's, whose time everything uses. */
  readonly machineClock: () => { readonly isRight: boolean; readonly differenceSeconds: number };
  readonly version: string;
  /** False once the process has been told to stop, so that load balancers send no more requests. */
  readonly isServing: () => boolean;
}

const CHECK_TIMEOUT_MS = 900;
/** Health is public, so its answer is cached: the servers are checked this often, however often health is requested. */
const CACHED_MS = 500;
/** A lag above this makes the outbox DOWN. */
const MAX_LAG_S = 30;
const UNAVAILABLE = 503;

const StatusSchema = Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]);
const PartSchema = Type.Object({
  status: StatusSchema,
  embedded: Type.Boolean({ description: 'True for a stand-in in the process' }),
});
const OutboxSchema = Type.Object({
  status: StatusSchema,
  waiting: Type.Integer({ description: 'Messages committed and not published yet' }),
  lag_seconds: Type.Number({ description: 'Age of the oldest of them' }),
});
const ClockSchema = Type.Object({
  status: StatusSchema,
  difference_seconds: Type.Number({
    description: 'Clock of this machine minus the clock of the database; DOWN above a few seconds',
  }),
});
const HealthSchema = Type.Object(
  {
    status: StatusSchema,
    timestamp: Type.String(),
    service: Type.String(),
    version: Type.String(),
    ...ofEachPart(() => PartSchema),
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
        ...ofEachPart((part) => ({ status: 'UP', embedded: part !== 'database' })),
        outbox: { status: 'UP', waiting: 0, lag_seconds: 0 },
        clock: { status: 'UP', difference_seconds: 0.002 },
      },
    ],
  },
);

/** Liveness, which checks no server, and readiness, which checks all servers at the same time with a time limit. */
export function healthRoutes(scope: HttpServer, options: HealthProbes & Replica): void {
  const checked = new LRUCache<'parts', Awaited<ReturnType<typeof lookAt>>>({
    max: 1,
    ttl: CACHED_MS,
    fetchMethod: () => lookAt(options),
  });
  scope.get(
    '/healthz',
    {
      config: { access: 'public', whileStopping: true },
      schema: {
        tags: ['Health'],
        summary: 'Liveness probe',
        response: { 200: plainText('The process is alive', 'OK'), ...problems },
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
        summary: 'Readiness probe, with the state of each server',
        response: { 200: HealthSchema, 503: HealthSchema, ...problems },
      },
    },
    async (_request, reply) => {
      const parts = await checked.forceFetch('parts');
      // Orders continue without Redis and Kafka: PostgreSQL decides and the outbox waits. Without one of the other servers a
      // part of the service continues, and no other replica would do better.
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

async function lookAt(probes: HealthProbes & Replica) {
  const asked = ofEachPart((part) => ask(probes[part]));
  const outbox = askOutbox(probes.outboxLag);
  const found = {} as Record<HealthPart, Asked>;
  for (const part of HEALTH_PARTS) found[part] = await asked[part];
  return { ...found, outbox: await outbox };
}

type Asked = Static<typeof PartSchema>;

async function ask({ check, embedded }: HealthProbe): Promise<Asked> {
  const asked = check(CHECK_TIMEOUT_MS).then((): Asked => ({ status: 'UP', embedded }));
  return inTime<Asked>(asked, { status: 'DOWN', embedded });
}

type Outbox = Static<typeof OutboxSchema>;

async function askOutbox(outboxLag: Replica['outboxLag']): Promise<Outbox> {
  const known = outboxLag().then(
    ({ waiting, seconds }): Outbox => ({ status: seconds <= MAX_LAG_S ? 'UP' : 'DOWN', waiting, lag_seconds: seconds }),
  );
  return inTime(known, { status: 'DOWN', waiting: 0, lag_seconds: 0 });
}

/** Resolves as `found` does, or with `otherwise` when it fails or takes too long. */
function inTime<Found>(found: Promise<Found>, otherwise: Found): Promise<Found> {
  return withTimeLimit(CHECK_TIMEOUT_MS, found, () => otherwise).catch(() => otherwise);
}
