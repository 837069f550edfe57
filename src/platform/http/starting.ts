import type { RequestListener } from 'node:http';
import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import { problemHeaders, toProblem } from './problem.ts';

/** The servers in the health answer. */
export const HEALTH_PARTS = ['database', 'redis', 'kafka', 'identity', 'seating', 'stripe'] as const;
export type HealthPart = (typeof HEALTH_PARTS)[number];

export function ofEachPart<Value>(value: (part: HealthPart) => Value): Record<HealthPart, Value> {
  return Object.fromEntries(HEALTH_PARTS.map((part) => [part, value(part)])) as Record<HealthPart, Value>;
}

const STARTING = new AppError('starting', 'This replica is starting. Try again.', { retryAfterS: 1 });

/**
 * Answers on a bound port while the service starts: every request gets 503, and health keeps its usual shape, because load
 * balancers and pages read it.
 */
export function answerWhileStarting({
  requestId,
  clock,
  version,
  isEmbedded,
}: {
  readonly requestId: () => string;
  readonly clock: Clock;
  readonly version: string;
  readonly isEmbedded: (part: HealthPart) => boolean;
}): RequestListener {
  const health = () => ({
    status: 'DOWN',
    timestamp: toRfc3339(clock.now()),
    service: 'ms-ticketing',
    version,
    ...ofEachPart((part) => ({ status: 'DOWN', embedded: isEmbedded(part) })),
    outbox: { status: 'DOWN', waiting: 0, lag_seconds: 0 },
  });
  return (request, response) => {
    const isHealth = /^\/api\/order\/health\/?(\?|$)/.test(request.url ?? '');
    const headers = problemHeaders(STARTING, platformErrors.starting);
    response
      .writeHead(platformErrors.starting.status, {
        ...headers,
        ...(isHealth ? { 'content-type': 'application/json; charset=utf-8' } : {}),
        'x-request-id': requestId(),
      })
      .end(JSON.stringify(isHealth ? health() : toProblem(STARTING, platformErrors.starting)));
  };
}
