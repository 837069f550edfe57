import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach } from 'vitest';
import { end, freePorts, freeze } from './child-server.ts';
import type { Link } from './link.ts';
import { until } from './servers.ts';

/** A real `redis-server`, a plain process on a free port, ended after the test file; its log is kept when a test failed. */
export type RedisServerProcess = Awaited<ReturnType<typeof startRedis>>;

const run = promisify(execFile);
const HOST = '127.0.0.1';
const PRIMARIES = 3;
const START_TIMEOUT_MS = 10_000;

const started: { kill(): Promise<void>; folder: string; log: string }[] = [];

let isFailed = false;

// Both hooks are registered with the file and not where a server starts, because one registered inside a test never runs.
afterEach(({ task }) => {
  isFailed ||= task.result?.state === 'fail';
});

afterAll(async () => {
  for (const { kill, folder, log } of started) {
    await kill();
    if (isFailed) process.stderr.write(`a log of redis-server is kept: ${log}\n`);
    else await rm(folder, { recursive: true, force: true });
  }
});

/** `options` are those of `redis-server`; `access` are the options that `redis-cli` then needs beside the port. */
export async function startRedis(options: readonly string[] = [], access: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-redis-'));
  const port = String((await freePorts(1))[0]);
  const log = join(folder, 'redis.log');
  const isTls = access.includes('--tls');
  let child: ChildProcess | undefined;

  /** The output of `redis-cli` for a command. */
  const cli = async (...command: readonly string[]) =>
    (await run('redis-cli', ['-h', HOST, '-p', port, ...access, ...command])).stdout.trim();

  /** Starts it on the same port, empty unless it is a node of a cluster, which keeps its place. */
  async function start(): Promise<void> {
    const settings = [
      '--bind',
      HOST,
      ...(isTls ? ['--port', '0', '--tls-port', port] : ['--port', port]),
      '--dir',
      folder,
      '--logfile',
      log,
      '--save',
      '',
    ];
    const spawned = spawn('redis-server', [...settings, ...options], { stdio: 'ignore' });
    const failed = once(spawned, 'error').then(([error]) => {
      throw new Error(
        `redis-server cannot be started (${error.code}): install it, on Debian with apt-get install redis-server`,
      );
    });
    child = spawned;
    const answers = until(
      'redis-server answers',
      () =>
        cli('ping').then(
          (text) => /PONG|NOAUTH/.test(text),
          () => false,
        ),
      START_TIMEOUT_MS,
    );
    await Promise.race([answers, failed]);
  }

  /** Ends it at once, as a crash does; its data is lost. */
  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending) await end(ending, 'SIGKILL');
  }

  started.push({ kill, folder, log });
  await start();
  return {
    /** `host:port`, as in REDIS_ADDR. */
    address: `${HOST}:${port}`,
    kill,
    start,
    /** Freezes it: it answers nothing from now on, and its connections stay open. */
    pause() {
      if (child) freeze(child);
    },
    resume: () => void child?.kill('SIGCONT'),
    cli,
  };
}

/**
 * Three primaries that share the slots, each with so many replicas; REDIS_ADDR lists their addresses with commas. With
 * links, one each, the nodes send every client through these.
 */
export async function startRedisCluster(
  replicas = 0,
  links: readonly Link[] = [],
): Promise<readonly RedisServerProcess[]> {
  const node = async (link: Link | undefined) => {
    const busPort = String((await freePorts(1))[0]);
    const place = ['--cluster-enabled', 'yes', '--cluster-port', busPort, '--cluster-node-timeout', '1000'];
    const alone = ['--cluster-require-full-coverage', 'no', '--repl-diskless-sync-delay', '0'];
    const announced = link ? ['--cluster-announce-ip', HOST, '--cluster-announce-port', String(link.port)] : [];
    const bus = link ? ['--cluster-announce-bus-port', busPort] : [];
    const server = await startRedis([...place, ...alone, ...announced, ...bus]);
    link?.leadTo(Number(server.address.split(':')[1]));
    return server;
  };
  const nodes: RedisServerProcess[] = [];
  while (nodes.length < PRIMARIES * (1 + replicas)) nodes.push(await node(links[nodes.length]));
  const addresses = nodes.map(({ address }) => address);
  const sharing = ['--cluster-replicas', String(replicas), '--cluster-yes'];
  await run('redis-cli', ['--cluster', 'create', ...addresses, ...sharing]);
  await until('every node knows that all slots are served', async () => {
    const states = await Promise.all(nodes.map(({ cli }) => cli('cluster', 'info')));
    return states.every((state) => state.includes('cluster_state:ok'));
  });
  await until('every replica has what its primary has', async () => {
    const links = await Promise.all(nodes.map(({ cli }) => cli('info', 'replication')));
    return links.every((link) => !link.includes('role:slave') || link.includes('master_link_status:up'));
  });
  return nodes;
}
