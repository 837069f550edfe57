import type { Worker } from 'node:cluster';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Between a worker and the process that supervises it: what is asked for, and what is told, by a number. */
type Message =
  | { readonly metrics: 'gather'; readonly id: number }
  | { readonly metrics: 'gathered'; readonly id: number; readonly text: string }
  | { readonly metrics: 'ask'; readonly id: number }
  | { readonly metrics: 'tell'; readonly id: number; readonly text: string };

/** A worker that is busy for longer is left out this time. */
export const TELL_TIMEOUT_MS = 2_000;
const GATHER_TIMEOUT_MS = 3_000;

/** What is sent to a process that died a moment ago is lost: without somebody to hear that, Node ends the sender. */
const ignore = () => undefined;

function messageIn(value: unknown): Message | undefined {
  const isOurs = typeof value === 'object' && value !== null && 'metrics' in value;
  return isOurs ? (value as Message) : undefined;
}

/**
 * In a worker: whoever of them is asked for metrics answers for all, so that a counter does not jump from one's to
 * another's. The worker's own alone, when the others cannot be had in time.
 */
export function metricsOfAll(own: () => Promise<string>): () => Promise<string> {
  const asked = new Map<number, (text: string) => void>();
  let lastId = 0;
  process.on('message', (value) => {
    const message = messageIn(value);
    if (message?.metrics === 'gathered') asked.get(message.id)?.(message.text);
    if (message?.metrics !== 'ask') return;
    const { id } = message;
    own().then(
      (text) => process.send?.({ metrics: 'tell', id, text } satisfies Message, ignore),
      () => undefined,
    );
  });
  return async () => {
    lastId += 1;
    const id = lastId;
    const gathered = Promise.withResolvers<string | undefined>();
    asked.set(id, gathered.resolve);
    process.send?.({ metrics: 'gather', id } satisfies Message, (error) => {
      if (error) gathered.resolve(undefined);
    });
    const text = await withTimeLimit(GATHER_TIMEOUT_MS, gathered.promise, () => undefined);
    asked.delete(id);
    return text ?? own();
  };
}

/**
 * In the process that supervises: gathers the metrics of those that are up, by their slots, when this worker asks. One that
 * still starts answers nothing and would be waited for.
 */
export function gatherMetricsFor(worker: Worker, upBySlot: ReadonlyMap<number, Worker>): void {
  worker.on('message', (value: unknown) => {
    const message = messageIn(value);
    if (message?.metrics !== 'gather') return;
    const { id } = message;
    void gather(upBySlot).then((text) =>
      worker.send({ metrics: 'gathered', id, text } satisfies Message, ignore),
    );
  });
}

let lastQuestion = 0;

async function gather(upBySlot: ReadonlyMap<number, Worker>): Promise<string> {
  lastQuestion += 1;
  const id = lastQuestion;
  const told = await Promise.all(
    [...upBySlot].map(async ([slot, worker]) => [String(slot), await ask(worker, id)] as const),
  );
  return mergeMetrics(new Map(told.flatMap(([slot, text]) => (text === undefined ? [] : [[slot, text]]))));
}

function ask(worker: Worker, id: number): Promise<string | undefined> {
  return new Promise((done) => {
    const finish = (text: string | undefined) => {
      clearTimeout(timer);
      worker.removeListener('message', hear);
      done(text);
    };
    const hear = (value: unknown) => {
      const message = messageIn(value);
      if (message?.metrics === 'tell' && message.id === id) finish(message.text);
    };
    const timer = setTimeout(finish, TELL_TIMEOUT_MS, undefined);
    worker.on('message', hear);
    worker.send({ metrics: 'ask', id } satisfies Message, (error) => {
      if (error) finish(undefined);
    });
  });
}

/**
 * One text of the texts of workers, by their names: each sample with the label `worker`, each metric's samples together, as
 * https://prometheus.io/docs/instrumenting/exposition_formats/ asks for.
 */
export function mergeMetrics(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, { readonly said: string[]; readonly samples: string[] }>();
  for (const [worker, text] of texts) {
    let family = { said: [] as string[], samples: [] as string[] };
    for (const line of text.split('\n')) {
      const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        family = families.get(name) ?? { said: [], samples: [] };
        families.set(name, family);
        if (!family.said.some((each) => each.startsWith(`# ${kind} `))) family.said.push(line);
      } else if (line !== '') family.samples.push(withWorker(line, worker));
    }
  }
  return [...families.values()].flatMap(({ said, samples }) => [...said, ...samples, '']).join('\n');
}

function withWorker(sample: string, worker: string): string {
  const label = `worker="${worker}"`;
  return sample.replace(/^([a-zA-Z_:][\w:]*)(\{)?/, (_all, name: string, brace?: string) =>
    brace === undefined ? `${name}{${label}}` : `${name}{${label},`,
  );
}
