import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { endChild, toClose } from './closing.ts';
import { endWithUs } from './guard.ts';

const STOP_TIMEOUT_MS = 5_000;

/** A real `redis-server` on a free port. Throws when it is not installed. */
export async function startRedis(): Promise<{ address: string; stop(): Promise<void> }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  const child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '']);
  await once(child, 'spawn');
  const letBe = endWithUs(child.pid ?? 0);
  const stop = toClose(async () => {
    letBe();
    await endChild(child, 'SIGTERM', STOP_TIMEOUT_MS);
  });
  await once(child.stdout, 'data');
  return { address: `127.0.0.1:${port}`, stop };
}
