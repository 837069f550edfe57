import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { ERRORS } from '../../src/app/errors.ts';
import { demoCatalogue } from '../../src/embedded/venue/demo-catalogue.ts';
import { instant } from '../../src/kernel/clock.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { Currency } from '../../src/kernel/money.ts';
import { patience } from '../support/patience.ts';
import { until } from '../support/servers.ts';
import { type Answer, call } from '../support/test-app.ts';
import { type Happening, runService, type Service } from './service.ts';
import { type ServiceProcess, startProcess } from './service-process.ts';

export type Person = 'buyer' | 'buyer2' | 'organiser' | 'scanner' | 'admin';

/** Thrown when a request broke off and the buyer cannot repeat it without harm. */
export class GaveUp extends Error {}

export interface WorldOptions {
  readonly dsn: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<Person, string>>;
  /** Where the first process kills itself; later ones do not. */
  readonly crashAt?: string;
  readonly recordTo?: string;
}

export interface RequestOptions {
  readonly as: Person;
  readonly body?: unknown;
  /** Sent with an Idempotency-Key, and therefore repeated when it breaks off. */
  readonly keyed?: boolean;
  /** May be repeated without such a key as well, because its body identifies the scan. */
  readonly again?: boolean;
}

/** A request with an Idempotency-Key that was answered. */
export interface KeyedRequest {
  readonly method: string;
  readonly path: string;
  readonly as: Person;
  readonly body: unknown;
  readonly key: string;
  readonly answer: Answer;
}

/**
 * The service and its users. The service may die at any moment: it is then started again, and its callers
 * continue as they would in production.
 */
export interface World {
  readonly dsn: string;
  readonly eventLog: string;
  /** Whether the service has died and was started again. */
  hasCrashed(): boolean;
  /** Waits until periodic background work kills the service, and starts it again. */
  awaitCrash(): Promise<void>;
  /** Requests with a key that were answered, and the number of orders requested without one. */
  readonly keyed: KeyedRequest[];
  readonly unkeyedOrders: { count: number };
  /** A request that must be answered with `status`. Throws `GaveUp` when it broke off and must not be repeated. */
  request(status: number, method: string, path: string, options: RequestOptions): Promise<Answer>;
  /** Repeats a request with the same key. */
  repeat(request: KeyedRequest): Promise<Answer>;
  /** A request to Stripe’s API, as its dashboard or a buyer’s page makes it; repeated when it breaks off. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  stripe(method: 'GET' | 'POST', path: string, form?: Record<string, string>): Promise<any>;
  /** A message of another system, delivered until a process accepts it. */
  deliver(topic: string, value: unknown): Promise<void>;
  ask(happening: Happening): Promise<void>;
  /** Lets time pass at once. */
  pass(ms: number): Promise<void>;
  /** Waits until a condition holds. When nothing moves, time passes to the next scheduled attempt. */
  until(what: string, holds: () => Promise<unknown>): Promise<void>;
  /** The same, and holds end as well. */
  untilEnded(what: string, holds: () => Promise<unknown>): Promise<void>;
  sql<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Seats that were not requested before. */
  seats(count: number): string[];
  close(): Promise<void>;
}

/** The time after which a key is free again when its worker died. */
const KEY_CLAIM_MS = 20_001;
/** The longest time between a request that breaks off and the death that caused it. */
const DEATH_MS = 10_000;
/** The longest interval of periodic background work. */
const BY_ITSELF_MS = 2_000;
/** A service that has made no progress after this long may be waiting for a scheduled time. */
const STALL_MS = 150;
/** Long enough for a machine that is busy with other work. */
const WAIT_MS = 60_000;

const catalogue = demoCatalogue(instant(Date.now()), new Currency('lkr'));
const [concert] = catalogue.events;
const [session] = concert?.sessions ?? [];
if (!concert || !session) throw new Error('the demo venue sells nothing');
const seatIds = session.blocks
  .flatMap((block) => (block.type === 'seated_grid' ? block.rows.flatMap(({ seats }) => seats) : []))
  .filter(({ isReserved, tier }) => !isReserved && tier.name === 'VIP')
  .map(({ id }) => id);

