import {
  compatibilityPartitioner,
  type MessageToProduce,
  Producer,
  stringSerializers,
} from '@platformatic/kafka';
import type { EventMessage, EventPublisher } from '../../kernel/events.ts';
import { abandon, clientOptions, type KafkaAccess, KafkaError, within } from './kafka.client.ts';
import type { KafkaProbe } from './kafka.probe.ts';

export interface KafkaPublisher extends EventPublisher {
  close(): void;
}

/** A whole `publish` has this long. */
const PUBLISH_TIMEOUT_MS = 6_000;
const CONNECT_TIMEOUT_MS = 1_500;
/** How long a broker waits for its replicas, and we for the broker. */
const ACKNOWLEDGE_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 4_000;
const RETRIES = 3;
const RETRY_DELAY_MS = 100;
/** After a failure Kafka must answer this soon before anything is sent to it. */
const REACH_TIMEOUT_MS = 1_000;
/** All messages of a partition go as one record batch; the brokers take one of 1 MiB unless told otherwise. */
const MAX_BATCH_BYTES = 512 * 1_024;
/** What a record needs beside its key and value: header, offsets, lengths. */
const RECORD_OVERHEAD_BYTES = 100;

/**
 * Publishes with the idempotent producer, acknowledged by all replicas: what is retried within a `publish` stands in
 * the log once and in order. No message waits for company.
 *
 * A producer that failed is thrown away with whatever it had not sent: nothing of it can arrive after what is published
 * next. What it had sent may come a second time then.
 */
export function createKafkaPublisher(access: KafkaAccess, probe: KafkaProbe): KafkaPublisher {
  let producer: EventProducer | undefined;
  let isInDoubt = false;

  function fail(failed: EventProducer): void {
    isInDoubt = true;
    producer = undefined;
    abandon(failed);
  }

  return {
    async publish(messages) {
      if (isInDoubt) await probe.check(REACH_TIMEOUT_MS);
      producer ??= createProducer(access);
      const using = producer;
      const doing = 'messages were published to Kafka';
      try {
        await within(PUBLISH_TIMEOUT_MS, doing, sendInOrder(using, messages));
        isInDoubt = false;
      } catch (error) {
        fail(using);
        throw error instanceof KafkaError ? error : new KafkaError(doing, error);
      }
    },
    close() {
      if (producer) abandon(producer);
      producer = undefined;
    },
  };
}

type EventProducer = Producer<string, string, string, string>;

function createProducer(access: KafkaAccess): EventProducer {
  const producer = new Producer<string, string, string, string>({
    ...clientOptions(access, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retries: RETRIES,
      retryDelayMs: RETRY_DELAY_MS,
    }),
    timeout: ACKNOWLEDGE_TIMEOUT_MS,
    // Implies that all replicas acknowledge, and one request a broker at a time.
    idempotent: true,
    // As Kafka's own clients choose the partition; the library's default differs from them for half of all keys.
    partitioner: compatibilityPartitioner,
    serializers: stringSerializers,
  });
  producer.on('error', () => undefined);
  return producer;
}

async function sendInOrder(producer: EventProducer, messages: readonly EventMessage[]): Promise<void> {
  for (const batch of batchesOf(messages)) await producer.send({ messages: batch.map(toRecord) });
}

/** Cuts a list where a partition's share of it could grow too large for the brokers; a message alone is never cut. */
export function* batchesOf(messages: readonly EventMessage[]): Generator<EventMessage[]> {
  let batch: EventMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.key) + Buffer.byteLength(message.value) + RECORD_OVERHEAD_BYTES;
    if (batch.length > 0 && bytes + size > MAX_BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function toRecord(message: EventMessage): MessageToProduce<string, string, string, string> {
  return {
    topic: message.topic,
    key: message.key,
    value: message.value,
    headers: {
      [EVENT_ID_HEADER]: message.eventId,
      ...(message.traceparent === undefined ? {} : { [TRACE_HEADER]: message.traceparent }),
    },
    timestamp: BigInt(message.committedAt),
  };
}

export const EVENT_ID_HEADER = 'event-id';
/** https://www.w3.org/TR/trace-context/#traceparent-header */
export const TRACE_HEADER = 'traceparent';
