import { randomUUID } from 'node:crypto';
import type { Watch } from '../../src/app.ts';
import type { SeatHolds } from '../../src/features/seats/seats.ports.ts';
import type { PlatformApp } from './platform-app.ts';
import type { TestApp } from './test-app.ts';

export interface LoadReport {
  readonly requests: number;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly longestMs: number;
}

export interface Load {
  /** The number of answers so far. */
  answered(): number;
  /** Stops it; returns the answers to all requests. */
  stop(): Promise<LoadReport>;
}

const BUYERS = 12;
const SEATS = 400;
const CANCEL_ONE_IN = 3;

/** Buyers on all replicas who order pairs of the same few seats and cancel some of their orders, until stopped. */
export async function startLoad(platform: PlatformApp, replicas: readonly TestApp[]): Promise<Load> {
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
    answered: () => requests,
    async stop() {
      isStopped = true;
      await buyers;
      return { requests, statuses, longestMs: Math.round(longestMs) };
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
      return {
        ...holds,
        hold: timed(holds.hold),
        extend: timed(holds.extend),
        release: timed(holds.release),
      };
    },
  };
  return timing;
}
