import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { endChild, toClose } from './closing.ts';

const END_TIMEOUT_MS = 2_000;

/**
 * Runs a program of the bench in its own process, with one line of JSON as input, and returns the JSON it printed. The
 * program ends with this process, because its input does. Throws if it failed or printed nothing.
 */
export async function runChild<Result>(program: string, input: unknown): Promise<Result> {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const close = toClose(() => endChild(child, 'SIGKILL', END_TIMEOUT_MS));
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  // A program that ended early accepts no input; its exit code is checked below.
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

/** Reads the input of a program started by `runChild`. The program exits when its parent does. */
export async function readInput<Input>(): Promise<Input> {
  const lines = createInterface({ input: process.stdin });
  lines.once('close', () => process.exit(1));
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as Input;
}

/** Prints the result and exits. */
export function printResult(result: unknown): void {
  // Exits only after the pipe has accepted all output.
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
