import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, inject } from 'vitest';
import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import { createDatabase, dsnFor, sql, TEMPLATE } from '../support/databases.ts';
import { startFakeIssuer } from '../support/fake-issuer.ts';
import type { Flow } from './flows.ts';
import { comeToRest, expectSound } from './soundness.ts';
import { createWorld, GaveUp, type Person, type World } from './world.ts';

/** Runs flows, each with its own database and data folder. */
export interface Runs {
  /** The points that a flow reaches when the service is not killed, in order. */
  record(flow: Flow): Promise<string[]>;
  /**
   * Runs the flow with a service that dies at a point; whether it reached the point. The end is checked as
   * for any flow.
   */
  crash(flow: Flow, point: string): Promise<boolean>;
}

const LIFE_OF_TOKENS_S = 7_200;

/** Every message that was ever committed to the outbox, even if it was removed from there. */
const OUTBOX_EVER = `
  CREATE TABLE outbox_ever (id bigint PRIMARY KEY, event_id uuid, topic text, key text, value text);
  CREATE FUNCTION keep_message() RETURNS trigger LANGUAGE plpgsql AS '
    BEGIN INSERT INTO outbox_ever VALUES (NEW.id, NEW.event_id, NEW.topic, NEW.key, NEW.value); RETURN NULL; END';
  CREATE TRIGGER outbox_kept AFTER INSERT ON outbox FOR EACH ROW WHEN (NEW.published_at IS NULL)
    EXECUTE FUNCTION keep_message()`;

/** For a test file; what it builds is removed at the end of the file. */
export async function prepareRuns(): Promise<Runs> {
  const server = inject('postgresDsn');
  const template = `crash_template_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(server, template, TEMPLATE);
  await sql(dsnFor(server, template), OUTBOX_EVER);
  afterAll(() => dropDatabase(server, template));
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-crashes-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const issuer = await startFakeIssuer();
  issuer.m2mLifeS = LIFE_OF_TOKENS_S;
  const tokens = await tokensOf(issuer);
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'secret-of-the-ticket-service-client',
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    LOG_LEVEL: 'silent',
    // Each start reads the compile cache that the first starts wrote.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(folder, 'compiled'),
    POSTGRES_POOL_SIZE: '5',
    SEAT_LOCK_TTL_MINUTES: '1',
    SWEEP_INTERVAL_SECONDS: '0.05',
    OUTBOX_RETENTION_HOURS: '0.01',
  };

  async function run<Result>(
    flow: Flow,
    options: { readonly crashAt?: string; readonly isRecorded?: boolean },
    result: (world: World, recorded: string[]) => Result,
  ): Promise<Result> {
    const name = `crash_${randomUUID().replaceAll('-', '')}`;
    const own = await mkdtemp(join(folder, 'run-'));
    await createDatabase(server, name, template);
    const recordTo = join(own, 'points');
    const world = await createWorld({
      dsn: dsnFor(server, name),
      folder: own,
      env,
      tokens,
      ...(options.crashAt === undefined ? {} : { crashAt: options.crashAt }),
      ...(options.isRecorded ? { recordTo } : {}),
    });
    try {
      await flow(world).catch((error: unknown) => {
        if (!(error instanceof GaveUp)) throw error;
      });
      await comeToRest(world);
      // A flow can be over before the second turn of a periodic job.
      if (options.crashAt !== undefined && !world.hasCrashed()) {
        await world.awaitCrash();
        await comeToRest(world);
      }
      const came = existsSync(recordTo) ? readFileSync(recordTo, 'utf8').trim().split('\n') : [];
      await expectSound(world);
      return result(world, came);
    } finally {
      await world.close();
      await dropDatabase(server, name);
      await rm(own, { recursive: true, force: true });
    }
  }

  return {
    record: (flow) => run(flow, { isRecorded: true }, (_world, recorded) => [...new Set(recorded)]),
    crash: (flow, crashAt) => run(flow, { crashAt }, (world) => world.hasCrashed()),
  };
}

function dropDatabase(server: string, name: string): Promise<unknown> {
  return sql(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

async function tokensOf(issuer: Awaited<ReturnType<typeof startFakeIssuer>>) {
  const people = Object.keys(DEMO_USERS) as Person[];
  const tokens = people.map(async (person) => {
    const claims = { user_groups: DEMO_USERS[person].groups };
    return [person, await issuer.token(DEMO_USERS[person].sub, claims, { expiresIn: LIFE_OF_TOKENS_S })];
  });
  return Object.fromEntries(await Promise.all(tokens)) as Record<Person, string>;
}
