import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../support/child-server.ts';
import { HAPROXY_FINDS_S, startHaproxy } from '../support/haproxy.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { surroundings } from '../support/stop-process.ts';

const CLIENTS_OF_A_KIND = 4;
/** One second longer than the balancer needs, as docs/operations.md advises. */
const DRAIN_DELAY_SECONDS = String(HAPROXY_FINDS_S + 1);

/** Places an order of one seat without retries; returns its status, or why there is none. */
function place(url: string, token: string, agent: Agent): Promise<number | string> {
  const [session_id, event_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
  const body = JSON.stringify({ session_id, event_id, organization_id, seat_ids: [randomUUID()] });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((done) => {
    const failed = (error: NodeJS.ErrnoException) => done(error.code ?? error.message);
    request(`${url}/api/order`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => done(response.statusCode ?? 'no status'));
      response.once('error', failed);
    })
      .once('error', failed)
      .end(body);
  });
}

describe('drain: two replicas behind HAProxy, which checks their health once a second', () => {
  test('each is restarted while orders are placed, and every order is answered with 201', async () => {
    const around = await surroundings();
    const token = await around.issuer.token(randomUUID());
    const ports = await freePorts(2);
    const start = async (port: number) => {
      const replica = await startServiceProcess({ ...around.env, PORT: String(port), DRAIN_DELAY_SECONDS });
      await replica.url();
      return replica;
    };
    const replicas = await Promise.all(ports.map(async (port) => ({ port, process: await start(port) })));
    const { url, serving } = await startHaproxy(ports);

    const outcomes = new Map<number | string, number>();
    let isSelling = true;
    const client = async (keepAlive: boolean) => {
      const agent = new Agent({ keepAlive, maxSockets: 1 });
      while (isSelling) {
        const outcome = await place(url, token, agent);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      agent.destroy();
    };
    const clients = Array.from({ length: CLIENTS_OF_A_KIND }, () => [client(true), client(false)]).flat();
    for (const [at, { port, process }] of replicas.entries()) {
      const placed = outcomes.get(201) ?? 0;
      await until('orders are placed', () => (outcomes.get(201) ?? 0) > placed);
      process.child.kill('SIGTERM');
      expect(await process.ended).toBe(0);
      await start(port);
      await until('HAProxy sends to it again', async () => (await serving()).includes(`s${at}`), 30_000);
    }
    isSelling = false;
    await Promise.all(clients);
    expect([...outcomes.keys()]).toEqual([201]);
  });
});