/** One seat of each tier; their prices add up to different sums, whichever two of them one takes. */
export function seatOfEachTier(): string[] {
  const seats = (session?.blocks ?? []).flatMap((block) => {
    if (block.type === 'seated_grid') return block.rows.flatMap((row) => row.seats);
    return block.type === 'standing_capacity' ? block.seats : [];
  });
  const free = seats.filter(({ isReserved }) => !isReserved);
  return [...new Map(free.map(({ tier, id }) => [tier.name, id])).values()];
}

/** The body of an order. */
export function orderFor(seats: readonly string[], code?: string) {
  return {
    session_id: session?.id,
    event_id: concert?.id,
    organization_id: catalogue.organization.id,
    seat_ids: seats,
    ...(code === undefined ? {} : { discount_id: discountId(code) }),
  };
}

/**
 * Bodies of orders for each session on sale, so that no two are announced under one key; each round takes other seats.
 */
export function ordersOfEachSession(round: number) {
  return catalogue.events.flatMap((event) =>
    event.sessions
      .filter(({ status }) => status === 'ON_SALE')
      .map(({ id, blocks }) => {
        const seats = blocks.flatMap((block) => {
          if (block.type === 'seated_grid') return block.rows.flatMap((row) => row.seats);
          return block.type === 'standing_capacity' ? block.seats : [];
        });
        const seatId = seats.filter(({ isReserved }) => !isReserved).at(-1 - round)?.id;
        const { organization } = catalogue;
        return { session_id: id, event_id: event.id, organization_id: organization.id, seat_ids: [seatId] };
      }),
  );
}

export function discountId(code: string): string {
  const discount = concert?.discounts.find((each) => each.code === code);
  if (!discount) throw new Error(`there is no discount ${code}`);
  return discount.id;
}

/** The next time at which something is retried or released; with `hold` also when an unpaid order ends. */
const DUE = `
  SELECT min(due) AS due FROM (
    SELECT next_attempt_at AS due FROM stripe_inbox WHERE applied_at IS NULL AND attempts < 12
    UNION ALL SELECT next_attempt_at FROM refunds WHERE state IN ('due', 'sent')
    UNION ALL SELECT next_attempt_at FROM payments WHERE state = 'received'
    UNION ALL SELECT settling_until FROM orders WHERE status = 'pending'
    UNION ALL SELECT blocked_until FROM outbox WHERE published_at IS NULL
    UNION ALL SELECT claimed_until FROM earlier_codes WHERE state = 'waiting'
    UNION ALL SELECT expires_at FROM orders WHERE status = 'pending' AND $2) AS dues
   WHERE due > $1`;

