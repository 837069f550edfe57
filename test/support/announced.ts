import { sql } from './databases.ts';
import type { StoredRecord } from './kafka-onlooker.ts';
import { openOnlooker } from './kafka-onlooker.ts';
import { until } from './servers.ts';

/** What a reader of the topics saw of what the outbox holds. */
export interface Comparison {
  readonly published: number;
  /** The number of messages that came more than once. */
  readonly repeats: number;
  /** Messages that came and were never stored. */
  readonly strays: readonly StoredRecord[];
  /** Messages that came after a newer one of their order or their seats. */
  readonly misordered: readonly StoredRecord[];
  readonly missing: number;
}

interface OutboxRow {
  readonly id: number;
  readonly event_id: string;
}

export const TOPICS = [
  'ticketly.order.created',
  'ticketly.order.updated',
  'ticketly.order.amended',
  'ticketly.order.canceled',
  'ticketly.seats.status',
] as const;
const SEATS = 'ticketly.seats.status';
const WAIT_MS = 60_000;

/** Waits until the outbox is empty, then compares it with what a separate client reads in the topics from their beginning. */
export async function compareAnnounced(dsn: string, broker: string, waitMs = WAIT_MS): Promise<Comparison> {
  const waiting = 'SELECT FROM outbox WHERE published_at IS NULL LIMIT 1';
  await until('everything is announced', async () => (await sql(dsn, waiting)).length === 0, waitMs);
  const stored = () =>
    sql<OutboxRow>(dsn, "SELECT id::int, event_id FROM outbox WHERE topic NOT LIKE '%Dead' ORDER BY id");
  const known = new Set((await stored()).map(({ event_id }) => event_id));
  const onlooker = await openOnlooker(broker, TOPICS);
  try {
    const { seen } = onlooker;
    const missing = () => known.difference(new Set(seen.map(idOf))).size;
    await until('all are seen', () => seen.length >= known.size && missing() === 0, waitMs);
    const come = [...seen];
    // The table is read after the topics, so messages published in between may be among the records.
    return { ...judge(await stored(), come), missing: missing() };
  } finally {
    await onlooker.close().catch(() => undefined);
  }
}

function judge(rows: readonly OutboxRow[], seen: readonly StoredRecord[]): Omit<Comparison, 'missing'> {
  const numberOf = new Map(rows.map(({ event_id, id }) => [event_id, id]));
  const came = new Set<string>();
  const lastOf = new Map<string, number>();
  const strays: StoredRecord[] = [];
  const misordered: StoredRecord[] = [];
  for (const record of seen.toSorted((a, b) => a.offset - b.offset)) {
    const number = numberOf.get(idOf(record));
    if (number === undefined) strays.push(record);
    if (number === undefined || came.has(idOf(record))) continue;
    came.add(idOf(record));
    for (const lane of lanesOf(record)) {
      if (number < (lastOf.get(lane) ?? 0)) misordered.push(record);
      lastOf.set(lane, number);
    }
  }
  return { published: rows.length, repeats: seen.length - strays.length - came.size, strays, misordered };
}

/** Orders of different seats of a session commit side by side, so their numbers do not say which was first. */
function lanesOf({ topic, key, value }: StoredRecord): string[] {
  if (topic !== SEATS) return [`${topic} ${key}`];
  const { seat_ids: seats } = JSON.parse(value) as { seat_ids: string[] };
  return seats.map((seat) => `${key} ${seat}`);
}

function idOf({ headers }: StoredRecord): string {
  return headers['event-id'] ?? '';
}
