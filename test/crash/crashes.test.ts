import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FLOWS, type Flow } from './flows.ts';
import { WRITE } from './points.ts';
import { prepareRuns } from './runs.ts';

/** Number of concurrent flows: there are two cores, and a flow that waits for the database lets another run. */
const AT_ONCE = 3;

interface Recorded {
  readonly name: string;
  readonly flow: Flow;
  readonly points: readonly string[];
  readonly error?: unknown;
}

const runs = await prepareRuns();
const recorded = await recordAll();

/**
 * An order that is written alone because a shared statement waited for a lock: whether that happens depends on the
 * machine. The same statement is killed on its way from orders with a discount.
 */
const BY_CHANCE = /order-insert <- new-orders\.store:\d+ <- write-orders:\d+ <- write-orders:\d+( with rows)?$/;

/** Each point with the first flow that reaches it. */
const flowOf = new Map(
  recorded
    .toReversed()
    .flatMap(({ flow, points }) => points.map((point) => [point, flow] as const))
    .filter(([point]) => !BY_CHANCE.test(point)),
);

async function recordAll(): Promise<Recorded[]> {
  const done = new Map<string, Recorded>();
  const queue = Object.entries(FLOWS).values();
  const work = async () => {
    for (const [name, flow] of queue) done.set(name, await recordOne(name, flow));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return Object.keys(FLOWS).flatMap((name) => done.get(name) ?? []);
}

function recordOne(name: string, flow: Flow): Promise<Recorded> {
  return runs.record(flow).then(
    (points) => ({ name, flow, points }),
    (error: unknown) => ({ name, flow, points: [], error }),
  );
}

describe('the service without a crash', () => {
  test.each(recorded)('$name', ({ error, points }) => {
    if (error) throw error;
    expect(points.length).toBeGreaterThan(0);
  });
});

describe.concurrent('the service killed', () => {
  test.each([...flowOf].toSorted(([a], [b]) => (a < b ? -1 : 1)))('%s', async (point, flow) => {
    expect(await runs.crash(flow, point)).toBe(true);
  });
});

/** Effects that no flow can cause, each with its reason. */
const BEYOND_FLOWS: Readonly<Record<string, string>> = {
  'database refund-bounced': 'the embedded Stripe completes every refund it accepts',
  'database payment-undecided-failed': 'it only keeps why deciding failed; no flow makes it fail',
  'database earlier-codes-withdraw':
    'only qr:reissue runs it, a page of tickets a statement; run again, it does what is left',
  'stripe intentsSince': 'it only reads, page by page; what is done with a page is a point',
  'stripe readWebhook': 'it checks a signature and calls no other process',
  'seating ownsAllEvents': 'only reads ask it',
  'seating ownsOrganization': 'only reads ask it',
};

describe('the points', () => {
  const effects = (pattern: RegExp) => new Set([...flowOf.keys()].flatMap((point) => pattern.exec(point)?.[1] ?? []));
  const before = effects(/^(?:before|between \S+ \S+(?: with rows)? and) (\S+ \S+)/);
  const after = effects(/^(?:after|between) (\S+ \S+)/);
  const uncovered = (effects: readonly string[]) =>
    effects.filter((effect) => !(before.has(effect) && after.has(effect)) && !BEYOND_FLOWS[effect]);

  test('they include every statement of a store that writes', () => {
    const writes = storeStatements().filter(({ text }) => WRITE.test(text));
    expect(writes.length).toBeGreaterThan(30);
    expect(uncovered(writes.map(({ name }) => `database ${name}`))).toEqual([]);
  });

  test('they include every method of an outgoing port', () => {
    expect(uncovered(portMethods())).toEqual([]);
  });

  test('they do not include the effects beyond the flows, all of which exist', () => {
    const effects = new Set([...storeStatements().map(({ name }) => `database ${name}`), ...portMethods()]);
    const stale = Object.keys(BEYOND_FLOWS).filter((effect) => !effects.has(effect) || before.has(effect));
    expect(stale).toEqual([]);
  });
});

interface StoreStatement {
  readonly name: string;
  readonly text: string;
}

/** The beginning of a statement of due work; the mechanism writes it for the store that names it. */
const DUE_WORK = 'UPDATE work SET';

/** Every statement in a store, read from the sources: its name and the text after it. */
function storeStatements(): StoreStatement[] {
  const stores = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.store.ts'));
  return stores.flatMap((file) => {
    const source = readFileSync(`src/${file}`, 'utf8');
    const statements = [...source.matchAll(/name: '([\w-]+)',\s*text:\s*(`[^`]*`|'[^']*')/g)];
    const due = [...source.matchAll(/\b(?:claimDue|keepFailure|retryStuck|foldStatement)\(\s*'([\w-]+)'/g)];
    const built = [...source.matchAll(/return \{\s*name,\s*text: `([\s\S]*?)`,\s*\};/g)].map(([, text = '']) => text);
    // A write in a statement of another form would be missed.
    const texts = [...statements.map(([, , text = '']) => text), ...built];
    expect(writesIn(texts.join('\n')), file).toBe(writesIn(withoutComments(source)));
    return [
      ...statements.map(([, name = '', text = '']) => ({ name, text })),
      ...due.map(([, name = '']) => ({ name, text: DUE_WORK })),
    ];
  });
}

function writesIn(text: string): number {
  return text.match(new RegExp(WRITE, 'g'))?.length ?? 0;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

const PORTS = [
  ['stripe', 'PaymentProvider', 'src/features/payments/payment-provider.ts'],
  ['seating', 'SeatingServices', 'src/features/seats/seats.ports.ts'],
  ['holds', 'SeatHolds', 'src/features/seats/seats.ports.ts'],
  ['catalogue', 'Catalogue', 'src/features/catalogue/catalogue.ts'],
  ['events', 'EventPublisher', 'src/kernel/events.ts'],
] as const;

/** The methods of the ports to other processes, as effects. */
function portMethods(): string[] {
  return PORTS.flatMap(([port, type, file]) => {
    const body = new RegExp(`export interface ${type} \\{\\n([\\s\\S]*?)\\n\\}`).exec(readFileSync(file, 'utf8'))?.[1];
    const methods = [...(body ?? '').matchAll(/^ {2}(\w+)\(/gm)].map(([, method]) => `${port} ${method}`);
    if (methods.length === 0) throw new Error(`${file} has no ${type}`);
    return methods;
  });
}
