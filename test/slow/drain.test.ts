import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { insist, type ServiceSurroundings, surroundings } from '../support/stop-process.ts';
import { call } from '../support/test-app.ts';

const FORCED = 130;
const CLIENTS = 8;
/** Answers that show that the load has begun. */
const UNDER_LOAD = 50;

let around: ServiceSurroundings;
let token: string;

beforeAll(async () => {
  around = await surroundings();
  token = await around.issuer.token(randomUUID());
});

/** What became of a request: its status, or why there is none. */
function outcomeOf(url: string, agent: Agent): Promise<number | string> {
  return new Promise((done) => {
    const options = { agent, headers: { authorization: `Bearer ${token}` } };
    const request = get(`${url}/api/secure`, options, (response) => {
      response.resume();
      response.once('end', () => done(response.statusCode ?? 'no status'));
      response.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
    // Of a connection that answered before, a reset is another matter than of one that nobody had taken.
    request.once('error', (error: NodeJS.ErrnoException) =>
      done(`${request.reusedSocket ? 'kept: ' : ''}${error.code ?? error.message}`),
    );
  });
}

describe('drain', () => {
  test('on SIGTERM it is not ready at once, and serves as before without keeping connections', async () => {
    const service = await startServiceProcess({ ...around.env, DRAIN_DELAY_SECONDS: '300' });
    const { child, ended } = service;
    const url = await service.url();
    expect((await call(url, 'GET', '/api/secure', { token })).headers.get('connection')).toBe('keep-alive');
    child.kill('SIGTERM');
    const health = await until('it is not ready', async () => {
      const answer = await call(url, 'GET', '/api/order/health');
      return answer.status === 503 && answer;
    });
    expect(health.body).toMatchObject({ status: 'DOWN', database: { status: 'UP' } });
    expect((await call(url, 'GET', '/healthz')).status).toBe(200);
    const answer = await call(url, 'GET', '/api/secure', { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    const [session_id, event_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
    const body = { session_id, event_id, organization_id, seat_ids: [randomUUID()] };
    expect((await call(url, 'POST', '/api/order', { token, body })).status).toBe(201);
    await insist(child);
    expect(await ended).toBe(FORCED);
  });

  test('clients without a balancer see only refused connections: no 503, and no answer that is cut off', async () => {
    const service = await startServiceProcess({ ...around.env, DRAIN_DELAY_SECONDS: '0.5' });
    const { child, ended } = service;
    const url = await service.url();
    const outcomes: (number | string)[] = [];
    const clients = Array.from({ length: CLIENTS }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let outcome: number | string = 200; outcome === 200; outcomes.push(outcome)) {
        outcome = await outcomeOf(url, agent);
        // A connection that nobody had taken when the port closed: nothing of its request was read, so clients try again.
        if (outcome === 'ECONNRESET') outcome = await outcomeOf(url, agent);
      }
      agent.destroy();
    });
    await until('they are served', () => outcomes.length > UNDER_LOAD);
    child.kill('SIGTERM');
    await Promise.all(clients);
    expect(await ended).toBe(0);
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual(Array(CLIENTS).fill('ECONNREFUSED'));
  });
});
