import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Watch } from '../../src/app.ts';
import type { SeatHolds } from '../../src/features/seats/seats.ports.ts';
import { TIMEOUT_MS } from '../../src/platform/redis/circuit.ts';
import { patience } from './patience.ts';
import type { PlatformApp } from './platform-app.ts';
import { until } from './servers.ts';
import type { TestApp } from './test-app.ts';

export interface Load {
  /** Resolves after this many more answers. */
  goOn(answers: number): Promise<void>;
  /**
   * Stops it and prints what it saw. Fails unless each request was served or refused because of its seats, and holds were
   * queried within their bound.
   */
  end(fault: string): Promise<void>;
}

/** The longest wait for anything under load. */
export const LOAD_MS = 60_000;
/** The time that a busy machine of two cores may add to a wait, which is far less than an unbounded wait. */
export const SLACK_MS = 3_000;
const BUYERS = 12;
const SEATS = 400;
const CANCEL_ONE_IN = 3;

/** Buyers on all replicas who order pairs of the same few seats and cancel some of their orders, until stopped. */
export async function startLoad(
  platform: PlatformApp,
  replicas: readonly TestApp[],
  holds: { readonly longestMs: number },
): Promise<Load> {
  const token = await platform.token(randomUUID());
  const seats = Array.from({ length: SEATS }, () => randomUUID());
  const statuses: Record<number, number> = {};
  let [requests, longestMs, isStopped] = [0, 0, false];

  async function timed(app: TestApp, method: string, path: string, body?: unknown) {
    const from = performance.now();
    const answer = await app.call(method, path, { token, body });
    longestMs = Math.max(longestMs, performance.now() - from);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    requests += 1;
    return answer;
  }

  async function buy(buyer: number): Promise<void> {
    for (let turn = buyer; !isStopped; turn += 1) {
      const app = replicas[turn % replicas.length] as TestApp;
      const from = (turn * 7 + buyer * 31) % (SEATS - 1);
      const pair = turn % 2 === 0 ? seats.slice(from, from + 2) : seats.slice(from, from + 2).reverse();
      const { status, body } = await timed(app, 'POST', '/api/order', platform.request(pair));
      if (status === 201 && turn % CANCEL_ONE_IN === 0) await timed(app, 'DELETE', `/api/order/${body.order_id}`);
    }
  }

  const buyers = Promise.all(Array.from({ length: BUYERS }, (_, buyer) => buy(buyer)));
  return {
    async goOn(answers) {
      const before = requests;
      await until(`${answers} more orders are answered`, () => requests > before + answers, LOAD_MS);
    },
    async end(fault) {
      isStopped = true;
      await buyers;
      const [longest, atHolds] = [longestMs, holds.longestMs].map(Math.round);
      const seen = `${requests} requests ${JSON.stringify(statuses)}, longest ${longest} ms, at holds ${atHolds} ms`;
      process.stdout.write(`${fault}: ${seen}\n`);
      expect(Object.keys(statuses).sort()).toEqual(['201', '204', '409']);
      expect(holds.longestMs).toBeLessThan(patience(2 * TIMEOUT_MS + SLACK_MS));
    },
  };
}

/** Measures how long each query of the holds takes. */
export function timeHolds(): { readonly watch: Watch; longestMs: number } {
  const timing = {
    longestMs: 0,
    watch: <Port extends object>(name: string, port: Port): Port => {
      if (name !== 'holds') return port;
      const holds = port as Port & SeatHolds;
      const timed =
        <Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) =>
        async (...given: Given) => {
          const from = performance.now();
          try {
            return await ask(...given);
          } finally {
            timing.longestMs = Math.max(timing.longestMs, performance.now() - from);
          }
        };
      return { ...holds, hold: timed(holds.hold), extend: timed(holds.extend), release: timed(holds.release) };
    },
  };
  return timing;
}
