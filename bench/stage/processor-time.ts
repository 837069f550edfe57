import { readdir, readFile } from 'node:fs/promises';

/** The kernel counts processor time in these. */
const TICKS_PER_SECOND = 100;
const PARENT = 1;
const OWN = [11, 12];
const ENDED_CHILDREN = [13, 14];

/** Seconds of processor time, user's and system's, that a process and all it has started used, also those that ended since. */
export async function processorSeconds(root: number): Promise<number> {
  const all = await settled();
  const sum = (fields: readonly number[], which: readonly number[]) =>
    which.reduce((total, field) => total + (fields[field] ?? 0), 0);
  const below = (pid: number): number => {
    const fields = all.get(pid) ?? [];
    const children = [...all].filter(([, other]) => other[PARENT] === pid);
    return (
      sum(fields, [...OWN, ...ENDED_CHILDREN]) + children.reduce((total, [child]) => total + below(child), 0)
    );
  };
  return below(root) / TICKS_PER_SECOND;
}

/** Of every process; read again while one ends meanwhile, whose time would be in neither it nor its parent, or in both. */
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

/** What stands behind the name in `/proc/PID/stat`, the state as NaN; undefined for a process that is gone. */
async function fieldsOf(pid: number): Promise<readonly number[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat
    ?.slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}
