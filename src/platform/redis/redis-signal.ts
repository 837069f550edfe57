import { Redis } from 'ioredis';
import type { SalesSignal } from '../signal.ts';
import { type Circuit, within } from './circuit.ts';
import { type RedisConnection, type RedisServer, sharedOptions } from './connection.ts';

/** What a replica hears, and what it is told when it can hear no more. */
export interface RedisSignalOptions {
  readonly channel: string;
  /** Called for each signal, and when listening begins: what came before may have been missed. */
  readonly onSignal: () => void;
  /** The connection is lost; `listen` makes a new one. */
  readonly onLost: () => void;
}

export interface RedisSignalParts {
  readonly server: RedisServer;
  readonly redis: RedisConnection;
  readonly circuit: Circuit;
  /** Told once of each time without a listening connection, with the error, and once when there is one again. */
  readonly onListening: (isListening: boolean, error?: unknown) => void;
}

/** A node that says nothing for so long is left for the next one. */
const PING_TIMEOUT_MS = 1_000;

/**
 * A signal among the replicas by a channel of Redis, without a payload. Any node of a cluster passes on what was
 * published at another, so one connection hears all. While Redis is away nothing is signalled and nothing fails: whoever
 * listens looks into the database by himself.
 */
export function createRedisSignal(parts: RedisSignalParts, options: RedisSignalOptions): SalesSignal {
  const { server, redis, circuit, onListening } = parts;
  const { channel, onSignal, onLost } = options;
  let listener: Redis | undefined;
  let isListening = true;
  let isClosing = false;
  let tries = 0;

  function tell(now: boolean, error?: unknown): void {
    if (isListening !== now && !isClosing) onListening(now, error);
    isListening = now;
  }

  async function connect(): Promise<void> {
    const next = new Redis({
      ...sharedOptions(server),
      ...server.addresses[tries % server.addresses.length],
      lazyConnect: true,
      retryStrategy: () => null,
    });
    tries += 1;
    // What it says here it says by rejecting, too.
    next.on('error', () => undefined);
    // A connection that is given up may still bring what was on its way.
    next.on('message', () => {
      if (listener === next) onSignal();
    });
    next.once('end', () => {
      if (listener !== next) return;
      listener = undefined;
      onLost();
    });
    try {
      await next.connect();
      await next.subscribe(channel);
    } catch (error) {
      next.disconnect();
      throw error;
    }
    if (isClosing) return next.disconnect();
    listener = next;
    onSignal();
  }

  return {
    async send() {
      await circuit.run(() => redis.commands.publish(channel, '')).catch(() => undefined);
    },
    async listen() {
      try {
        if (listener) await within(listener.ping(), PING_TIMEOUT_MS);
        else await connect();
        tell(true);
      } catch (error) {
        listener?.disconnect();
        tell(false, error);
      }
      return false;
    },
    async close() {
      isClosing = true;
      listener?.disconnect();
      listener = undefined;
    },
  };
}