export async function createWorld(options: WorldOptions): Promise<World> {
  const eventLog = join(options.folder, 'events.jsonl');
  const database = new pg.Client({ connectionString: options.dsn });
  await database.connect();
  const keyed: KeyedRequest[] = [];
  const unkeyedOrders = { count: 0 };
  let first: ServiceProcess | 'killed' | undefined;
  let again: Service | undefined;
  let aheadMs = 0;
  let nextSeat = 0;

  /**
   * The service, started when it does not run: first as a process of its own, and after that process died
   * within this one, which has its code loaded already. Throws when it ended in another way than by its kill.
   */
  async function running(): Promise<Service> {
    if (again) return again;
    if (first === undefined) first = await startProcess(environment());
    if (first !== 'killed') {
      const ending = first.ending();
      if (ending === undefined) return first;
      if (ending !== 'SIGKILL') throw new Error(`the service ended: ${ending}`);
    }
    again = await runService(environment());
    return again;
  }

  function environment(): Record<string, string> {
    const { crashAt, recordTo, env, dsn, folder } = options;
    return {
      ...env,
      POSTGRES_DSN: dsn,
      DATA_DIR: join(folder, 'data'),
      EVENT_LOG: eventLog,
      CLOCK_AHEAD_MS: String(aheadMs),
      ...(crashAt === undefined ? {} : { CRASH_AT: crashAt }),
      ...(recordTo === undefined ? {} : { RECORD_TO: recordTo }),
    };
  }

  /** Performs it; undefined when the service died during it. */
  async function attempt<Result>(work: (service: Service) => Promise<Result>) {
    const asked = await running();
    try {
      return { result: await work(asked) };
    } catch (error) {
      if (asked === again || first === undefined || first === 'killed') throw error;
      if (!(await endsWithin(first, patience(DEATH_MS)))) throw error;
      return undefined;
    }
  }

  async function ask(happening: Happening): Promise<void> {
    await attempt((asked) => asked.ask(happening));
  }

  async function pass(ms: number): Promise<void> {
    aheadMs += ms;
    await ask({ kind: 'clock', aheadMs });
  }

  async function passUntilDue(withHolds: boolean): Promise<void> {
    const now = new Date(Date.now() + aheadMs);
    const [next] = await sql<{ due: Date | null }>(DUE, [now, withHolds]);
    if (next?.due) await pass(next.due.getTime() - now.getTime() + 1);
  }

  async function sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await database.query(text, [...values])).rows as Row[];
  }

  async function waitUntil(what: string, holds: () => Promise<unknown>, withHolds: boolean): Promise<void> {
    let waitedSince = performance.now();
    let stallMs = STALL_MS;
    await until(
      what,
      async () => {
        await running();
        if (await holds()) return true;
        if (performance.now() - waitedSince < stallMs) return false;
        await passUntilDue(withHolds);
        waitedSince = performance.now();
        // A busy machine is slow, not stalled: each attempt uses one of the few that a claim has.
        stallMs *= 2;
        return false;
      },
      WAIT_MS,
    );
  }

  async function request(status: number, method: string, path: string, options: RequestOptions) {
    const key = options.keyed ? randomUUID() : undefined;
    const answer = await answered(method, path, options, key);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    // An answer that says "try again" is not kept.
    const isKept = status < 400 || !ERRORS[answer.body.code as ErrorCode].retry;
    if (key !== undefined && isKept) keyed.push({ method, path, as: options.as, body: options.body, key, answer });
    return answer;
  }

  async function answered(method: string, path: string, asked: RequestOptions, key?: string) {
    const { as, body, again = false } = asked;
    if (key === undefined && method === 'POST' && path === '/api/order') unkeyedOrders.count += 1;
    for (;;) {
      const tried = await attempt(({ url }) =>
        call(url, method, path, {
          token: options.tokens[as],
          body,
          ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
        }),
      );
      const mayRepeat = key !== undefined || again || method === 'GET';
      if (tried === undefined && !mayRepeat) throw new GaveUp(path);
      if (tried === undefined) continue;
      if (tried.result.body?.code !== 'request_in_flight') return tried.result;
      await pass(KEY_CLAIM_MS);
    }
  }

  return {
    dsn: options.dsn,
    eventLog,
    hasCrashed: () => again !== undefined,
    async awaitCrash() {
      if (again || first === undefined || first === 'killed') return;
      if (await endsWithin(first, patience(BY_ITSELF_MS))) await running();
    },
    keyed,
    unkeyedOrders,
    request,
    repeat: ({ method, path, as, body, key }) => answered(method, path, { as, body }, key),
    async stripe(method, path, form) {
      const key = randomUUID();
      for (;;) {
        const tried = await attempt(({ url }) => askStripe(url, method, path, form, key));
        if (tried) return tried.result;
      }
    },
    async deliver(topic, value) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      for (let isTaken = false; !isTaken; ) {
        const tried = await attempt((asked) => asked.ask({ kind: 'deliver', topic, value: text }));
        isTaken = tried !== undefined;
      }
    },
    ask,
    pass,
    until: (what, holds) => waitUntil(what, holds, false),
    untilEnded: (what, holds) => waitUntil(what, holds, true),
    sql,
    seats(count) {
      nextSeat += count;
      return seatIds.slice(nextSeat - count, nextSeat);
    },
    async close() {
      if (first !== 'killed') await first?.end();
      await again?.end();
      await database.end();
    },
  };
}

async function endsWithin(service: ServiceProcess, ms: number): Promise<boolean> {
  const waited = new Promise((done) => setTimeout(done, ms).unref());
  await Promise.race([service.ended, waited]);
  return service.ending() !== undefined;
}

async function askStripe(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  form: Record<string, string> | undefined,
  key: string,
) {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: { authorization: 'Bearer sk_test_embedded', 'idempotency-key': key },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  return response.json();
}
