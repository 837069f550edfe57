import { randomUUID } from 'node:crypto';
import { Consumer, stringDeserializers } from '@platformatic/kafka';

/** A record as it stands in a topic, read by a client that shares no code with ours. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
  readonly timestamp: number;
}

export interface Onlooker {
  /** Everything in the topics, now and later, in the order of each partition. */
  readonly seen: StoredRecord[];
  close(): Promise<void>;
}

/** Reads topics from their beginning; `onSeen` is called for each record at once. */
export async function openOnlooker(
  broker: string,
  topics: readonly string[],
  onSeen: (record: StoredRecord) => void = () => undefined,
): Promise<Onlooker> {
  const consumer = new Consumer<string, string, string, string>({
    clientId: 'onlooker',
    groupId: `onlooker-${randomUUID()}`,
    bootstrapBrokers: [broker],
    maxWaitTime: 200,
    deserializers: stringDeserializers,
  });
  const seen: StoredRecord[] = [];
  const stream = await consumer.consume({ topics: [...topics], mode: 'earliest', autocommit: false });
  stream.on('data', (message) => {
    const record = {
      topic: message.topic,
      partition: message.partition,
      offset: Number(message.offset),
      key: message.key ?? '',
      value: message.value ?? '',
      headers: Object.fromEntries(message.headers),
      timestamp: Number(message.timestamp),
    };
    seen.push(record);
    onSeen(record);
  });
  stream.on('error', () => undefined);
  return { seen, close: () => consumer.close(true) };
}
