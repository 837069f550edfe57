import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { endChild, toClose } from './closing.ts';

const END_TIMEOUT_MS = 2_000;

/**
 * Runs a program of the bench in a process of its own, hands it one line of input and returns what it printed, both JSON.
 * It ends with us, because its input does. Throws and says how it ended when it printed nothing.
 */
export async function runChild<Result>(program: string, input: unknown): Promise<Result> {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const close = toClose(() => endChild(child, 'SIGKILL', END_TIMEOUT_MS));
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  // One that ended early takes no input; how it ended is told below.
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(input)}\n`);
  try {
    const [printed, [code, signal]] = await Promise.all([text(child.stdout), ended]);
    if (code !== 0 || printed === '') throw new Error(`${program} ended with ${signal ?? code}`);
    return JSON.parse(printed) as Result;
  } finally {
    await close();
  }
}

/** In such a program: its input. The program ends when whoever started it does. */
export async function readInput<Input>(): Promise<Input> {
  const lines = createInterface({ input: process.stdin });
  lines.once('close', () => process.exit(1));
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as Input;
}

/** Prints its result and ends. */
export function printResult(result: unknown): void {
  // A pipe takes its time; what it has not taken would be lost with the process.
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
