/**
 * Load by autocannon, in a process of its own. Takes a `Plan` and the buyers' tokens as JSON on its input; prints a
 * `Counted` as JSON.
 */

import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { printResult, readInput } from './child.ts';
import { type Counted, FRESH_SEAT, type Plan } from './load.ts';

const US_PER_SECOND = 1_000_000;
/** Open loops are many of autocannon's own, begun one after another, because each sends its second's share at once. */
const STAGGERED = 20;
const PAUSE_AFTER_SECONDS = 0.2;
const SAMPLE_MS = 100;
const ANSWER_TIMEOUT_S = 60;

const { plan, tokens } = await readInput<{ plan: Plan; tokens: string[] }>();
const bodies = plan.bodies ?? [''];
const { host } = new URL(plan.url);
let built = 0;

/** The next request as it goes over the wire. */
function nextRequest(): string {
  const token = tokens[built % tokens.length];
  const path = plan.paths[built % plan.paths.length] ?? '/';
  const body = (bodies[built % bodies.length] ?? '').replaceAll(FRESH_SEAT, () => randomUUID());
  built += 1;
  const head = `${plan.method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
  if (body === '') return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

interface BareClient {
  getRequestBuffer(): Buffer | string;
  /** How long after it was due the request that is under way was sent. */
  lateMs: number;
}

const isPaced = plan.loop === 'open';
const beganMs = performance.now();
const fromMs = plan.requests === undefined ? beganMs + plan.warmUpMs : beganMs;
const untilMs = plan.requests === undefined ? fromMs + plan.durationMs : Number.POSITIVE_INFINITY;
const isCounted = (nowMs: number) => nowMs >= fromMs && nowMs < untilMs;
const byStatus: Record<number, number[]> = {};
const answers: Record<number, number> = {};
let sent = 0;
let lastMs = fromMs;

function onAnswer(status: number, tookMs: number): void {
  lastMs = performance.now();
  answers[status] = (answers[status] ?? 0) + 1;
  if (!isCounted(lastMs)) return;
  byStatus[status] ??= [];
  byStatus[status].push(tookMs);
}

/** So many connections, in an open loop each due to send once a second from `delayMs` on. */
function fire(connections: number, delayMs: number): Promise<void> {
  return new Promise((done, fail) => {
    const begin = () => {
      const gridMs = performance.now();
      // A request built anew for each would be a fifth of what is measured; ours is a text with other ids.
      const setupClient = (client: autocannon.Client) => {
        const bare = client as unknown as BareClient;
        bare.getRequestBuffer = () => {
          const nowMs = performance.now();
          if (isCounted(nowMs)) sent += 1;
          bare.lateMs = isPaced ? (nowMs - gridMs) % MS_PER_SECOND : 0;
          return nextRequest();
        };
      };
      const duration = (plan.warmUpMs + plan.durationMs) / MS_PER_SECOND + PAUSE_AFTER_SECONDS;
      const instance = autocannon(
        {
          url: plan.url,
          connections,
          ...(plan.requests === undefined ? { duration } : { amount: plan.requests }),
          sampleInt: SAMPLE_MS,
          timeout: ANSWER_TIMEOUT_S,
          ...(isPaced ? { overallRate: connections } : {}),
          setupClient,
        },
        (error) => (error ? fail(error) : done()),
      );
      instance.on('response', (client, status, _bytes, tookMs) =>
        onAnswer(status, tookMs + (client as unknown as BareClient).lateMs),
      );
      instance.on('reqError', () => onAnswer(0, 0));
    };
    setTimeout(begin, delayMs);
  });
}

const begun = process.cpuUsage();
if (!isPaced) await fire(plan.connections, 0);
else {
  // A connection that waits less than a second for its answer is there again when it is due.
  const share = Math.ceil(plan.connections / STAGGERED);
  await Promise.all(
    Array.from({ length: STAGGERED }, (_, at) => fire(share, (at * MS_PER_SECOND) / STAGGERED)),
  );
}
const cpu = process.cpuUsage(begun);
printResult({
  seconds: (plan.requests === undefined ? plan.durationMs : lastMs - fromMs) / MS_PER_SECOND,
  byStatus,
  sent,
  answers,
  loadSeconds: (cpu.user + cpu.system) / US_PER_SECOND,
} satisfies Counted);
