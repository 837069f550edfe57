import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

type Close = () => Promise<void>;

/** What the run has opened and not closed yet. */
const open: Close[] = [];
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
let isHeard = false;
let isEnding = false;

/**
 * Keeps how to close something for when the run is cut short, and returns how to close it: once, however often it is asked.
 * Called before the thing is waited for, so that one that only begins is closed, too.
 */
export function toClose(close: Close): Close {
  listen();
  let closing: Promise<void> | undefined;
  const closeOnce = () => {
    closing ??= close().finally(() => void open.splice(open.indexOf(closeOnce), 1));
    return closing;
  };
  open.push(closeOnce);
  return closeOnce;
}

/** Does the work and then closes what it opened and left open, the last first. */
export async function closingAfter<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = new Set(open);
  try {
    return await work();
  } finally {
    await closeAllBut(before);
  }
}

/** Whether a signal has said that the run is over. */
export const isCutShort = (): boolean => isEnding;

async function closeAllBut(kept: ReadonlySet<Close>): Promise<void> {
  for (;;) {
    const last = open.findLast((close) => !kept.has(close));
    if (!last) return;
    await last().catch((error: unknown) => process.stderr.write(`not closed: ${error}\n`));
  }
}

function listen(): void {
  if (isHeard) return;
  isHeard = true;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      process.stderr.write(`\n${signal}: closing\n`);
      void closeAllBut(new Set()).finally(() => process.exit(code));
    });
  }
}

/** Sends the signal and resolves when the process has ended, at once when it had; after `timeoutMs` it is killed. */
export async function endChild(
  child: ChildProcess,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // Not `close`, which waits for whoever has its output, too.
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.kill(signal);
  await ended;
  clearTimeout(timer);
}
