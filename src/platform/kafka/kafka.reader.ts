import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, type Message, type MessagesStream, stringDeserializers } from '@platformatic/kafka';
import { instant } from '../../kernel/clock.ts';
import type { EventHandler, EventMessage } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import { abandon, clientOptions, cut, type KafkaAccess, KafkaError, within } from './kafka.client.ts';
import { createCommitter } from './kafka.committer.ts';
import { createLanes } from './kafka.lanes.ts';
import { EVENT_ID_HEADER, TRACE_HEADER } from './kafka.publisher.ts';

/** Reads topics as one of a group, until stopped. */
export interface GroupReader {
  /** Hands over to the rest of the group: what is in hand is finished and committed, in bounded time. */
  stop(): Promise<void>;
}

export interface GroupReaderOptions {
  readonly access: KafkaAccess;
  readonly group: string;
  readonly handlers: ReadonlyMap<string, EventHandler>;
  /** Told of each message that was not taken and of each reading that broke off; both are tried again. */
  readonly onError: OnFailure;
}

const CONNECT_TIMEOUT_MS = 1_500;
const REQUEST_TIMEOUT_MS = 40_000;
const RETRIES = 2;
const RETRY_DELAY_MS = 250;
/** A replica that died is followed by another within this. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/** So long the group waits for a member to come to a new sharing out; below the request's own timeout. */
const REBALANCE_TIMEOUT_MS = 30_000;
const MAX_FETCH_BYTES = 5 * 1_024 * 1_024;
const MAX_FETCH_WAIT_MS = 1_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
/** What is in hand when a stop begins has this long, then its commit, then the farewell to the group. */
const HAND_OVER_MS = 8_000;
const LAST_COMMIT_MS = 2_000;
const LEAVE_MS = 2_000;

type EventConsumer = Consumer<string, string, string, string>;
type Stream = MessagesStream<string, string, string, string>;
type Read = Message<string, string, string, string>;

/**
 * Reads from what the group has committed, or from the beginning when that is nothing; commits what was handled, never
 * before. A reading that breaks off, for whatever reason, begins anew as a new member: the messages since the last
 * commit come again.
 */
export function startGroupReader(options: GroupReaderOptions): GroupReader {
  const stopping = new AbortController();

  async function loop(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      const began = performance.now();
      try {
        await readUntilBroken(options, stopping.signal);
      } catch (error) {
        options.onError(new KafkaError(`the group ${options.group} reads from Kafka`, error));
      }
      if (performance.now() - began > MAX_BACKOFF_MS) failures = 0;
      await pauseUnless(stopping.signal, backoffMs(failures + 1));
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

/** One membership of the group, from joining to leaving it. */
async function readUntilBroken(options: GroupReaderOptions, stop: AbortSignal): Promise<void> {
  const consumer = createConsumer(options);
  let stream: Stream | undefined;
  try {
    stream = await consumer.consume({
      topics: [...options.handlers.keys()],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
    });
    await readStream(consumer, stream, options, stop);
    await within(LEAVE_MS, 'the group was left', consumer.close(true));
  } finally {
    if (stream) cut(stream.connections);
    abandon(consumer);
  }
}

/** Ends when it is told to stop; throws when the membership, a fetch or a commit failed for good. */
async function readStream(
  consumer: EventConsumer,
  stream: Stream,
  { handlers, onError }: GroupReaderOptions,
  stop: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const end = () => void stream.destroy();
  const breakOff = (error: unknown) => void stream.destroy(new KafkaError('reading broke off', error));
  stream.on('error', () => undefined);
  stream.once('close', () => over.abort());
  consumer.on('error', breakOff);
  consumer.on('consumer:heartbeat:stalled', ({ lastError }) => breakOff(lastError ?? 'no heartbeat'));
  stop.addEventListener('abort', end, { once: true });
  if (stop.aborted) end();

  const committer = createCommitter(consumer, breakOff);
  const lanes = createLanes<Read>(over.signal, async (read) => {
    const handler = handlers.get(read.topic);
    if (handler && (await deliver(toEvent(read), handler, over.signal, onError))) committer.commit(read);
  });
  try {
    for await (const read of stream) await lanes.take(`${read.topic} ${read.partition}`, read);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', end);
    stream.destroy();
    await lanes.finish(HAND_OVER_MS);
    await committer.finish(LAST_COMMIT_MS);
  }
}

/** Gives a message until it is taken: true; or until the reading ends: false. */
async function deliver(
  message: EventMessage,
  handler: EventHandler,
  stop: AbortSignal,
  onError: OnFailure,
): Promise<boolean> {
  for (let attempt = 1; !stop.aborted; attempt += 1) {
    try {
      await handler(message, attempt);
      return true;
    } catch (error) {
      onError(error, { topic: message.topic, key: message.key, messageId: message.eventId });
      await pauseUnless(stop, backoffMs(attempt));
    }
  }
  return false;
}

function createConsumer({ access, group }: GroupReaderOptions): EventConsumer {
  const consumer = new Consumer<string, string, string, string>({
    ...clientOptions(access, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retries: RETRIES,
      retryDelayMs: RETRY_DELAY_MS,
    }),
    groupId: group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    heartbeatStallTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxBytes: MAX_FETCH_BYTES,
    maxWaitTime: MAX_FETCH_WAIT_MS,
    deserializers: stringDeserializers,
  });
  consumer.on('error', () => undefined);
  return consumer;
}

/** Others may send no key, no value and no id; what they sent is judged by who handles it. */
function toEvent(read: Read): EventMessage {
  return {
    eventId: read.headers.get(EVENT_ID_HEADER) ?? `${read.topic}-${read.partition}-${read.offset}`,
    topic: read.topic,
    key: read.key ?? '',
    value: read.value ?? '',
    committedAt: instant(Number(read.timestamp)),
    traceparent: read.headers.get(TRACE_HEADER),
  };
}

function backoffMs(attempt: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(attempt - 1, 10), MAX_BACKOFF_MS);
}

async function pauseUnless(stop: AbortSignal, ms: number): Promise<void> {
  await pause(ms, undefined, { signal: stop }).catch(() => undefined);
}
