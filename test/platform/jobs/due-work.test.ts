import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Instant, instant, later } from '../../../src/kernel/clock.ts';
import {
  backlogOf,
  claim,
  claimDue,
  countBacklog,
  type DueTable,
  keepFailure,
  retry,
  retryStuck,
} from '../../../src/platform/jobs/due-work.store.ts';
import { type DueQueue, dueWork, MAX_TRIES } from '../../../src/platform/jobs/due-work.ts';
import type { Database, Statement } from '../../../src/platform/postgres/database.ts';
import { sql } from '../../support/databases.ts';
import { emptyDatabase, openTestDatabase } from '../../support/own-database.ts';
import { until } from '../../support/servers.ts';

const CHORES: DueTable = {
  table: 'chores',
  key: 'name',
  isOpen: `done_at IS NULL AND attempts < ${MAX_TRIES}`,
  isStuck: `done_at IS NULL AND attempts >= ${MAX_TRIES}`,
  since: 'came_at',
};
const CLAIM = claimDue('chores-claim', CHORES, 'name, attempts');
const FAILED = keepFailure('chore-failed', CHORES);
const RETRY = retryStuck('chore-retry', CHORES, 0);
const BACKLOG = countBacklog('chores-backlog', CHORES);
const DONE = { name: 'chore-done', text: 'UPDATE chores SET done_at = now() WHERE name = $1' };

interface Chore {
  readonly name: string;
  readonly attempts: number;
}

const START = instant(Date.parse('2026-11-27T20:00:00Z'));
let dsn: string;
let database: Database;
let now: Instant;

beforeAll(async () => {
  dsn = await emptyDatabase();
  await sql(
    dsn,
    `CREATE TABLE chores (name text PRIMARY KEY, came_at timestamptz NOT NULL, done_at timestamptz,
       attempts integer NOT NULL DEFAULT 0, next_attempt_at timestamptz NOT NULL, last_error text)`,
  );
  database = openTestDatabase(dsn);
});

beforeEach(async () => {
  now = START;
  await sql(dsn, 'TRUNCATE chores');
});

const add = (...names: string[]) =>
  sql(dsn, 'INSERT INTO chores (name, came_at, next_attempt_at) SELECT name, $2, $2 FROM unnest($1::text[]) AS name', [
    names,
    new Date(START),
  ]);
const rows = () =>
  sql<{ name: string; attempts: number; last_error: string | null; is_done: boolean }>(
    dsn,
    'SELECT name, attempts, last_error, done_at IS NOT NULL AS is_done FROM chores ORDER BY name',
  );

const queueOf = (statement: Statement): DueQueue<Chore> => ({
  claim: (at, limit) => claim<Chore>(database, statement, at, limit),
  async noteFailure({ name }, reason) {
    await database.rows(FAILED, [name, reason]);
  },
});

/** A worker for the chores; `did` holds what it has done, `reported` the errors that it has reported. */
function worker(perform: (chore: Chore) => Promise<void>, statement = CLAIM) {
  const did: string[] = [];
  const reported: unknown[] = [];
  const turn = dueWork<Chore>(
    queueOf(statement),
    { now: () => now },
    async (chore) => {
      await perform(chore);
      did.push(chore.name);
      await database.rows(DONE, [chore.name]);
    },
    (error) => reported.push(error),
  );
  return { turn, did, reported };
}

const succeed = async () => undefined;
const fail = async () => {
  throw new Error('not today');
};

test('work that is due is done once, and work that is not due yet is left', async () => {
  await add('a', 'b');
  await sql(dsn, "UPDATE chores SET next_attempt_at = next_attempt_at + interval '1 second' WHERE name = 'b'");
  const { turn, did } = worker(succeed);
  expect(await turn()).toBe(false);
  expect(await turn()).toBe(false);
  expect(did).toEqual(['a']);
  now = later(now, 1_000);
  await turn();
  expect(did).toEqual(['a', 'b']);
});

test('a full batch reports that there may be more', async () => {
  await add(...Array.from({ length: 65 }, (_, at) => `chore ${at}`));
  const { turn, did } = worker(succeed);
  expect([await turn(), await turn()]).toEqual([true, false]);
  expect(did).toHaveLength(65);
});

