import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import type { EventMessage } from '../../src/kernel/events.ts';
import { type KafkaAccess, KafkaError, type SaslLogin } from '../../src/platform/kafka/kafka.client.ts';
import { KafkaTopicsMissing } from '../../src/platform/kafka/kafka.topics.ts';
import { connectKafka, type Kafka } from '../../src/platform/kafka/kafka.ts';
import { eventLogContract } from '../contract/event-log.contract.ts';
import { KAFKA_USER, type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { asOperator, plainAccess, watchTopics } from '../support/kafka-topics.ts';
import { patience } from '../support/patience.ts';
import { succeeds, until } from '../support/servers.ts';

let server: KafkaServer;

beforeAll(async () => {
  server = await startKafka();
});
afterAll(() => server?.stop());

const errors: unknown[] = [];

function connect(topics: readonly string[], access = plainAccess(server.plain), mayCreate = true) {
  return connectKafka({
    access,
    topics: { names: topics, mayCreate, partitions: 3, replicas: undefined },
    onError: (error) => errors.push(error),
  });
}

async function connected(topics: readonly string[], access?: KafkaAccess): Promise<Kafka> {
  const kafka = await connect(topics, access);
  onTestFinished(() => stop(kafka));
  return kafka;
}

async function stop(kafka: Kafka): Promise<void> {
  await kafka.stopReading();
  await kafka.close();
}

function message(topic: string, key: string, value: string): EventMessage {
  return { eventId: randomUUID(), topic, key, value, committedAt: instant(Date.now()) };
}

const fresh = () => `topic-${randomUUID()}`;

eventLogContract('Kafka', async (topics) => {
  const kafka = await connect(topics);
  return { ...kafka, close: () => stop(kafka) };
});

describe('a record in the log', () => {
  test('it has the key, the value, the event id and the trace as headers, the time of the commit, and the partition that Kafka’s own clients choose', async () => {
    const topic = fresh();
    const kafka = await connected([topic]);
    // From Kafka’s own tests of its hash: 'foobar' -790332482, '21' -973932308, 'abc' 479470107.
    const sent = ['foobar', '21', 'abc'].map((key) => message(topic, key, `{"of":"${key}"}`));
    await kafka.publish(sent);
    const seen = await watchTopics(server.plain, [topic]);
    await until('all are seen', () => seen.length === 3);
    const hashes: Record<string, number> = { foobar: -790332482, '21': -973932308, abc: 479470107 };
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const traced = { ...message(topic, 'traced', '{}'), traceparent };
    await kafka.publish([traced]);
    await until('the traced one is seen', () => seen.length === 4);
    expect(seen.find(({ key }) => key === 'traced')?.headers).toEqual({ 'event-id': traced.eventId, traceparent });
    for (const { eventId, key, value, committedAt } of sent) {
      expect(seen.find((record) => record.key === key)).toMatchObject({
        value,
        headers: { 'event-id': eventId },
        timestamp: committedAt,
        partition: ((hashes[key] ?? 0) & 0x7fffffff) % 3,
      });
    }
  });

  test('it is refused alone and by name when it is too large for the brokers; a batch that is too large is split', async () => {
    const topic = fresh();
    const kafka = await connected([topic]);
    const large = message(topic, 'large', 'x'.repeat(1_200_000));
    await expect(kafka.publish([large])).rejects.toThrow(/MESSAGE_TOO_LARGE/);
    const many = Array.from({ length: 40 }, (_, at) => message(topic, 'many', `${at}-${'x'.repeat(60_000)}`));
    await kafka.publish(many);
    const seen = await watchTopics(server.plain, [topic]);
    await until('all are seen', () => seen.length === 40);
    expect(seen.map(({ value }) => value)).toEqual(many.map(({ value }) => value));
  });
});

describe('topics', () => {
  test('they are created as configured, once, however many replicas start', async () => {
    const topics = [fresh(), fresh()];
    const all = await Promise.all(Array.from({ length: 5 }, () => connect(topics)));
    await Promise.all(all.map((kafka) => kafka.close()));
    const metadata = await asOperator(server.plain, (admin) => admin.metadata({ topics }));
    expect(topics.map((topic) => metadata.topics.get(topic)?.partitionsCount)).toEqual([3, 3]);
  });

  test('they are named when they are missing and may not be created', async () => {
    const topics = [fresh(), fresh()];
    await (await connect(topics.slice(0, 1))).close();
    const refused = await connect(topics, plainAccess(server.plain), false).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(KafkaTopicsMissing);
    expect(String(refused)).toContain(topics[1]);
    expect(String(refused)).not.toContain(topics[0]);
  });

  test('they fail the check and the publish by name after they were deleted', async () => {
    const topic = fresh();
    const kafka = await connected([topic]);
    await kafka.check(900);
    await asOperator(server.plain, (admin) => admin.deleteTopics({ topics: [topic] }));
    await until('the check reports it', () =>
      kafka.check(900).then(
        () => false,
        (error) => String(error).includes(topic),
      ),
    );
    await expect(kafka.publish([message(topic, 'k', 'v')])).rejects.toThrow(topic);
  });
});

describe('authentication', () => {
  const access = async (listener: 'sasl' | 'saslOverTls', login: Partial<SaslLogin>): Promise<KafkaAccess> => ({
    ...plainAccess(server[listener]),
    tls: listener === 'saslOverTls' ? { ca: await readFile(server.caFile, 'utf8') } : undefined,
    sasl: { mechanism: 'PLAIN', ...KAFKA_USER, ...login },
  });
  const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

  test.each(
    (['sasl', 'saslOverTls'] as const).flatMap((listener) => mechanisms.map((mechanism) => ({ listener, mechanism }))),
  )('it lets $listener, $mechanism publish, read and be healthy', async ({ listener, mechanism }) => {
    const topic = fresh();
    const kafka = await connected([topic], await access(listener, { mechanism }));
    const got: string[] = [];
    kafka.subscribe(fresh(), topic, async ({ value }) => void got.push(value));
    kafka.startReading();
    await kafka.publish([message(topic, 'k', mechanism)]);
    await until('it is read', () => got.length > 0, 30_000);
    expect(got).toEqual([mechanism]);
    await kafka.check(900);
  });

  test('it fails with a wrong password or an unknown certificate, with the reason and without the password', async () => {
    const wrong = await access('sasl', { password: 'wrong-password' });
    const { ca: _, ...noCa } = { ca: '', ...(await access('saslOverTls', {})).tls };
    const unknownCa = { ...(await access('saslOverTls', {})), tls: noCa };
    for (const [bad, why] of [
      [wrong, /authentication/i],
      [unknownCa, /self-signed certificate/],
    ] as const) {
      const kafka = await connected([fresh()], bad);
      const refused = await kafka.check(900).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(KafkaError);
      expect(String(refused)).toMatch(why);
      expect(String(refused)).not.toContain('wrong-password');
      await expect(kafka.publish([message('any', 'k', 'v')])).rejects.toThrow(why);
    }
  });
});

describe('a consumer group', () => {
  test('it continues at the offset of a killed member, and redelivers the message that was in hand', async () => {
    const topic = fresh();
    const group = fresh();
    const kafka = await connected([topic]);
    const program = `const { connectKafka } = await import(${JSON.stringify(resolve('src/platform/kafka/kafka.ts'))});
      const kafka = await connectKafka(${JSON.stringify({
        access: plainAccess(server.plain),
        topics: { names: [topic], mayCreate: false },
      })});
      kafka.subscribe(${JSON.stringify(group)}, ${JSON.stringify(topic)}, async ({ value }) => {
        console.log(value);
        if (value === 'in hand') await new Promise(() => {});
      });
      kafka.startReading();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk) => (printed += chunk));
    await kafka.publish([message(topic, 'k', 'done'), message(topic, 'k', 'in hand'), message(topic, 'k', 'behind')]);
    await until('it has one in hand', () => printed.includes('in hand'), 30_000);
    const committed = () => asOperator(server.plain, (admin) => admin.listConsumerGroupOffsets({ groups: [group] }));
    await until('the one before is committed', async () => JSON.stringify(await committed(), asText).includes('"1"'));
    child.kill('SIGKILL');
    const got: string[] = [];
    kafka.subscribe(group, topic, async ({ value }) => void got.push(value));
    kafka.startReading();
    await until('another member has read the rest', () => got.length === 2, 60_000);
    expect(got).toEqual(['in hand', 'behind']);
  });

  test('it continues after the broker did not answer for longer than a session', async () => {
    const topic = fresh();
    const kafka = await connected([topic]);
    const got: string[] = [];
    kafka.subscribe(fresh(), topic, async ({ value }) => void got.push(value));
    kafka.startReading();
    await kafka.publish([message(topic, 'k', 'before')]);
    await until('it reads', () => got.includes('before'), 30_000);
    const known = errors.length;
    server.freeze();
    try {
      const brokeOff = () => errors.slice(known).some((error) => String(error).includes('reads from Kafka'));
      await until('reading broke off', brokeOff, 30_000);
    } finally {
      server.thaw();
    }
    await until('it accepts messages', () => succeeds(kafka.publish([message(topic, 'k', 'after')])), 30_000);
    await until('it reads the next one', () => got.includes('after'), 60_000);
  });
});

/** Offsets may be too large for a number, so they are written as text. */
function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value instanceof Map ? [...value] : value;
}

describe('a broker that is unavailable', () => {
  test('it does not delay the start, and the topics are created when it is available', async () => {
    const topic = fresh();
    await server.kill();
    const began = performance.now();
    const kafka = await connected([topic]);
    expect(performance.now() - began).toBeLessThan(patience(2_000));
    await expect(kafka.check(900)).rejects.toThrow(KafkaError);
    await expect(kafka.publish([message(topic, 'k', 'early')])).rejects.toThrow(KafkaError);
    await server.restart();
    await until('it is available', () => succeeds(kafka.check(900)), 30_000);
    await kafka.publish([message(topic, 'k', 'v')]);
  });

  test('it times out each call while it accepts calls and answers none, and the next call succeeds', async () => {
    const topic = fresh();
    const kafka = await connected([topic]);
    await kafka.publish([message(topic, 'k', '0')]);
    const timed = async (work: Promise<unknown>) => {
      const began = performance.now();
      await expect(work).rejects.toThrow(KafkaError);
      return performance.now() - began;
    };
    server.freeze();
    try {
      expect(await timed(kafka.check(900))).toBeLessThan(patience(1_000));
      expect(await timed(kafka.publish([message(topic, 'k', '1')]))).toBeLessThan(patience(7_000));
      // A broker in doubt is checked first, and that check is quick.
      expect(await timed(kafka.publish([message(topic, 'k', '1')]))).toBeLessThan(patience(1_500));
    } finally {
      server.thaw();
    }
    await until('it is available', () => succeeds(kafka.publish([message(topic, 'k', '2')])), 30_000);
  });

  test('it times out the start at an address that accepts connections and answers nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const began = performance.now();
    const kafka = await connected([fresh()], plainAccess(`127.0.0.1:${port}`));
    expect(performance.now() - began).toBeLessThan(patience(6_000));
    await expect(kafka.check(900)).rejects.toThrow(KafkaError);
  });
});
