import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { startFakeIssuer } from '../support/fake-issuer.ts';
import { openLink } from '../support/link.ts';
import { testDatabase } from '../support/own-database.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

interface Content {
  readonly content?: Readonly<
    Record<
      string,
      {
        readonly schema: Readonly<Record<string, unknown>>;
        readonly example?: unknown;
        readonly examples?: unknown;
      }
    >
  >;
}
interface Operation {
  readonly summary?: string;
  readonly security?: unknown;
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

describe('the description of the API', () => {
  test('is OpenAPI 3.1, and every body in it has an example', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((methods) =>
      Object.values(methods),
    );
    expect(operations.length).toBeGreaterThan(14);
    for (const { summary, requestBody, responses } of operations) {
      expect(summary).toBeTruthy();
      const bodies = [requestBody, ...Object.values(responses)].flatMap((each) =>
        Object.values(each?.content ?? {}),
      );
      for (const { schema, example, examples } of bodies) {
        const element = schema.type === 'array' ? (schema.items as Record<string, unknown>) : schema;
        const shown = example ?? examples ?? element.examples ?? element.example;
        expect(
          shown ?? element.type === 'null',
          `${summary}: ${JSON.stringify(element).slice(0, 200)}`,
        ).toBeTruthy();
      }
    }
  });

  test('says which routes need a token', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(document.paths['/api/secure'].get.security).toEqual([{ bearer: [] }]);
    expect(document.paths['/healthz'].get.security).toBeUndefined();
    expect(document.paths['/api/webhook/stripe'].post.security).toBeUndefined();
  });

  test('leaves the stand-ins out, and has pages', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(
      Object.keys(document.paths).filter(
        (path) => path.startsWith('/v1') || path.includes('realms') || path.includes('event-'),
      ),
    ).toEqual([]);
    const { body: problem } = await app.call('GET', '/api/nothing', { token: 'x' });
    const page = await app.call('GET', problem.type);
    expect(page.text).toContain(`id="${problem.type.split('#')[1]}"`);
    expect(await app.call('GET', '/docs/')).toMatchObject({
      status: 200,
      text: expect.stringContaining('swagger'),
    });
  });
});

describe('health', () => {
  test('tells of each server', async () => {
    expect(await app.call('GET', '/healthz')).toMatchObject({ status: 200, text: 'OK' });
    expect(await app.call('GET', '/api/order/health')).toMatchObject({
      status: 200,
      body: {
        status: 'UP',
        service: 'ms-ticketing',
        version: '0.1.0',
        timestamp: expect.stringMatching(/Z$/),
        database: { status: 'UP', embedded: false },
        redis: { status: 'UP', embedded: true },
        kafka: { status: 'UP', embedded: true },
      },
    });
  });

  test('is down when the database is, and the process still lives', async () => {
    const dsn = new URL(await testDatabase());
    const link = await openLink(Number(dsn.port));
    atEnd(() => link.close());
    dsn.host = link.address;
    // There is no database to be verified at the end.
    const away = await startTestApp({ POSTGRES_DSN: dsn.toString() }, {}, { verified: false });
    link.refuse();
    await until('health has asked again', async () => {
      const { status } = await away.call('GET', '/api/order/health');
      return status === 503;
    });
    expect(await away.call('GET', '/api/order/health')).toMatchObject({
      status: 503,
      body: { status: 'DOWN', database: { status: 'DOWN' } },
    });
    expect((await away.call('GET', '/healthz')).status).toBe(200);
    const answer = await away.call('GET', `/api/order/${randomUUID()}`, {
      token: await away.signIn('buyer'),
    });
    expect(answer).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    expect(answer.text).not.toContain(link.address);
  });
});

test('an issuer that is away is no open door', async () => {
  const issuer = await startFakeIssuer();
  const closed = await startTestApp({ OIDC_ISSUER: issuer.issuer, TICKET_CLIENT_SECRET: 's' });
  const token = await issuer.token(randomUUID());
  issuer.away = true;
  const answer = await closed.call('GET', '/api/secure', { token });
  expect(answer).toMatchObject({ status: 503, body: { code: 'identity_unavailable' } });
  expect(answer.headers.get('retry-after')).toBe('2');
  issuer.away = false;
  expect((await closed.call('GET', '/api/secure', { token })).status).toBe(200);
});
