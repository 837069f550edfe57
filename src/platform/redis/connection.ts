import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { within } from './circuit.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisServer {
  /** One server, or several nodes of a cluster. */
  readonly addresses: readonly RedisAddress[];
  readonly isCluster: boolean;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Called when a connection fails; the next attempt follows automatically. */
type OnError = (error: unknown) => void;

/** The commands that this service uses, as a single server and a cluster both have them. */
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
  /** Resolves when the connection is usable, or after `SETTLE_TIMEOUT_MS`. */
  settled(): Promise<void>;
  /** Rejects unless every server answers in time, and a cluster reports that all slots are served. */
  check(timeoutMs: number): Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 1_000;
/** A connection without an answer for this long is replaced. */
const SILENCE_MS = 1_000;
const MIN_RETRY_DELAY_MS = 50;
const MAX_RETRY_DELAY_MS = 1_000;
/** Interval for reading which node of a cluster serves which slots. */
const SLOTS_REFRESH_MS = 2_000;
const SLOTS_TIMEOUT_MS = 1_000;
const MAX_REDIRECTIONS = 3;
/** A hold key without a seat id; real seat ids are never empty. */
const CHECK_KEY = 'seat_lock:';
/** A start waits this long for Redis, and then continues without it. */
const SETTLE_TIMEOUT_MS = 2_000;

/**
 * A connection without a queue: a command fails at once if it cannot be sent at once. It reconnects automatically, within a
 * second after the server is available again.
 */
export function connectRedis(server: RedisServer, onError: OnError): RedisConnection {
  return server.isCluster ? connectCluster(server, onError) : connectSingle(server, onError);
}

function retryDelayMs(attempts: number): number {
  return Math.min(MIN_RETRY_DELAY_MS * attempts, MAX_RETRY_DELAY_MS);
}

/** Settings of every connection. */
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
    // A demoted primary: after a reconnect, the address may lead to the new primary.
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
      // A write, because replicas, servers without memory and cluster nodes also answer a ping.
      await within(redis.set(CHECK_KEY, '', 'PX', 1), timeoutMs);
    },
    close: () => redis.disconnect(),
  };
}

function connectCluster(server: RedisServer, onError: OnError): RedisConnection {
  const cluster = new Cluster([...server.addresses], {
    enableOfflineQueue: false,
    // The ready check asks a node that is still connecting, and reports its refusal as a broken cluster.
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
  // Otherwise a node is connected with its first command, and other commands fail until then.
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

/** Certificates contain host names, so names must not be resolved to addresses. */
const KEEP_HOST_NAMES: Pick<ClusterOptions, 'dnsLookup'> = { dnsLookup: (host, done) => done(null, host) };

async function settle(onReady: (done: () => void) => unknown): Promise<void> {
  const ready = Promise.withResolvers<void>();
  onReady(ready.resolve);
  await within(ready.promise, SETTLE_TIMEOUT_MS).catch(() => undefined);
}

async function allReady(cluster: Cluster): Promise<void> {
  const waiting = cluster.nodes('master').filter((node) => node.status !== 'ready');
  await Promise.all(waiting.map((node) => new Promise<void>((done) => node.once('ready', done).once('end', done))));
}

/** Nodes without a connection are missing in `cluster.nodes`. */
async function checkCluster(cluster: Cluster, primaries: number): Promise<void> {
  const connected = cluster.nodes('master');
  if (connected.length < primaries) throw new Error('a node of the cluster is unavailable');
  const states = await Promise.all(connected.map((node) => node.cluster('INFO')));
  if (!states.every((state) => String(state).includes('cluster_state:ok')))
    throw new Error('the cluster does not serve all slots');
}
