import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, Server } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import type { Watch } from '../../src/app.ts';
import type { Transaction } from '../../src/platform/postgres/database.ts';
import { atEnd } from './at-end.ts';
import { watchEffects } from './effects.ts';
import { patience } from './patience.ts';
import type { Choose, Step } from './schedules.ts';

/**
 * Races whose interleaving is forced. Every effect of the service waits until it is released, one at a time: the next one is
 * chosen when every racer waits to be released, waits in PostgreSQL for a lock, or is done. So the same choices give the
 * same race again, and every possible order of the service's effects can be produced.
 */
export interface Interleaving {
  /** For `buildApp`, of as many replicas as race. */
  readonly watch: Watch;
  /** Tells the requests of racers apart, by the header that `asRacer` returns. */
  tagRequests(server: Server): void;
  /**
   * Runs what a racer does outside the service, such as a page that pays, as an effect that is released like any other. Its
   * name begins with `database` when it may wait for a lock there.
   */
  effect<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Runs all of them; rejects when one does. */
  race<Works extends Record<string, () => Promise<unknown>>>(choose: Choose, works: Works): Promise<Raced<Works>>;
  /** The effects of the newest race in the order in which they were released. */
  steps(): readonly Step[];
}

export interface Raced<Works extends Record<string, () => Promise<unknown>>> {
  readonly answers: { readonly [Name in keyof Works]: Awaited<ReturnType<Works[Name]>> };
  readonly steps: readonly Step[];
  /** How often every racer waited for the lock of another: a deadlock. */
  readonly standstills: number;
}

/** A racer and its progress. */
interface Racer {
  readonly name: string;
  readonly parked: Parked[];
  /** Effects that were released and have not ended. */
  readonly running: string[];
  /** Transactions that open or close: not effects, but not at rest either. */
  opening: number;
  isDone: boolean;
}

interface Parked extends Step {
  readonly go: () => void;
}

const RACER_HEADER = 'x-racer';
/** Longer than PostgreSQL takes to break a deadlock. */
const STUCK_MS = 8_000;

export function asRacer(name: string): Record<string, string> {
  return { [RACER_HEADER]: name };
}

/** Questions about roles change nothing: racers who ask the same one at a time share it, and wait for the racer that asked. */
const IS_SHARED = /^seating (owns\w+|isScanner)$/;

export function createInterleaving(dsn: string): Interleaving {
  const current = new AsyncLocalStorage<Racer>();
  const changes = createChanges();
  const lockWaiters = countLockWaiters(dsn);
  let racers: Racer[] = [];
  let steps: Step[] = [];

  const observer = {
    before(effect: string): Promise<void> | undefined {
      const racer = current.getStore();
      if (!racer || IS_SHARED.test(effect)) return undefined;
      return new Promise((done) => {
        const go = () => {
          racer.running.push(effect);
          done();
        };
        racer.parked.push({ who: racer.name, effect, go });
        changes.note();
      });
    },
    after(effect: string): void {
      const { running } = current.getStore() ?? {};
      if (running?.includes(effect)) running.splice(running.indexOf(effect), 1);
      changes.note();
    },
  };

  /** Resolves when no racer can move on its own. */
  async function settle(): Promise<void> {
    for (;;) {
      while (racers.some(isMoving)) await changes.next();
      const seen = changes.count();
      await turn();
      if (seen !== changes.count()) continue;
      const running = racers.flatMap((racer) => racer.running);
      if (running.length === 0) return;
      if (running.every(isStatement)) {
        const waiting = await lockWaiters();
        if (seen === changes.count() && waiting === running.length) return;
      } else await changes.next();
    }
  }

  function start([name, work]: readonly [string, () => Promise<unknown>]): Promise<unknown> {
    const racer: Racer = { name, parked: [], running: [], opening: 0, isDone: false };
    racers.push(racer);
    return current.run(racer, work).finally(() => {
      racer.isDone = true;
      changes.note();
    });
  }

  /** Releases effects until there are none; returns how often no racer could move. */
  async function conduct(choose: Choose): Promise<number> {
    for (let standstills = 0; ; ) {
      await settle();
      const options = racers.flatMap((racer) => racer.parked);
      const next = options[options.length === 0 ? -1 : choose(options, steps.at(-1))];
      if (next) {
        steps.push({ who: next.who, effect: next.effect });
        for (const { parked } of racers) if (parked.includes(next)) parked.splice(parked.indexOf(next), 1);
        next.go();
      } else if (racers.every((racer) => racer.isDone)) return standstills;
      else {
        standstills += 1;
        await changes.next();
      }
    }
  }

  return {
    watch: (name, port) => {
      const inner = name === 'holds' ? asOneEffect(port, current) : watchOpening(name, port, current, changes.note);
      return watchEffects(observer)(name, inner);
    },
    tagRequests(server) {
      const handlers = server.listeners('request');
      server.removeAllListeners('request');
      server.on('request', (request: IncomingMessage, response) => {
        const racer = racers.find(({ name }) => name === request.headers[RACER_HEADER]);
        const handle = () => handlers.map((handler) => handler.call(server, request, response));
        if (!racer) return void handle();
        current.run(racer, () => {
          stayIn(request);
          handle();
        });
      });
    },
    async effect(name, work) {
      await observer.before(name);
      return work().finally(() => observer.after(name));
    },
    async race<Works extends Record<string, () => Promise<unknown>>>(choose: Choose, works: Works) {
      racers = [];
      steps = [];
      const started = Object.entries(works).map(start);
      const all = Promise.all(started);
      all.catch(() => undefined);
      const standstills = await conduct(choose);
      const answers = await all;
      const named = Object.fromEntries(Object.keys(works).map((name, at) => [name, answers[at]]));
      return { answers: named as Raced<Works>['answers'], steps, standstills };
    },
    steps: () => steps,
  };
}

