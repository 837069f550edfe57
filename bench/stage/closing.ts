import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

type Close = () => Promise<void>;

/** What is open and has to be closed if the run is interrupted. */
const open: Close[] = [];
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
let isHeard = false;
let isEnding = false;

/**
 * Registers `close` for an interrupted run and returns a function that calls it at most once. Call this before waiting for
 * the thing to start, so that it is closed even while it is starting.
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

/** Does the work, then closes what it left open, the last opened first. */
export async function closingAfter<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = new Set(open);
  try {
    return await work();
  } finally {
    await closeAllBut(before);
  }
}

/** Whether a signal has interrupted the run. */
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

/** Sends the signal and resolves when the process has ended. Kills it after `timeoutMs`. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // The event `close` would also wait for other processes that share its output.
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.kill(signal);
  await ended;
  clearTimeout(timer);
}
