import { setTimeout as pause } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import { abandon, clientOptions, isAnswer, type KafkaAccess, KafkaError, within } from './kafka.client.ts';

export interface TopicsWanted {
  readonly names: readonly string[];
  /** Whether those that are not there may be made. */
  readonly mayCreate: boolean;
  readonly partitions: number;
  /** Copies of each partition; undefined leaves it to the brokers. */
  readonly replicas: number | undefined;
}

/** The topics are not there and will not be: an operator has to make them, or let this service make them. */
export class KafkaTopicsMissing extends Error {
  constructor(topics: readonly string[], why: string) {
    super(`Kafka has no topic ${topics.join(', ')}, and this service may not make it (${why}).`);
    this.name = 'KafkaTopicsMissing';
  }
}

const DOING = 'Kafka’s topics were made ready';
const CONNECT_TIMEOUT_MS = 1_500;
const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_DELAY_MS = 200;
/** Brokers that are there say so within this; a start waits no longer for those that are not. */
const ANSWER_TIMEOUT_MS = 3_000;
const ENSURE_TIMEOUT_MS = 8_000;
const LOOK_AGAIN_MS = 50;
/** Answers that asking again does not change. */
const REFUSALS = [
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
  'INVALID_TOPIC_EXCEPTION',
];

/**
 * Sees to it that the topics are there, however many replicas do so at once. Rejects with `KafkaTopicsMissing` when
 * they cannot be, and with a `KafkaError` when Kafka is away; both within `ENSURE_TIMEOUT_MS`.
 */
export async function ensureTopics(access: KafkaAccess, wanted: TopicsWanted): Promise<void> {
  const admin = new Admin(
    clientOptions(access, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retries: 1,
      retryDelayMs: RETRY_DELAY_MS,
    }),
  );
  admin.on('error', () => undefined);
  try {
    await within(ENSURE_TIMEOUT_MS, DOING, ensure(admin, wanted));
  } catch (error) {
    if (error instanceof KafkaTopicsMissing || error instanceof KafkaError) throw error;
    throw new KafkaError(DOING, error);
  } finally {
    abandon(admin);
  }
}

async function ensure(admin: Admin, wanted: TopicsWanted): Promise<void> {
  const { names, mayCreate, partitions, replicas } = wanted;
  const missing = await within(ANSWER_TIMEOUT_MS, DOING, missingOf(admin, names));
  if (missing.length === 0) return;
  if (!mayCreate) throw new KafkaTopicsMissing(missing, 'KAFKA_CREATE_TOPICS is false');
  for (const topic of missing) {
    try {
      await admin.createTopics({ topics: [topic], partitions, ...(replicas && { replicas }) });
    } catch (error) {
      if (isAnswer(error, 'TOPIC_ALREADY_EXISTS')) continue;
      if (isAnswer(error, ...REFUSALS)) {
        throw new KafkaTopicsMissing(missing, new KafkaError('Kafka was asked to', error).message);
      }
      throw error;
    }
  }
  // A topic is made before every broker has heard of it.
  while ((await missingOf(admin, missing)).length > 0) await pause(LOOK_AGAIN_MS);
}

async function missingOf(admin: Admin, names: readonly string[]): Promise<string[]> {
  const there = new Set(await admin.listTopics());
  return names.filter((name) => !there.has(name));
}
