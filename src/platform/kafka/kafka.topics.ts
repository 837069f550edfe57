import { setTimeout as pause } from 'node:timers/promises';
import type { Admin } from '@platformatic/kafka';
import { abandon, createAdmin, isAnswer, type KafkaAccess, KafkaError, within } from './kafka.client.ts';

export interface TopicsWanted {
  readonly names: readonly string[];
  /** Whether missing topics may be created. */
  readonly mayCreate: boolean;
  readonly partitions: number;
  /** Replicas of each partition; undefined: the brokers' default. */
  readonly replicas: number | undefined;
}

/** Topics are missing and cannot be created: an operator must create them, or allow this service to. */
export class KafkaTopicsMissing extends Error {
  constructor(topics: readonly string[], why: string) {
    super(`Kafka has no topic ${topics.join(', ')}, and this service may not create it (${why}).`);
    this.name = 'KafkaTopicsMissing';
  }
}

const ACTION = 'Kafka’s topics were prepared';
const BOUNDS = { connectTimeoutMs: 1_500, requestTimeoutMs: 5_000, retries: 1, retryDelayMs: 200 };
/** Available brokers answer within this; a start waits no longer for unavailable ones. */
const ANSWER_TIMEOUT_MS = 3_000;
const ENSURE_TIMEOUT_MS = 8_000;
const CHECK_AGAIN_MS = 50;
/** Errors that another attempt does not change. */
const REFUSALS = [
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
  'INVALID_TOPIC_EXCEPTION',
];

/**
 * Makes sure that the topics exist; replicas may call it concurrently. Rejects with `KafkaTopicsMissing` when they cannot be
 * created, and with a `KafkaError` when Kafka is unavailable, both within `ENSURE_TIMEOUT_MS`.
 */
export async function ensureTopics(access: KafkaAccess, wanted: TopicsWanted): Promise<void> {
  const admin = createAdmin(access, BOUNDS);
  try {
    await within(ENSURE_TIMEOUT_MS, ACTION, ensure(admin, wanted));
  } catch (error) {
    if (error instanceof KafkaTopicsMissing || error instanceof KafkaError) throw error;
    throw new KafkaError(ACTION, error);
  } finally {
    abandon(admin);
  }
}

async function ensure(admin: Admin, wanted: TopicsWanted): Promise<void> {
  const { names, mayCreate, partitions, replicas } = wanted;
  const missing = await within(ANSWER_TIMEOUT_MS, ACTION, missingOf(admin, names));
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
  // A new topic is not known to every broker at once.
  while ((await missingOf(admin, missing)).length > 0) await pause(CHECK_AGAIN_MS);
}

async function missingOf(admin: Admin, names: readonly string[]): Promise<string[]> {
  const there = new Set(await admin.listTopics());
  return names.filter((name) => !there.has(name));
}
