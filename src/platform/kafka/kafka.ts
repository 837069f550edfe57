import { setTimeout as pause } from 'node:timers/promises';
import type { EventHandler, EventPublisher, EventSubscriber } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import { type KafkaAccess, KafkaError } from './kafka.client.ts';
import { createKafkaProbe } from './kafka.probe.ts';
import { createKafkaPublisher } from './kafka.publisher.ts';
import { type GroupReader, startGroupReader } from './kafka.reader.ts';
import { ensureTopics, type TopicsWanted } from './kafka.topics.ts';

/** Kafka as the log of events. */
export interface Kafka extends EventPublisher, EventSubscriber {
  /** Resolves when the brokers and every topic are there to be used; rejects otherwise, within `timeoutMs`. */
  check(timeoutMs: number): Promise<void>;
  /** Begins to read what was subscribed to. */
  startReading(): void;
  /** Hands what it reads over to the other replicas. */
  stopReading(): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaOptions {
  readonly access: KafkaAccess;
  readonly topics: TopicsWanted;
  readonly onError: OnFailure;
}

const LOOK_AGAIN_MS = 5_000;

/**
 * Sees to the topics and is then ready. Brokers that are away do not keep anybody waiting: the topics are seen to when
 * they come. Rejects with `KafkaTopicsMissing` when the brokers are there and the topics are not and may not be made.
 */
export async function connectKafka({ access, topics, onError }: KafkaOptions): Promise<Kafka> {
  const topicsLater = await prepareTopics(access, topics, onError);
  const probe = createKafkaProbe(access);
  // The first question of all takes a connection and a login; nobody waits for this one.
  void probe.check(LOOK_AGAIN_MS).catch(() => undefined);
  const publisher = createKafkaPublisher(access, probe);
  const groups = new Map<string, Map<string, EventHandler>>();
  let readers: GroupReader[] = [];

  return {
    publish: publisher.publish,
    subscribe(group, topic, handler) {
      groups.set(group, new Map([...(groups.get(group) ?? []), [topic, handler]]));
    },
    check: (timeoutMs) => probe.check(timeoutMs, topics.names),
    startReading() {
      readers = [...groups].map(([group, handlers]) =>
        startGroupReader({ access, group, handlers, onError }),
      );
    },
    async stopReading() {
      await Promise.all(readers.map((reader) => reader.stop()));
    },
    async close() {
      await topicsLater?.stop();
      publisher.close();
      probe.close();
    },
  };
}

/** Makes the topics ready now, or gives back what goes on trying while Kafka is away. */
async function prepareTopics(
  access: KafkaAccess,
  topics: TopicsWanted,
  onError: (error: unknown) => void,
): Promise<Retry | undefined> {
  try {
    await ensureTopics(access, topics);
    return undefined;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    onError(error);
    return retryUntilReady(() => ensureTopics(access, topics), onError);
  }
}

interface Retry {
  stop(): Promise<void>;
}

function retryUntilReady(attempt: () => Promise<void>, onError: (error: unknown) => void): Retry {
  const stopping = new AbortController();
  async function loop(): Promise<void> {
    for (;;) {
      await pause(LOOK_AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        return await attempt();
      } catch (error) {
        onError(error);
      }
    }
  }
  const ended = loop();
  return {
    stop() {
      stopping.abort();
      return ended;
    },
  };
}
