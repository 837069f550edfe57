import { setTimeout as pause } from 'node:timers/promises';
import type { EventHandler, EventPublisher, EventSubscriber } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import { type KafkaAccess, KafkaError } from './kafka.client.ts';
import { createKafkaProbe } from './kafka.probe.ts';
import { createKafkaPublisher } from './kafka.publisher.ts';
import { GroupReader } from './kafka.reader.ts';
import { ensureTopics, type TopicsWanted } from './kafka.topics.ts';

/** Kafka as the event log. */
export interface Kafka extends EventPublisher, EventSubscriber {
  /** Resolves when the brokers and every topic are available; rejects otherwise, within `timeoutMs`. */
  check(timeoutMs: number): Promise<void>;
  /** Starts to read the subscribed topics. */
  startReading(): void;
  /** Hands its partitions over to the other replicas. */
  stopReading(): Promise<void>;
  close(): Promise<void>;
}

const RETRY_EVERY_MS = 5_000;

/**
 * Makes sure that the topics exist. Unavailable brokers do not delay the start: the topics are then checked in the
 * background. Rejects with `KafkaTopicsMissing` when topics are missing and cannot be created.
 */
export async function connectKafka({
  access,
  topics,
  onError,
}: {
  readonly access: KafkaAccess;
  readonly topics: TopicsWanted;
  readonly onError: OnFailure;
}): Promise<Kafka> {
  const stopRetrying = await prepareTopics(access, topics, onError);
  const probe = createKafkaProbe(access);
  // The first check needs a connection and a login; no caller waits for this one.
  void probe.check(RETRY_EVERY_MS).catch(() => undefined);
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
      readers = [...groups].map(([group, handlers]) => new GroupReader(access, group, handlers, onError));
    },
    async stopReading() {
      await Promise.all(readers.map((reader) => reader.stop()));
    },
    async close() {
      await stopRetrying?.();
      publisher.close();
      probe.close();
    },
  };
}

/** Resolves when the topics exist; while Kafka is unavailable, at once, with what stops the retry in the background. */
async function prepareTopics(
  access: KafkaAccess,
  topics: TopicsWanted,
  onError: OnFailure,
): Promise<StopRetrying | undefined> {
  try {
    await ensureTopics(access, topics);
    return undefined;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    onError(error);
    return retryUntilReady(() => ensureTopics(access, topics), onError);
  }
}

type StopRetrying = () => Promise<void>;

function retryUntilReady(attempt: () => Promise<void>, onError: OnFailure): StopRetrying {
  const stopping = new AbortController();
  async function loop(): Promise<void> {
    for (;;) {
      await pause(RETRY_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        return await attempt();
      } catch (error) {
        onError(error);
      }
    }
  }
  const ended = loop();
  return () => {
    stopping.abort();
    return ended;
  };
}