describe('two claimers at once', () => {
  /** What each claimer gets when the second asks before the first has committed. */
  async function race(statement: Statement): Promise<[Chore[], Chore[]]> {
    await add('a');
    let second: Promise<Chore[]> | undefined;
    const first = await database.transaction(async (tx) => {
      const claimed = await claim<Chore>(tx, statement, now, 10);
      second = claim<Chore>(database, statement, now, 10);
      let isAnswered = false;
      void second.then(() => {
        isAnswered = true;
      });
      await until('the second is answered, or waits for the first', async () => {
        const [{ waits } = { waits: 0 }] = await sql<{ waits: number }>(
          dsn,
          "SELECT count(*)::int AS waits FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        return isAnswered || waits > 0;
      });
      return claimed;
    });
    return [first, (await second) ?? []];
  }

  test('they get no row in common', async () => {
    const [first, second] = await race(CLAIM);
    expect([first, second]).toEqual([[{ name: 'a', attempts: 1 }], []]);
  });

  test('they get the same row when SKIP LOCKED is taken out', async () => {
    const text = CLAIM.text.replace('FOR UPDATE SKIP LOCKED', '');
    const [first, second] = await race({ name: 'chores-claim-unlocked', text });
    expect([first, second]).toEqual([[{ name: 'a', attempts: 1 }], [{ name: 'a', attempts: 2 }]]);
  });
});

describe('the work of a claimer that dies', () => {
  const dies = () => claim<Chore>(database, CLAIM, now, 10);

  test('it goes to another claimer when the claim has expired, and its attempt counts', async () => {
    await add('a');
    await dies();
    const { turn, did } = worker(succeed);
    now = later(START, 4_999);
    await turn();
    expect(did).toEqual([]);
    now = later(START, 5_000);
    await turn();
    expect(did).toEqual(['a']);
    expect(await rows()).toMatchObject([{ attempts: 2, is_done: true }]);
  });

  test('it goes to another claimer at once when a claim does not postpone the next attempt', async () => {
    const text = CLAIM.text.replace(/, next_attempt_at = \$1::timestamptz \+ [^\n]*/, '');
    expect(text).not.toBe(CLAIM.text);
    await add('a');
    await dies();
    await sql(dsn, 'UPDATE chores SET next_attempt_at = came_at');
    const { turn, did } = worker(succeed, { name: 'chores-claim-without-end', text });
    await turn();
    expect(did).toEqual(['a']);
  });
});

describe('work that fails', () => {
  /** The seconds between the attempts, up to the last one. */
  async function pausesOf(statement: Statement): Promise<number[]> {
    await add('a');
    const { turn } = worker(fail, statement);
    const pauses: number[] = [];
    for (let tries = 0; tries < MAX_TRIES + 2; tries += 1) {
      await turn();
      const [row] = await sql<{ next: Date }>(dsn, 'SELECT next_attempt_at AS next FROM chores');
      const seconds = ((row?.next.getTime() ?? 0) - now) / 1_000;
      if (seconds === 0) break;
      pauses.push(seconds);
      now = instant(row?.next.getTime() ?? 0);
    }
    return pauses;
  }

  test('it is retried after pauses that double up to ten minutes, and finally given up', async () => {
    expect(await pausesOf(CLAIM)).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600]);
    expect(await rows()).toEqual([{ name: 'a', attempts: MAX_TRIES, last_error: 'not today', is_done: false }]);
  });

  test('it is retried without end when the bound on attempts is taken out', async () => {
    const text = CLAIM.text.replace(`AND attempts < ${MAX_TRIES}`, '');
    expect(await pausesOf({ name: 'chores-claim-for-ever', text })).toHaveLength(MAX_TRIES + 2);
  });

  test('it is reported, and delays no other work', async () => {
    await add('a', 'b');
    const { turn, did, reported } = worker(async ({ name }) => {
      if (name === 'a') throw new Error('not today');
    });
    await turn();
    expect(did).toEqual(['b']);
    expect(reported).toEqual([new Error('not today')]);
    expect(await rows()).toMatchObject([
      { name: 'a', last_error: 'not today', is_done: false },
      { name: 'b', is_done: true },
    ]);
  });
});

test('work that was given up waits until an operator retries it', async () => {
  await add('a', 'b');
  await sql(dsn, 'UPDATE chores SET attempts = $1 WHERE name = $2', [MAX_TRIES, 'a']);
  const { turn, did } = worker(succeed);
  expect(await backlogOf(database, BACKLOG)).toEqual({ waiting: 2, oldest: START, stuck: 1 });
  await turn();
  expect(did).toEqual(['b']);
  expect(await backlogOf(database, BACKLOG)).toEqual({ waiting: 1, oldest: null, stuck: 1 });
  expect(await retry(database, RETRY, 'b', now)).toBe(false);
  expect(await retry(database, RETRY, 'a', now)).toBe(true);
  expect(await retry(database, RETRY, 'a', now)).toBe(false);
  await turn();
  expect(did).toEqual(['b', 'a']);
  expect(await backlogOf(database, BACKLOG)).toEqual({ waiting: 0, oldest: null, stuck: 0 });
});
