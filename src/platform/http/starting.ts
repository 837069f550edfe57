import type { RequestListener } from 'node:http';
import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import { problemHeaders, toProblem } from './problem.ts';

/** The servers that a health answer has a part for. */
export const HEALTH_PARTS = ['database', 'redis', 'kafka', 'identity', 'seating', 'stripe'] as const;

export interface StartingOptions {
  readonly requestId: () => string;
  readonly clock: Clock;
  readonly version: string;
  readonly isEmbedded: (part: (typeof HEALTH_PARTS)[number]) => boolean;
}

const STARTING = new AppError('starting', 'This replica is starting. Try again.', { retryAfterS: 1 });

/**
 * Answers on a port that is bound already while the service behind it starts: 503 for everything, health in the shape that
 * it always has, because balancers and pages read it.
 */
export function answerWhileStarting({
  requestId,
  clock,
  version,
  isEmbedded,
}: StartingOptions): RequestListener {
  const parts = Object.fromEntries(
    HEALTH_PARTS.map((part) => [part, { status: 'DOWN', embedded: isEmbedded(part) }]),
  );
  const health = () => ({
    status: 'DOWN',
    timestamp: toRfc3339(clock.now()),
    service: 'ms-ticketing',
    version,
    ...parts,
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
