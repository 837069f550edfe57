import type { Server } from 'node:http';
import { patience } from './patience.ts';

/** Starts a server of a test on a free port and returns its address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

/** Whether the work succeeds. */
export const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

const MIN_PAUSE_MS = 2;
const MAX_PAUSE_MS = 100;
/** The pause between two polls is a small part of the time waited so far, so a long wait leaves the machine to other work. */
const PAUSES_OF_A_WAIT = 25;

/** Waits until `holds` is truthy, or fails naming what was waited for; `timeoutMs` is for a quiet machine. */
export async function until<Value>(
  what: string,
  holds: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 10_000,
): Promise<Value> {
  const began = performance.now();
  let deadline = began;
  for (;;) {
    const value = await holds();
    if (value !== undefined && value !== false) return value;
    const now = performance.now();
    // The machine may have become busy since.
    deadline = Math.max(deadline, began + patience(timeoutMs));
    if (now > deadline) throw new Error(`waited in vain until ${what}`);
    const pauseMs = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS + (now - began) / PAUSES_OF_A_WAIT);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

/** Whether an address answers, and with a status of 2xx. */
export function isOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
