import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { end, freePorts, freeze, removeFiles, untilUp } from './child-server.ts';
import { fromMaven } from './maven.ts';

/** A real Kafka on this machine: one broker that is its own controller, on free ports. */
export type KafkaServer = Awaited<ReturnType<typeof startKafka>>;

export const KAFKA_VERSION = '4.1.0';
export const KAFKA_USER = { username: 'ticketing', password: 'secret-of-the-broker' };
const KAFKA_DIGEST = '79213b016d587f3be246fa72c845051f641e672f8105a64c2c6afd7db1424b28';
const KAFKA_JARS = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
] as const;
const START_TIMEOUT_MS = 120_000;
const STORE_PASSWORD = 'changeit';
const run = promisify(execFile);

/**
 * Starts one, fetched with Maven the first time. Clients of the plain listener are sent to the `host:port` that is
 * `advertised`, in place of its own. Its log is kept and named when it does not come up.
 */
export async function startKafka({ advertised }: { readonly advertised?: string } = {}) {
  const libs = await fromMaven({
    name: `kafka-${KAFKA_VERSION}`,
    artifacts: KAFKA_JARS,
    withDependencies: true,
    digest: KAFKA_DIGEST,
  });
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-kafka-'));
  const [plain = 0, sasl = 0, saslOverTls = 0, controller = 0] = await freePorts(4);
  const caFile = await certificate(folder);
  await writeFile(
    join(folder, 'server.properties'),
    properties(folder, { plain, sasl, saslOverTls, controller }, advertised ?? `127.0.0.1:${plain}`),
  );
  await writeFile(join(folder, 'log4j2.properties'), LOGGING);
  // The JVM starts faster this way, for a life of minutes.
  const java = [
    '-Xmx512m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=${folder}/log4j2.properties`,
    '-cp',
    `${libs}/*`,
  ];
  const scram = (mechanism: string) => [
    '--add-scram',
    `${mechanism}=[name=${KAFKA_USER.username},password=${KAFKA_USER.password}]`,
  ];
  await run('java', [
    ...java,
    'kafka.tools.StorageTool',
    'format',
    // One argument, because an id may begin with a dash.
    `--cluster-id=${Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')}`,
    '-c',
    join(folder, 'server.properties'),
    ...scram('SCRAM-SHA-256'),
    ...scram('SCRAM-SHA-512'),
  ]);

  const log = `${folder}.log`;
  let child = await launch(java, folder, log);
  return {
    /** `host:port` of the listener without authentication. */
    plain: `127.0.0.1:${plain}`,
    /** The listener that requires a name and a password, and the one that does so over TLS. */
    sasl: `127.0.0.1:${sasl}`,
    saslOverTls: `localhost:${saslOverTls}`,
    /** File of the certificate that signs the TLS listener’s. */
    caFile,
    /** SIGKILL, as a machine that loses its power. */
    kill: () => end(child, 'SIGKILL'),
    /** Stops and continues the process: while stopped it exists and answers no request. */
    freeze: () => freeze(child),
    thaw: () => void child.kill('SIGCONT'),
    /** Starts it again in the same place, with its data. */
    async restart() {
      await end(child, 'SIGKILL');
      child = await launch(java, folder, log);
    },
    /** Ends it and removes its files; its log is kept, and named, on request. */
    async stop(keepLog = false) {
      await end(child, 'SIGKILL');
      await removeFiles('Kafka', folder, log, keepLog);
    },
  };
}

async function launch(java: readonly string[], folder: string, log: string): Promise<ChildProcess> {
  const child = spawn('java', [...java, 'kafka.Kafka', join(folder, 'server.properties')]);
  let isUp = false;
  child.stdout.on('data', (chunk: Buffer) => {
    isUp ||= chunk.includes('Kafka Server started');
  });
  await untilUp('Kafka', child, log, () => isUp, START_TIMEOUT_MS);
  return child;
}

/** A key store for the broker, and its certificate for its clients. */
async function certificate(folder: string): Promise<string> {
  const store = ['-keystore', join(folder, 'broker.p12'), '-storepass', STORE_PASSWORD, '-alias', 'broker'];
  const names = ['-dname', 'CN=localhost', '-ext', 'SAN=dns:localhost,ip:127.0.0.1'];
  await run('keytool', ['-genkeypair', '-keyalg', 'EC', '-validity', '2', ...names, ...store]);
  const { stdout } = await run('keytool', ['-exportcert', '-rfc', ...store]);
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, stdout);
  if (!(await readFile(caFile, 'utf8')).includes('BEGIN CERTIFICATE')) throw new Error('no certificate');
  return caFile;
}

const LOGGING = `appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`;

type Ports = Readonly<Record<'plain' | 'sasl' | 'saslOverTls' | 'controller', number>>;

function properties(folder: string, ports: Ports, advertised: string): string {
  const { username, password } = KAFKA_USER;
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const login = ['sasl', 'secure'].flatMap((listener) => [
    `listener.name.${listener}.plain.sasl.jaas.config=${plain}`,
    `listener.name.${listener}.scram-sha-256.sasl.jaas.config=${scram}`,
    `listener.name.${listener}.scram-sha-512.sasl.jaas.config=${scram}`,
  ]);
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${ports.controller}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAIN',
    `listeners=PLAIN://127.0.0.1:${ports.plain},SASL://127.0.0.1:${ports.sasl},SECURE://127.0.0.1:${ports.saslOverTls},CONTROLLER://127.0.0.1:${ports.controller}`,
    `advertised.listeners=PLAIN://${advertised},SASL://127.0.0.1:${ports.sasl},SECURE://localhost:${ports.saslOverTls}`,
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,SECURE:SASL_SSL',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...login,
    'ssl.keystore.type=PKCS12',
    `ssl.keystore.location=${folder}/broker.p12`,
    `ssl.keystore.password=${STORE_PASSWORD}`,
    `ssl.key.password=${STORE_PASSWORD}`,
    `log.dirs=${folder}/log`,
    'auto.create.topics.enable=false',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=4',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    '',
  ].join('\n');
}
