import type { Logger } from 'pino';
import type { HoldRecords, SeatHolds } from '../../features/seats/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { SharedTokens } from '../m2m-tokens/shared-tokens.ts';
import type { SalesSignal } from '../signal.ts';
import { createCircuit } from './circuit.ts';
import { connectRedis, type RedisServer } from './connection.ts';
import { createRedisHolds, type HoldAnswer } from './redis-holds.ts';
import { createRedisSignal, type RedisSignalOptions } from './redis-signal.ts';
import { createRedisTokens } from './redis-tokens.ts';

export interface OpenRedisOptions {
  readonly server: RedisServer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly records: HoldRecords;
  readonly onAnswer: (answer: HoldAnswer) => void;
  /** Told when Redis is left alone because it does not answer, and when it is used again. */
  readonly onCircuit: (isOpen: boolean) => void;
}

/** What the service has from Redis. */
export interface OpenRedis {
  readonly holds: SeatHolds;
  readonly tokens: SharedTokens;
  /** A signal of sales among the replicas. */
  signal(options: RedisSignalOptions): SalesSignal;
  /** Rejects unless all of it answers within the time. */
  check(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Connects; without an answer within two seconds it resolves all the same, and Redis is used from when it is there. */
export async function openRedis(options: OpenRedisOptions): Promise<OpenRedis> {
  const { server, clock, log, onAnswer, onCircuit } = options;
  let trouble: unknown;
  const redis = connectRedis(server, (error) => {
    trouble = error;
  });
  const circuit = createCircuit((isOpen, error) => {
    onCircuit(isOpen);
    if (isOpen) {
      log.warn({ err: trouble ?? error }, 'Redis does not answer; PostgreSQL alone decides who has a seat');
    } else log.info('Redis answers and is used again');
    trouble = undefined;
  });
  onCircuit(false);
  await redis.settled();
  return {
    holds: createRedisHolds({ redis, circuit, clock, records: options.records, onAnswer }),
    tokens: createRedisTokens({ redis, circuit, clock }),
    signal: (signalOptions) =>
      createRedisSignal(
        {
          server,
          redis,
          circuit,
          onListening(isListening, error) {
            if (isListening) log.info('Redis tells of sales again');
            else log.warn({ err: error }, 'Redis does not tell of sales; they are looked for in PostgreSQL');
          },
        },
        signalOptions,
      ),
    check: (timeoutMs) => redis.check(timeoutMs),
    close: async () => redis.close(),
  };
}
