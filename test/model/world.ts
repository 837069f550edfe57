import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type App, buildApp, type Watch } from '../../src/app.ts';
import { CHECKS } from '../../src/checks.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { StripeEvent } from '../../src/embedded/stripe/ledger.ts';
import { toEventWire } from '../../src/embedded/stripe/webhook-delivery.ts';
import { createTicketSealer, type TicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { type Finding, verify } from '../../src/features/verification/index.ts';
import type { EventMessage } from '../../src/kernel/events.ts';
import { as, type IdSource, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { type Database, openDatabase } from '../../src/platform/postgres/database.ts';
import { sql } from '../support/databases.ts';
import { watchEffects } from '../support/effects.ts';
import { startFakeIssuer } from '../support/fake-issuer.ts';
import { testDatabase } from '../support/own-database.ts';
import { BANK_KEYS, type Bank, openBank } from './bank.ts';
import { forgetDailyJobs, type Observed, observe, wipe } from './observed.ts';
import { CATALOGUE, createCountingIds, createModelClock, type ModelClock, SEATING } from './outside.ts';

export interface Answer {
  readonly status: number;
  /** `''` for an answer that is not a problem document. */
  readonly code: string;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export const BUYERS = 3;
export type Who = number | 'admin' | 'scanner';

/** The service and everything around it; only the service crashes. */
export interface World {
  readonly clock: ModelClock;
  readonly bank: Bank;
  /** The session of this sequence; another session has seats with the same names, which are independent of it. */
  readonly sessionId: string;
  /** Every message that the log accepted, including repeats. */
  readonly published: readonly EventMessage[];
  /** What the service logged as an error in this sequence. */
  readonly log: readonly string[];
  userId(who: Who): string;
  call(method: Method, path: string, who: Who, body?: unknown, key?: string): Promise<Answer>;
  /** Delivers an event as Stripe does, signed now. */
  deliver(event: StripeEvent): Promise<Answer>;
  /** A message of another system; resolves when the service has accepted it. */
  sendMessage(topic: 'payment_succefully' | 'payment_unseecuufull', message: unknown): Promise<void>;
  /** A turn of a background job, or more while it reports more work. */
  work(job: string): Promise<void>;
  sealed(ticketId: string): Promise<string>;
  /**
   * Runs `step` in a process that dies before its effect number `effects`, and returns the answer if there
   * was one before. The dead process has no further effect; another one then starts on what it left.
   */
  dieDuring<Result>(effects: number, step: () => Promise<Result>): Promise<Result | undefined>;
  /** Ends the process cleanly and starts another. */
  restart(): Promise<void>;
  observe(): Promise<Observed>;
  verify(): Promise<Finding[]>;
  /** Starts a new sequence: nothing stored, nothing at Stripe, another session. */
  begin(): Promise<void>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const WEBHOOK_SECRET = 'whsec_model';
const QR_KEY = Buffer.alloc(32, 7).toString('base64');
const NOWHERE = 'http://127.0.0.1:9';
/** The model’s clock starts years ago, and its tokens must outlive every jump. */
const TOKEN_LIFE_S = 315_360_000;
const ADMIN_GROUPS = ['/Permissions/Users/System Admins'];
/** Deleting leaves dead rows, and truncating files takes time. */
const SEQUENCES_BETWEEN_TRUNCATES = 100;
/** The event, and the organisation that holds it. */
export const EVENT_ID = '44444444-4444-4444-8444-444444444444';

interface Process {
  readonly app: App;
  readonly handlers: Map<string, (message: EventMessage) => Promise<void>>;
  /** The number of effects it may still have; undefined for no limit. */
  effectsLeft: number | undefined;
  isDead: boolean;
  underWay: number;
}

/** Builds the world of a test file and removes it at its end. */
export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-model-'));
  const clock = createModelClock();
  const ids = createCountingIds();
  const issuer = await startFakeIssuer();
  const dsn = await testDatabase();
  // No power failure happens here, and waiting for the disk is most of what a commit takes.
  await sql(dsn, `ALTER DATABASE ${new URL(dsn).pathname.slice(1)} SET synchronous_commit = off`);
  const bank = await openBank(clock, ids, join(folder, 'stripe-0'));
  const config = configFor({ dsn, folder, issuer: issuer.issuer, stripe: bank.url });
  const database = openDatabase({ currency: config.currency, dsn, maxConnections: 1, onIdleError: () => undefined });
  const people = await peopleOf((sub, claims) => issuer.token(sub, claims, { expiresIn: TOKEN_LIFE_S }));
  const shared = { clock, ids, bank, database, config, people, folder, log: [] as string[] };
  const world = await worldOn({ ...shared, sealer: await createTicketSealer([QR_KEY]) });
  afterAll(async () => {
    await world.close();
    await database.close();
    await bank.close();
    await rm(folder, { recursive: true, force: true });
  });
  return world;
}

interface Ground {
  readonly clock: ModelClock;
  readonly ids: IdSource;
  readonly bank: Bank;
  readonly database: Database;
  readonly config: Config;
  readonly people: ReadonlyMap<Who, Person>;
  readonly folder: string;
  readonly sealer: TicketSealer;
  readonly log: string[];
}

interface Person {
  readonly userId: string;
  readonly token: string;
}

async function worldOn(ground: Ground): Promise<World & { close(): Promise<void> }> {
  const { clock, ids, bank, database, people, log } = ground;
  const published: EventMessage[] = [];
  let process = await startProcess(ground, published);
  let sessionId = ids.uuid();
  let sequences = 0;

  async function replaceProcess(): Promise<void> {
    await quiet(process);
    await process.app.close();
    process = await startProcess(ground, published);
  }

  const personOf = (who: Who): Person => {
    const person = people.get(who);
    if (!person) throw new Error(`there is no user ${who}`);
    return person;
  };

  return {
    clock,
    bank,
    published,
    log,
    get sessionId() {
      return sessionId;
    },
    userId: (who) => personOf(who).userId,
    call(method, path, who, body, key) {
      const headers = {
        authorization: `Bearer ${personOf(who).token}`,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      return ask(process, { method, url: path, headers, ...(body === undefined ? {} : { payload: body as object }) });
    },
    deliver(event) {
      const payload = JSON.stringify(toEventWire(event));
      const headers = { 'content-type': 'application/json', 'stripe-signature': signatureOf(payload, clock.now()) };
      return ask(process, { method: 'POST', url: '/api/webhook/stripe', headers, payload });
    },
    async sendMessage(topic, message) {
      const value = JSON.stringify(message);
      await process.handlers.get(topic)?.({
        eventId: ids.uuid(),
        topic,
        key: '',
        value,
        committedAt: clock.now(),
      });
    },
    async work(job) {
      if (job === 'reconciliation') await forgetDailyJobs(database);
      while (await process.app.turn(job));
    },
    sealed: (ticketId) => ground.sealer.seal({ ticketId: as<TicketId>(ticketId), sessionId: as<SessionId>(sessionId) }),
    async dieDuring(effects, step) {
      const dying = process;
      dying.effectsLeft = effects;
      const result = await step().catch((error: unknown) => {
        if (!dying.isDead) throw error;
        return undefined;
      });
      const isAnswered = !dying.isDead;
      dying.isDead = true;
      await replaceProcess();
      return isAnswered ? result : undefined;
    },
    restart: replaceProcess,
    async observe() {
      await quiet(process);
      return observe(database);
    },
    verify: () => database.snapshot((executor) => verify(executor, CHECKS)),
    async begin() {
      if (process.effectsLeft !== undefined) await replaceProcess();
      await wipe(database, sequences % SEQUENCES_BETWEEN_TRUNCATES === 0);
      sequences += 1;
      await bank.reset(join(ground.folder, `stripe-${sequences}`));
      published.length = 0;
      log.length = 0;
      sessionId = ids.uuid();
    },
    close: () => process.app.close(),
  };
}

function configFor({ dsn, folder, issuer, stripe }: Record<'dsn' | 'folder' | 'issuer' | 'stripe', string>): Config {
  return readConfig({
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: join(folder, 'service'),
    POSTGRES_DSN: dsn,
    POSTGRES_POOL_SIZE: '6',
    AUTO_MIGRATE: 'false',
    OIDC_ISSUER: issuer,
    TICKET_CLIENT_SECRET: 'unused',
    EVENT_QUERY_SERVICE_URL: NOWHERE,
    EVENT_SEATING_SERVICE_URL: NOWHERE,
    STRIPE_SECRET_KEY: BANK_KEYS.secretKey,
    STRIPE_API_BASE: stripe,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    QR_SECRET_KEY: QR_KEY,
    LOG_LEVEL: 'error',
  });
}

async function peopleOf(
  token: (sub: string, claims: Record<string, unknown>) => Promise<string>,
): Promise<Map<Who, Person>> {
  const people = new Map<Who, Person>();
  const add = async (who: Who, claims: Record<string, unknown> = {}) => {
    const userId = randomUUID();
    people.set(who, { userId, token: await token(userId, claims) });
  };
  for (let buyer = 0; buyer < BUYERS; buyer += 1) await add(buyer);
  await add('admin', { user_groups: ADMIN_GROUPS });
  await add('scanner');
  return people;
}

/** The service as production builds it, with its background work left to the model. */
async function startProcess(ground: Ground, published: EventMessage[]): Promise<Process> {
  const { clock, ids, config, log } = ground;
  const state = { effectsLeft: undefined as number | undefined, isDead: false, underWay: 0 };
  const handlers: Process['handlers'] = new Map();
  const app = await buildApp(config, {
    clock,
    ids,
    logTo: { write: (line) => void log.push(line) },
    eventLog: {
      async publish(messages) {
        published.push(...messages);
      },
      subscribe: (_group, topic, handler) => void handlers.set(topic, (message) => handler(message, 1)),
    },
    watch: withEffectsLeft(state),
  });
  return Object.assign(state, { app, handlers });
}

/** Every effect counts, and a dead process has none. The seating services are simulated here, without their HTTP. */
function withEffectsLeft(state: Pick<Process, 'effectsLeft' | 'isDead' | 'underWay'>): Watch {
  const watch = watchEffects({
    before(effect) {
      if (state.effectsLeft === 0) state.isDead = true;
      if (state.isDead) throw new Error(`the process died before: ${effect}`);
      if (state.effectsLeft !== undefined) state.effectsLeft -= 1;
      state.underWay += 1;
    },
    after() {
      state.underWay -= 1;
    },
  });
  const simulated: Readonly<Record<string, object>> = { seating: SEATING, catalogue: CATALOGUE };
  return (name, port) => watch(name, (simulated[name] as typeof port | undefined) ?? port);
}

/** Resolves when no effect is under way any more: calls sent before a death still arrive. */
async function quiet(process: Process): Promise<void> {
  while (process.underWay > 0) await new Promise((done) => setImmediate(done));
}

async function ask(
  { app }: Process,
  request: { method: Method; url: string; headers: Record<string, string>; payload?: object | string },
): Promise<Answer> {
  const { statusCode, body: text, headers } = await app.http.inject(request);
  const isJson = String(headers['content-type']).includes('json');
  const parsed: unknown = isJson && text !== '' ? JSON.parse(text) : {};
  const body = parsed as Record<string, unknown>;
  return { status: statusCode, code: typeof body.code === 'string' ? body.code : '', text, body };
}

/** https://docs.stripe.com/webhooks#verify-manually */
function signatureOf(payload: string, now: number): string {
  const at = Math.floor(now / 1_000);
  return `t=${at},v1=${createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${payload}`).digest('hex')}`;
}
