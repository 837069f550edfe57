import { readdir, readFile } from 'node:fs/promises';

/** Unit of the kernel's processor time. */
const TICKS_PER_SECOND = 100;
const PARENT = 1;
const OWN = [11, 12];
const ENDED_CHILDREN = [13, 14];

/** Processor time in seconds, user and system, of a process and all its descendants, ended ones included. */
export async function processorSeconds(root: number): Promise<number> {
  const all = await settled();
  const sum = (fields: readonly number[], which: readonly number[]) =>
    which.reduce((total, field) => total + (fields[field] ?? 0), 0);
  const below = (pid: number): number => {
    const fields = all.get(pid) ?? [];
    const children = [...all].filter(([, other]) => other[PARENT] === pid);
    return sum(fields, [...OWN, ...ENDED_CHILDREN]) + children.reduce((total, [child]) => total + below(child), 0);
  };
  return below(root) / TICKS_PER_SECOND;
}

/** Reads all processes, again if one ended during the read, because its time could be missing or counted twice. */
async function settled(): Promise<Map<number, readonly number[]>> {
  for (;;) {
    const all = await everyProcess();
    const now = new Set(await readdir('/proc'));
    if ([...all.keys()].every((pid) => now.has(`${pid}`))) return all;
  }
}

async function everyProcess(): Promise<Map<number, readonly number[]>> {
  const all = new Map<number, readonly number[]>();
  for (const name of await readdir('/proc')) {
    const fields = /^\d+$/.test(name) ? await fieldsOf(Number(name)) : undefined;
    if (fields) all.set(Number(name), fields);
  }
  return all;
}

/** The fields after the name in `/proc/PID/stat`, the state as NaN. Undefined if the process has ended. */
async function fieldsOf(pid: number): Promise<readonly number[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat
    ?.slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}
