import { compatibilityPartitioner, type MessageToProduce, Producer, stringSerializers } from '@platformatic/kafka';
import type { EventMessage, EventPublisher } from '../../kernel/events.ts';
import { abandon, clientOptions, type KafkaAccess, KafkaError, within } from './kafka.client.ts';
import type { KafkaProbe } from './kafka.probe.ts';

export interface KafkaPublisher extends EventPublisher {
  close(): void;
}

/** Time limit of a whole `publish`. */
const PUBLISH_TIMEOUT_MS = 6_000;
const BOUNDS = { connectTimeoutMs: 1_500, requestTimeoutMs: 4_000, retries: 3, retryDelayMs: 100 };
/** Maximum wait of a broker for its replicas. */
const ACKNOWLEDGE_TIMEOUT_MS = 3_000;
/** After a failure, Kafka must answer a check within this before messages are sent again. */
const REACH_TIMEOUT_MS = 1_000;
/** The messages of a partition form one record batch; the brokers' default limit for it is 1 MiB. */
const MAX_BATCH_BYTES = 512 * 1_024;
/** Size of a record without its key and value: header, offsets, lengths. */
const RECORD_OVERHEAD_BYTES = 100;

/**
 * Publishes with the idempotent producer, acknowledged by all replicas: messages that are retried within a `publish` are
 * stored once and in order. No message is delayed to fill a batch.
 *
 * A failed producer is discarded with its unsent messages, so that none of them can arrive after messages that are published
 * later. Messages that it had sent may then be published twice.
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
      const action = 'messages were published to Kafka';
      try {
        await within(PUBLISH_TIMEOUT_MS, action, sendInOrder(using, messages));
        isInDoubt = false;
      } catch (error) {
        fail(using);
        throw error instanceof KafkaError ? error : new KafkaError(action, error);
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
    ...clientOptions(access, BOUNDS),
    timeout: ACKNOWLEDGE_TIMEOUT_MS,
    // This also sets acknowledgement by all replicas, and one request at a time for each broker.
    idempotent: true,
    // The partitioner of Kafka's own clients; the library's default chooses another partition for half of all keys.
    partitioner: compatibilityPartitioner,
    serializers: stringSerializers,
  });
  producer.on('error', () => undefined);
  return producer;
}

async function sendInOrder(producer: EventProducer, messages: readonly EventMessage[]): Promise<void> {
  for (const batch of batchesOf(messages)) await producer.send({ messages: batch.map(toRecord) });
}

/** Splits a list into batches that are small enough for the brokers, also if all messages are for one partition. */
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
