import type { Worker } from 'node:cluster';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/**
 * Messages between a worker and its supervisor. A worker that is asked for metrics sends `gather`; the supervisor sends `ask`
 * to each worker, gets a `reply` from each, and answers `gathered`. `id` connects a reply to its question.
 */
type Message =
  | { readonly metrics: 'gather'; readonly id: number }
  | { readonly metrics: 'gathered'; readonly id: number; readonly text: string }
  | { readonly metrics: 'ask'; readonly id: number }
  | { readonly metrics: 'reply'; readonly id: number; readonly text: string };

/** The metrics of a worker that is busy for longer are left out. */
export const REPLY_TIMEOUT_MS = 2_000;
const GATHER_TIMEOUT_MS = 3_000;

/** Errors of sending to a process that has just ended. Without a callback, Node.js would end the sender. */
const ignore = () => undefined;

function messageIn(value: unknown): Message | undefined {
  const isOurs = typeof value === 'object' && value !== null && 'metrics' in value;
  return isOurs ? (value as Message) : undefined;
}

/**
 * For a worker: a function that returns the metrics of all workers, so that counters do not jump between the values of
 * different workers. It returns the worker's own metrics when the others do not arrive in time.
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
      (text) => process.send?.({ metrics: 'reply', id, text } satisfies Message, ignore),
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
 * For the supervisor: gathers the metrics of all workers that are up when this worker asks for them. `upBySlot` has no
 * starting workers, because they do not answer.
 */
export function gatherMetricsFor(worker: Worker, upBySlot: ReadonlyMap<number, Worker>): void {
  worker.on('message', (value: unknown) => {
    const message = messageIn(value);
    if (message?.metrics !== 'gather') return;
    const { id } = message;
    void gather(upBySlot).then((text) => worker.send({ metrics: 'gathered', id, text } satisfies Message, ignore));
  });
}

let lastQuestion = 0;

async function gather(upBySlot: ReadonlyMap<number, Worker>): Promise<string> {
  lastQuestion += 1;
  const id = lastQuestion;
  const replies = await Promise.all(
    [...upBySlot].map(async ([slot, worker]) => [String(slot), (await ask(worker, id)) ?? ''] as const),
  );
  return mergeMetrics(new Map(replies));
}

async function ask(worker: Worker, id: number): Promise<string | undefined> {
  const reply = Promise.withResolvers<string | undefined>();
  const listen = (value: unknown) => {
    const message = messageIn(value);
    if (message?.metrics === 'reply' && message.id === id) reply.resolve(message.text);
  };
  worker.on('message', listen);
  worker.send({ metrics: 'ask', id } satisfies Message, (error) => {
    if (error) reply.resolve(undefined);
  });
  const text = await withTimeLimit(REPLY_TIMEOUT_MS, reply.promise, () => undefined);
  worker.removeListener('message', listen);
  return text;
}

/**
 * Merges the metrics of workers, by their names. Each sample gets the label `worker`, and the samples of a metric are grouped,
 * as https://prometheus.io/docs/instrumenting/exposition_formats/ requires.
 */
export function mergeMetrics(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, { readonly comments: string[]; readonly samples: string[] }>();
  for (const [worker, text] of texts) {
    let family = { comments: [] as string[], samples: [] as string[] };
    for (const line of text.split('\n')) {
      const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name !== undefined) {
        family = families.get(name) ?? { comments: [], samples: [] };
        families.set(name, family);
        if (!family.comments.some((each) => each.startsWith(`# ${kind} `))) family.comments.push(line);
      } else if (line !== '') family.samples.push(withWorker(line, worker));
    }
  }
  return [...families.values()].flatMap(({ comments, samples }) => [...comments, ...samples, '']).join('\n');
}

function withWorker(sample: string, worker: string): string {
  const label = `worker="${worker}"`;
  return sample.replace(/^([a-zA-Z_:][\w:]*)(\{)?/, (_all, name: string, brace?: string) =>
    brace === undefined ? `${name}{${label}}` : `${name}{${label},`,
  );
}