function isMoving({ isDone, opening, parked, running }: Racer): boolean {
  return opening > 0 || (!isDone && parked.length === 0 && running.length === 0);
}

function isStatement(effect: string): boolean {
  return effect.startsWith('database ');
}

/** Counts changes, and lets a caller wait for the next one. */
function createChanges() {
  let count = 0;
  let waiting = Promise.withResolvers<void>();
  return {
    count: () => count,
    note() {
      count += 1;
      waiting.resolve();
      waiting = Promise.withResolvers();
    },
    async next() {
      const timer = setTimeout(waiting.reject, patience(STUCK_MS), new Error('the race is stuck: no racer moves'));
      await waiting.promise.finally(() => clearTimeout(timer));
    },
  };
}

/** What the holds ask the database, to see whether a hold is still valid, is part of their own effect. */
function asOneEffect<Port extends object>(port: Port, current: AsyncLocalStorage<Racer>): Port {
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key, target);
      if (typeof method !== 'function') return method;
      return (...values: readonly unknown[]) => current.exit(() => Reflect.apply(method, target, values));
    },
  });
}

/** The beginning and the end of a transaction are not effects, but the racer is not at rest until they are over. */
function watchOpening<Port extends object>(
  name: string,
  port: Port,
  current: AsyncLocalStorage<Racer>,
  note: () => void,
): Port {
  if (name !== 'database') return port;
  const database = port as unknown as {
    transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  };
  const move = (by: number) => {
    const racer = current.getStore();
    if (racer) racer.opening += by;
    note();
  };
  async function transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    move(1);
    try {
      return await database.transaction(async (tx) => {
        move(-1);
        return work(tx).finally(() => move(1));
      });
    } finally {
      move(-1);
    }
  }
  return { ...port, transaction };
}

/** The parser delivers a body in a context of its own, and its listeners must stay in that of their request. */
function stayIn(request: IncomingMessage): void {
  const here = AsyncLocalStorage.snapshot();
  const emit = request.emit.bind(request) as (...values: unknown[]) => boolean;
  Object.assign(request, { emit: (...values: unknown[]) => here(emit, ...values) });
}

/** How many statements in this database wait for a lock, by the lock table: an activity can be a moment old. */
function countLockWaiters(dsn: string): () => Promise<number> {
  const client = new pg.Client({ connectionString: dsn });
  const connected = client.connect();
  atEnd(() => client.end());
  const statement = {
    name: 'lock-waiters',
    text: `SELECT count(DISTINCT l.pid)::integer AS waiting FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE NOT l.granted AND a.datname = current_database()`,
  };
  return async () => {
    await connected;
    const { rows } = await client.query<{ waiting: number }>(statement);
    return rows[0]?.waiting ?? 0;
  };
}
