import { readFileSync } from 'node:fs';

/** The rows of the tables of topics in docs/events.md: the texts in back ticks, column by column. */
export function documentedTopics(): {
  readonly topic: string;
  readonly variable: string;
  readonly shape: string;
}[] {
  const [published = ''] = eventsDoc().split('## What it reads');
  return [...published.matchAll(/^\| `([\w.]+)` \| `(\w+)` \| [^|]+ \| `(\w+)` \|/gm)].map(
    ([, topic = '', variable = '', shape = '']) => ({ topic, variable, shape }),
  );
}

/**
 * Throws when a message does not have exactly the fields that docs/events.md lists for its topic. Topics that other systems
 * write to are ignored.
 */
export function requireDocumented(topic: string, value: string): void {
  const found = documentedTopics().find((each) => each.topic === topic);
  if (!found) return;
  const message = JSON.parse(value) as Record<string, unknown>;
  requireFields(`${found.shape} on ${topic}`, message, fieldsOf(found.shape));
  if (!Array.isArray(message.tickets)) return;
  for (const ticket of message.tickets as Record<string, unknown>[])
    requireFields(`Ticket on ${topic}`, ticket, fieldsOf('Ticket'));
}

function requireFields(what: string, message: Record<string, unknown>, fields: readonly string[]): void {
  const [has, wants] = [Object.keys(message).toSorted().join(), fields.toSorted().join()];
  if (has !== wants) throw new Error(`${what} has the fields ${has}, and docs/events.md says ${wants}`);
}

function fieldsOf(shape: string): string[] {
  const section = eventsDoc().split(`### ${shape}\n`)[1]?.split('###')[0];
  if (section === undefined) throw new Error(`docs/events.md has no shape ${shape}`);
  const text = section.replace(/\(.*\)/, '').replace(/^Each of `\w+`:/m, '');
  const names = [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  return names.flatMap((name) => (name === 'Order' ? fieldsOf('Order') : [name]));
}

let doc: string | undefined;

function eventsDoc(): string {
  doc ??= readFileSync('docs/events.md', 'utf8');
  return doc;
}
