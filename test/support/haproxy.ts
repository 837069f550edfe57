import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { end, endWithUs, freePorts } from './child-server.ts';
import { until } from './servers.ts';

/** Seconds that its checks need to find that a server is not ready: one check a second, three of which fail. */
export const HAPROXY_FINDS_S = 3;

/** Starts HAProxy in front of ports of this machine, with a health check a second; stopped after the tests of the file. */
export async function startHaproxy(ports: readonly number[]) {
  const [port = 0, statsPort = 0] = await freePorts(2);
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-haproxy-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'haproxy.cfg');
  const servers = ports.map((each, at) => `  server s${at} 127.0.0.1:${each} check inter 1s fall 3 rise 1`);
  await writeFile(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend sale
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /api/order/health
${servers.join('\n')}
frontend figures
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /
`,
  );
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  endWithUs(child);
  await once(child, 'spawn');
  atEnd(() => end(child, 'SIGKILL'));
  /** The servers that requests are sent to now, by their names: `s0` for the first port, and so on. */
  const serving = async () => {
    const response = await fetch(`http://127.0.0.1:${statsPort}/;csv`).catch(() => undefined);
    const rows = (await response?.text())?.matchAll(/^replicas,(s\d+),(?:[^,]*,){15}UP/gm) ?? [];
    return [...rows].map(([, name]) => name ?? '');
  };
  await until('HAProxy sends to each of them', async () => (await serving()).length === ports.length, 30_000);
  return { url: `http://127.0.0.1:${port}`, serving };
}
