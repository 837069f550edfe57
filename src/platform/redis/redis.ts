import type { Logger } from 'pino';
import type { HoldRecords, SeatHolds } from '../../features/seats/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { SharedTokens } from '../m2m-tokens/shared-tokens.ts';
import type { SalesSignal, Subscription } from '../signal.ts';
import { Circuit } from './circuit.ts';
import { connectRedis, type RedisServer } from './connection.ts';
import { createRedisHolds, type HoldAnswer } from './redis-holds.ts';
import { createRedisSignal } from './redis-signal.ts';
import { createRedisTokens } from './redis-tokens.ts';

/** The parts of the service that use Redis. */
export interface OpenRedis {
  readonly holds: SeatHolds;
  readonly tokens: SharedTokens;
  /** A signal of sales among replicas. */
  signal(subscription: Subscription): SalesSignal;
  /** Rejects unless every server answers in time. */
  check(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects. It resolves after two seconds even without an answer; Redis is then used as soon as it is available. `onCircuit`
 * is called when the circuit opens or closes.
 */
export async function openRedis({
  server,
  clock,
  log,
  records,
  onAnswer,
  onCircuit,
}: {
  readonly server: RedisServer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly records: HoldRecords;
  readonly onAnswer: (answer: HoldAnswer) => void;
  readonly onCircuit: (isOpen: boolean) => void;
}): Promise<OpenRedis> {
  let lastError: unknown;
  const redis = connectRedis(server, (error) => {
    lastError = error;
  });
  const circuit = new Circuit((isOpen, error) => {
    onCircuit(isOpen);
    if (isOpen) {
      log.warn({ err: lastError ?? error }, 'Redis does not answer; PostgreSQL alone decides about seats');
    } else log.info('Redis answers and is used again');
    lastError = undefined;
  });
  onCircuit(false);
  await redis.settled();
  return {
    holds: createRedisHolds({ redis, circuit, clock, records, onAnswer }),
    tokens: createRedisTokens(redis, circuit, clock),
    signal: (subscription) =>
      createRedisSignal(
        {
          server,
          redis,
          circuit,
          onListening(isListening, error) {
            if (isListening) log.info('Redis signals sales again');
            else log.warn({ err: error }, 'Redis does not signal sales; replicas poll PostgreSQL for them');
          },
        },
        subscription,
      ),
    check: (timeoutMs) => redis.check(timeoutMs),
    close: async () => redis.close(),
  };
}
