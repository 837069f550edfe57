import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { within } from './circuit.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisServer {
  /** One server, or some nodes of a cluster. */
  readonly addresses: readonly RedisAddress[];
  readonly isCluster: boolean;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** What went wrong on a connection; nobody waits for it, and the next try is under way. */
type OnError = (error: unknown) => void;

/** The commands used here, as a single server and a cluster both know them. */
export interface RedisCommands {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, unit: 'PX', lifeMs: number): Promise<'OK'>;
  set(key: string, value: string, unit: 'PX', lifeMs: number, onlyNew: 'NX'): Promise<'OK' | null>;
  eval(script: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  evalsha(sha: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

export interface RedisConnection {
  readonly commands: RedisCommands;
  readonly isCluster: boolean;
  /** Resolves when it can be used, or after a moment without. */
  settled(): Promise<void>;
  /** Rejects unless every server answers within the time, and a cluster says that all its slots are served. */
  check(timeoutMs: number): Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 1_000;
/** A connection with a question on it that is silent for so long is given up for another. */
const SILENCE_MS = 1_000;
const MIN_RETRY_DELAY_MS = 50;
const MAX_RETRY_DELAY_MS = 1_000;
/** How soon it is learnt that another node of a cluster serves some slots. */
const SLOTS_REFRESH_MS = 2_000;
const SLOTS_TIMEOUT_MS = 1_000;
const MAX_REDIRECTIONS = 3;
/** A hold on no seat: seat ids have a character at least. */
const CHECK_KEY = 'seat_lock:';
/** A start waits so long for Redis, and then goes on without. */
const SETTLE_TIMEOUT_MS = 2_000;

/**
 * A connection that never waits in a queue: what cannot be asked now fails now. It comes back by itself, for ever, at
 * most a second after the server does.
 */
export function connectRedis(server: RedisServer, onError: OnError): RedisConnection {
  return server.isCluster ? connectCluster(server, onError) : connectSingle(server, onError);
}

function retryDelayMs(attempts: number): number {
  return Math.min(MIN_RETRY_DELAY_MS * attempts, MAX_RETRY_DELAY_MS);
}

/** How every connection is made. */
export function sharedOptions({ tls, username, password }: RedisServer) {
  return {
    username,
    password,
    ...(tls ? { tls: {} } : {}),
    connectionName: 'ms-ticketing',
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A server that was the primary and is a replica now: what is behind the address may be another one by now.
    reconnectOnError: (error) => error.message.includes('READONLY'),
  } satisfies RedisOptions;
}

function connectSingle(server: RedisServer, onError: OnError): RedisConnection {
  const redis = new Redis({
    ...sharedOptions(server),
    ...server.addresses[0],
    enableOfflineQueue: false,
    retryStrategy: retryDelayMs,
  });
  redis.on('error', onError);
  return {
    commands: redis,
    isCluster: false,
    settled: () => settle((done) => redis.once('ready', done)),
    async check(timeoutMs) {
      // Written and not only asked: a replica, a full server and a node of a cluster answer a ping, too.
      await within(redis.set(CHECK_KEY, '', 'PX', 1), timeoutMs);
    },
    close: () => redis.disconnect(),
  };
}

function connectCluster(server: RedisServer, onError: OnError): RedisConnection {
  const cluster = new Cluster([...server.addresses], {
    enableOfflineQueue: false,
    // It asks a node that is being connected to, and takes the refusal for a broken cluster.
    enableReadyCheck: false,
    clusterRetryStrategy: retryDelayMs,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: sharedOptions(server),
    ...(server.tls ? KEEP_HOST_NAMES : {}),
  });
  cluster.on('error', onError);
  cluster.on('node error', onError);
  let primaries = 1;
  cluster.on('refresh', () => {
    primaries = cluster.nodes('master').length;
  });
  // Else a node is connected to when it is first asked, and others that ask it meanwhile are refused.
  cluster.on('+node', (node: Redis) => {
    if (node.status === 'wait') node.connect().catch(() => undefined);
  });
  return {
    commands: cluster,
    isCluster: true,
    settled: () => settle((done) => cluster.once('ready', () => allReady(cluster).then(done, done))),
    check: (timeoutMs) => within(checkCluster(cluster, primaries), timeoutMs),
    close: () => cluster.disconnect(),
  };
}

/** A certificate names hosts, so they must not be turned into numbers on the way. */
const KEEP_HOST_NAMES: Pick<ClusterOptions, 'dnsLookup'> = { dnsLookup: (host, done) => done(null, host) };

async function settle(onReady: (done: () => void) => unknown): Promise<void> {
  const ready = Promise.withResolvers<void>();
  onReady(ready.resolve);
  await within(ready.promise, SETTLE_TIMEOUT_MS).catch(() => undefined);
}

async function allReady(cluster: Cluster): Promise<void> {
  const waiting = cluster.nodes('master').filter((node) => node.status !== 'ready');
  await Promise.all(
    waiting.map((node) => new Promise<void>((done) => node.once('ready', done).once('end', done))),
  );
}

/** A node that is not connected to is missing among the cluster's nodes. */
async function checkCluster(cluster: Cluster, primaries: number): Promise<void> {
  const connected = cluster.nodes('master');
  if (connected.length < primaries) throw new Error('a node of the cluster is away');
  const states = await Promise.all(connected.map((node) => node.cluster('INFO')));
  if (!states.every((state) => String(state).includes('cluster_state:ok')))
    throw new Error('the cluster does not serve all slots');
}
